"""A real Chromium on the page, and what tests do with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from stand import Running, Stand

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
DRIVER = shutil.which("chromedriver")
WIDE, PHONE = (1280, 860), (390, 844)
SECONDS = 60

BEFORE = """
window.errors = [];
window.shifts = [];
addEventListener("error", (event) => errors.push(event.message));
addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
new PerformanceObserver((list) => shifts.push(
  ...list.getEntries().map(({ value, sources }) => [
    value, ...sources.map(({ node }) => node?.outerHTML?.slice(0, 80)),
  ]),
))
  .observe({ type: "layout-shift", buffered: true });
"""


def missing() -> str:
    """Why these tests cannot run; in CI, where a browser must be, nothing excuses them."""
    return (
        ""
        if (BROWSER and DRIVER) or os.environ.get("CI")
        else "Chromium and its driver are not installed"
    )


def start(*arguments: str) -> webdriver.Chrome:
    """Chromium without a window."""
    options = webdriver.ChromeOptions()
    if BROWSER:
        options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--enable-unsafe-swiftshader",
        "--hide-scrollbars",
        "--accept-lang=en-GB,en",
        "--autoplay-policy=no-user-gesture-required",
        *arguments,
    ):
        options.add_argument(argument)
    service = webdriver.ChromeService(DRIVER) if DRIVER else None
    driver = webdriver.Chrome(options=options, service=service)
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": BEFORE})
    driver.set_script_timeout(100)
    return driver


class Page:
    """The page in a browser, on a stand."""

    def __init__(self, driver: webdriver.Chrome, running: Running) -> None:
        self.driver = driver
        self.running = running

    @property
    def stand(self) -> Stand:
        return self.running.stand

    def size(self, size: tuple[int, int] = WIDE, ratio: float = 1, touch: bool = False) -> None:
        """Give the screen a size in CSS pixels and a ratio of device pixels."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": ratio, "mobile": touch},
        )
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})

    def like(self, **features: str) -> None:
        """What the person prefers: prefers_color_scheme="dark"."""
        listed = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})

    def open(self, address: str = "/", ready: str = "[data-ready]") -> Page:
        """Go to an address of the stand, and wait until it is there."""
        self.driver.get("about:blank")
        self.driver.get(self.running.url + address)
        if ready:
            self.wait(lambda: self.all(ready), ready)
        return self

    def opened(self, position: int = 0) -> Page:
        """The page with the picture at a position open."""
        self.open()
        self.js("grid.scrollToPosition(arguments[0]); grid.tileOf(arguments[0]).click()", position)
        self.wait(lambda: self.js("return swipe?.dataset.open"))
        return self

    def js(self, script: str, *values: Any) -> Any:
        """Run a script that knows `grid`, `scrubber`, `swipe`, and `tick(ms)`, which waits."""
        whole = """
            const done = arguments[arguments.length - 1];
            const { grid, scrubber } = await import("/static/main.js");
            const swipe = document.querySelector(".pswp");
            const tick = (ms = 30) => new Promise((go) => setTimeout(go, ms));
            const until = async (true_) => { while (!true_()) await tick(20); };
            const settled = () => until(() => grid.isSettled);
            %s
        """
        body = f"(async function () {{ {whole % script} }}).apply(null, arguments)"
        told = (
            "(value) => finish({ value: value ?? null }),"
            "(error) => finish({ error: `${error} ${error.stack}` })"
        )
        outer = f"const finish = arguments[arguments.length - 1]; {body}.then({told});"
        found = self.driver.execute_async_script(outer, *values)
        assert "error" not in found, found["error"]
        return found["value"]

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def wait(self, true: Callable[[], Any], what: str = "") -> Any:
        """Wait until something is true, and give it."""
        return WebDriverWait(self.driver, SECONDS, poll_frequency=0.03).until(
            lambda _: true(), f"{what} {self.logged()}"
        )

    def until(self, script: str, *values: Any) -> Any:
        """Wait until an expression of the page is true, and give it."""
        return self.wait(lambda: self.js(f"return {script}", *values), script)

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def chord(self, held: str, key: str) -> None:
        """Press a key while another is held."""
        ActionChains(self.driver, duration=0).key_down(held).send_keys(key).key_up(held).perform()

    def logged(self) -> list[str]:
        """Errors that the browser wrote down."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]

    def audit(self, axe: str) -> list[str]:
        """What axe finds wrong, each with the elements that are meant."""
        if not self.driver.execute_script("return Boolean(window.axe)"):
            self.driver.execute_script(axe)
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run(document).then(done)"
        )
        return [
            f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}"
            for one in found["violations"]
        ]
