"""What a person waits for at the page, and what it costs them, in a real Chromium.

python benchmarks/gallery_client.py 1000000      a made-up library, served by tests/web/stand.py
python benchmarks/gallery_client.py --url URL    another server; --link where it wants a log-in

First picture (cold, worst of five), 100 jumps to random places, drift and layout shifts, a minute
of wheel, drag and fling, images in the page, memory. Tasks are told by the clock, which other
programs of the machine lengthen, and by the processor time they took. One JSON object; the load of
the machine is in it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
from selenium import webdriver
from websocket import create_connection

STAND = Path(__file__).parents[1] / "tests" / "web" / "stand.py"
RUNS = 5
LONG = 50
WATCH = """
window.told = { first: 0, coloured: 0, shifts: 0, most: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) told.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
(function look() {
  told.most = Math.max(told.most, document.images.length);
  if (!told.coloured && document.querySelector(".tile")) told.coloured = performance.now();
  if (!told.first && document.querySelector("img.shown")) told.first = performance.now();
  requestAnimationFrame(look);
})();
"""
KNOWN = """
const done = arguments[arguments.length - 1];
const main = document.querySelector('script[type="module"]').src;
import(main).then(async ({ grid, scrubber }) => {
  const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  const tick = (ms) => new Promise((go) => setTimeout(go, ms));
  const seen = () => [...document.querySelectorAll(".tile")].filter((tile) => {
    const box = tile.getBoundingClientRect();
    const screen = grid.scroller.getBoundingClientRect();
    return box.bottom > screen.top && box.top < screen.bottom;
  });
  const shown = () => seen().every((tile) => tile.querySelector("img.shown, .broken"));
  %s
}).then(done, (error) => done({ error: String(error) }));
"""
JUMP = """
const { layout } = grid;
const row = layout.rowOf(Math.floor(arguments[0] * layout.count));
const start = performance.now();
grid.scrollTo(layout.tops[row]);
await frame();
const placed = performance.now() - start;
const right = grid.top.position === layout.starts[row] || grid.y === grid.end;
const [y, height] = [grid.y, grid.canvas.offsetHeight];
const top = () => grid.tileOf(layout.starts[row]).getBoundingClientRect().top;
const at = top();
while (!shown() && performance.now() - start < 10_000) await frame();
const pictured = performance.now() - start;
const drift = [grid.y - y, grid.canvas.offsetHeight - height, top() - at];
return { placed, right, pictured, count: seen().length, drift: Math.max(...drift.map(Math.abs)) };
"""


@contextmanager
def served(count: int) -> Iterator[str]:
    """The address of a made-up library of so many assets, in a process of its own."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, str(STAND), str(count), "--port", str(port)]
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urlopen(f"{url}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        urlopen(f"{url}/api/v1/timeline/layout?sort=taken&group=day", timeout=60).close()
        yield url
    finally:
        process.terminate()
        process.wait()


@contextmanager
def browser(ratio: float) -> Iterator[webdriver.Chrome]:
    """A fresh Chromium with an empty cache."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1280,860",
        f"--force-device-scale-factor={ratio:g}",
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    driver.set_script_timeout(120)
    try:
        yield driver
    finally:
        driver.quit()


@dataclass(frozen=True)
class Task:
    """One task of the page's main thread: milliseconds by the clock, and of the processor."""

    clock: float
    processor: float


@contextmanager
def traced(driver: webdriver.Chrome) -> Iterator[list[Task]]:
    """The tasks of the page's main thread, which are in the list afterwards."""
    place = driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
    with urlopen(f"http://{place}/json/version", timeout=5) as answer:
        line = create_connection(
            json.load(answer)["webSocketDebuggerUrl"], suppress_origin=True, timeout=120
        )
    config = {"includedCategories": ["toplevel", "devtools.timeline"], "excludedCategories": ["*"]}
    asked = {"id": 1, "method": "Tracing.start", "params": {"traceConfig": config}}
    line.send(json.dumps(asked))
    line.recv()
    tasks: list[Task] = []
    yield tasks
    line.send(json.dumps({"id": 2, "method": "Tracing.end"}))
    events: list[dict[str, Any]] = []
    while (told := json.loads(line.recv())).get("method") != "Tracing.tracingComplete":
        events += told.get("params", {}).get("value", [])
    line.close()
    page = {_thread(e) for e in events if e["name"] == "UpdateLayoutTree"}
    tasks += [
        Task(event["dur"] / 1000, event.get("tdur", 0) / 1000)
        for event in events
        if event["name"].endswith("RunTask") and _thread(event) in page and "dur" in event
    ]


def _thread(event: dict[str, Any]) -> tuple[int, int]:
    return event["pid"], event["tid"]


class Measurement:
    """What is measured of one server, in browsers of one pixel ratio."""

    def __init__(self, url: str, link: str, ratio: float) -> None:
        self.url, self.link, self.ratio = url, link, ratio

    def run(self, jumps: int, seconds: float) -> dict[str, Any]:
        """All figures; milliseconds where the name says none."""
        firsts = [self._first_picture() for _ in range(RUNS)]
        with browser(self.ratio) as driver:
            self._open(driver)
            made = [self._ask(driver, JUMP, random.random()) for _ in range(jumps)]
            transferred = self._transferred(driver)
            memory = self._memory(driver)
            with traced(driver) as tasks:
                self._move(driver, seconds)
            told = driver.execute_script("return told")
            return {
                "first tile, worst": max(first["coloured"] for first in firsts),
                "first picture, worst": max(first["first"] for first in firsts),
                "first pictures": [round(first["first"]) for first in firsts],
                **_of_jumps(made),
                "layout shift": told["shifts"],
                **_of_tasks(tasks),
                "most images": told["most"],
                **transferred,
                "memory after jumps": memory,
                "memory after motion": self._memory(driver),
                "load": os.getloadavg(),
            }

    def _open(self, driver: webdriver.Chrome) -> None:
        if self.link:
            driver.get(f"{self.url}/login#link={self.link}")
            _wait(driver, "document.body.dataset.ready")
        driver.get("about:blank")
        driver.get(self.url)
        _wait(driver, "window.told?.first")

    def _first_picture(self) -> dict[str, float]:
        with browser(self.ratio) as driver:
            self._open(driver)
            return dict(driver.execute_script("return told"))

    def _ask(self, driver: webdriver.Chrome, script: str, *values: Any) -> Any:
        found = driver.execute_async_script(KNOWN % script, *values)
        if isinstance(found, dict) and "error" in found:
            raise RuntimeError(found["error"])
        return found

    def _transferred(self, driver: webdriver.Chrome) -> dict[str, float]:
        found = self._ask(
            driver,
            """
            const { count } = grid.layout;
            const loaded = performance.getEntriesByType("resource");
            const of = (part) => loaded.filter(
              (one) => one.name.includes(part) && one.decodedBodySize,
            );
            const bytes = (part) => of(part).reduce((sum, one) => sum + one.decodedBodySize, 0);
            const asked = of("/timeline/window").reduce((sum, one) => {
              const given = new URL(one.name).searchParams;
              return sum + Math.min(count, given.get("stop")) - given.get("start");
            }, 0);
            return [bytes("/timeline/layout") / count, bytes("/timeline/window") / asked, count];
            """,
        )
        return {
            "bytes an asset, layout": found[0],
            "bytes an asset, windows": found[1],
            "assets": found[2],
        }

    def _memory(self, driver: webdriver.Chrome) -> dict[str, float]:
        driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        heap = driver.execute_cdp_cmd("Runtime.getHeapUsage", {})
        service = psutil.Process(driver.service.process.pid)
        tabs = [
            child.memory_full_info().pss
            for child in service.children(recursive=True)
            if "--type=renderer" in child.cmdline()
        ]
        arrays = heap.get("backingStorageSize", 0)
        return {
            "script heap MB": heap["usedSize"] / 1e6,
            "arrays MB": arrays / 1e6,
            "tab PSS MB": max(tabs, default=0) / 1e6,
        }

    def _move(self, driver: webdriver.Chrome, seconds: float) -> None:
        """Wheel, fling and drag in turn, at random places."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            way = random.choice((-1, 1))
            for _ in range(20):
                wheel = {"type": "mouseWheel", "x": 500, "y": 400, "deltaX": 0}
                driver.execute_cdp_cmd(
                    "Input.dispatchMouseEvent", {**wheel, "deltaY": way * random.randint(80, 900)}
                )
                time.sleep(0.03)
            fling = {"x": 500, "y": 400, "yDistance": way * 2600, "speed": 9000}
            driver.execute_cdp_cmd(
                "Input.synthesizeScrollGesture", {**fling, "gestureSourceType": "touch"}
            )
            self._drag(driver)

    def _drag(self, driver: webdriver.Chrome) -> None:
        box = driver.execute_script(
            "const { x, y, height } = document.getElementById('scrubber').getBoundingClientRect();"
            "return [x, y, height]"
        )
        place = {"x": box[0] + 20, "button": "left", "buttons": 1, "clickCount": 1}
        start, stop = (box[1] + 30 + random.random() * (box[2] - 60) for _ in range(2))
        kinds = ["mousePressed", *["mouseMoved"] * 30, "mouseReleased"]
        for number, kind in enumerate(kinds):
            y = start + (stop - start) * number / len(kinds)
            driver.execute_cdp_cmd("Input.dispatchMouseEvent", {**place, "type": kind, "y": y})
            time.sleep(0.016)


def _of_jumps(made: list[dict[str, Any]]) -> dict[str, Any]:
    pictured = sorted(jump["pictured"] for jump in made)
    return {
        "jumps": len(made),
        "right day on top": sum(jump["right"] for jump in made),
        "placeholders, median": statistics.median(jump["placed"] for jump in made),
        "placeholders, worst": max(jump["placed"] for jump in made),
        "pictures, median": statistics.median(pictured),
        "pictures, 95 of 100": pictured[int(0.95 * (len(pictured) - 1))],
        "pictures on the screen, median": statistics.median(jump["count"] for jump in made),
        "drift, px": max(jump["drift"] for jump in made),
    }


def _of_tasks(tasks: list[Task]) -> dict[str, Any]:
    long = [task for task in tasks if task.clock > LONG]
    return {
        "tasks in motion": len(tasks),
        "longest task": max((task.clock for task in tasks), default=0),
        "longest task, processor": max((task.processor for task in tasks), default=0),
        "tasks over 50 ms": len(long),
        "tasks over 50 ms of the processor": len([t for t in long if t.processor > LONG]),
    }


def _wait(driver: webdriver.Chrome, script: str) -> None:
    end = time.monotonic() + 60
    while not driver.execute_script(f"return {script}"):
        if time.monotonic() > end:
            raise TimeoutError(script)
        time.sleep(0.05)


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--url", default="", help="of a server that runs")
    parser.add_argument("--link", default="", help="the secret of a link that logs in")
    parser.add_argument("--ratio", type=float, default=1, help="device pixels a CSS pixel")
    parser.add_argument("--jumps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60, help="of wheel, drag and fling")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    random.seed(given.seed)
    if given.url:
        found = Measurement(given.url, given.link, given.ratio).run(given.jumps, given.seconds)
    else:
        with served(given.count) as url:
            found = Measurement(url, "", given.ratio).run(given.jumps, given.seconds)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
