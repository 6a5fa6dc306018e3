"""The review page in a real browser: as a file without any network, and served;
and the command that makes it.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from emulators.dropbox import Emulator
from PIL import Image, ImageDraw
from running import Lab, jpeg, put
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from web_program import Listening, WebStand, log_in, open_web

from catalog.domain.access import CURATOR
from catalog.domain.decisions import Answer, Decision
from catalog.domain.fixity import content_hash as hash_of
from catalog.errors import StoreUnavailable
from catalog.features.lookalikes.table import parse_decisions
from catalog.features.renditions.pictures import LOOK_SIDE
from catalog.features.renditions.store import RenditionStore
from catalog.features.review.page import Page, page_group
from catalog.features.review.review import Review
from catalog.web.access_log import AccessLog
from catalog.web.program import make_program

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
DRIVER = shutil.which("chromedriver")


def missing() -> str:
    """Why these tests cannot run; in CI, where a browser must be, nothing excuses them."""
    return (
        ""
        if (BROWSER and DRIVER) or os.environ.get("CI")
        else "Chromium and its driver are not installed"
    )


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

HOSTILE = [
    "nas:a/</script><script>document.title='owned'</script>.jpg",
    "nas:a/<img src=x onerror=document.title='owned'>.jpg",
    "nas:a/\"'><b onclick=alert(1)>&amp;&#x3c;.jpg",
    "nas:a/photo\u202egpj.exe",
    "nas:a/<!--<script>.jpg",
    "nas:a/party 🎉👩\u200d👧 \u05e9\u05dc\u05d5\u05dd.jpg",
    f"nas:a/{'x' * 300}.jpg",
    'nas:a/new\nline;semi"quote".jpg',
    "nas:a/\u2028\u2029@PICTURES@@DATA@@SCRIPT@.jpg",
]


# --- made-up groups -------------------------------------------------------------------------------


def picture(
    colour: str = "teal",
    mark: tuple[int, int, int, int] | None = None,
    size: tuple[int, int] = (120, 80),
) -> bytes:
    """A JPEG with a bright corner, which tells its turns apart,
    and a white mark where one is wanted.
    """
    made = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(made)
    draw.rectangle([0, 0, size[0] // 4, size[1] // 4], fill="yellow")
    if mark:
        draw.rectangle(mark, fill="white")
    return saved(made)


def saved(made: Image.Image) -> bytes:
    stream = io.BytesIO()
    made.save(stream, "JPEG", quality=92, subsampling=0)
    return stream.getvalue()


def digest(text: object) -> str:
    return hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).hexdigest()


def member(name: str, path: str = "", **values: Any) -> dict[str, Any]:
    usual = {
        "width": 4000,
        "height": 3000,
        "size": 5_000_000,
        "type": "jpeg",
        "taken": "2019-07-12T18:30:15",
        "camera": "Canon",
    }
    return {
        "hash": digest(name),
        "paths": [path or f"nas:2019/07_July/{name}.jpg"],
        "distance": 0,
        "turned": "",
        **usual,
        **values,
    }


def group(kind: str, *members: dict[str, Any], reason: str = "largest") -> dict[str, Any]:
    return page_group(
        {"kind": kind, "keeper": members[0]["hash"], "reason": reason, "members": list(members)}, {}
    )


def pair(number: int) -> dict[str, Any]:
    small = {
        "width": 1600,
        "height": 1200,
        "size": 200_000,
        "distance": 2,
        "taken": None,
        "camera": "",
    }
    return group("similar", member(f"{number}a"), member(f"{number}b", **small))


PICTURES = {
    digest(f"{n}{letter}"): picture(mark=(60, 40, 100, 70) if letter == "b" else None)
    for n in range(6)
    for letter in "ab"
}
"""Of each pair the second has a mark in the middle."""


def write(
    path: Path, groups: Sequence[dict[str, Any]], pictures: dict[str, bytes] | None = None
) -> str:
    """A page as a file; its address."""
    path.write_bytes(
        b"".join(Page(groups).parts((PICTURES if pictures is None else pictures).items()))
    )
    return path.as_uri()


# --- the browser ----------------------------------------------------------------------------------


class Browser:
    """A page in Chromium, used by keys and looked at as a person would."""

    def __init__(self, downloads: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER or ""
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--window-size=1400,1000",
        ):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        assert DRIVER, "chromedriver is not installed"
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))

    def open(self, address: str) -> None:
        self.driver.get("about:blank")
        self.driver.get_log("performance")
        self.driver.get(address)
        self.wait(lambda: self.run("return document.documentElement.dataset.ready") == "yes")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def keys(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def wait(self, reached: Callable[[], Any]) -> Any:
        return WebDriverWait(self.driver, 30, 0.05).until(lambda _driver: reached())

    def text(self, selector: str) -> str:
        return str(self.driver.find_element(By.CSS_SELECTOR, selector).text)

    def count(self, selector: str) -> int:
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def click(self, selector: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def decisions(self, number: int = 0) -> list[str]:
        """What is decided in a group that is on the page."""
        script = (
            "return [...document.querySelectorAll(`.group[data-number='${arguments[0]}'] "
            ".member`)].map(m => m.dataset.decision)"
        )
        return list(self.run(script, number))

    def here(self) -> tuple[int, int]:
        """Group and picture that have the focus."""
        found = self.run(
            "const m = document.activeElement.closest('.member');"
            "return m ? [+m.closest('.group').dataset.number, +m.dataset.member] : [-1, -1]"
        )
        return found[0], found[1]

    def requested(self) -> list[str]:
        """Every address that was asked for since the page was opened, data and blobs excepted."""
        messages = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        sent = [
            m["params"]["request"]["url"]
            for m in messages
            if m["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in sent if not url.startswith(("data:", "blob:"))]

    def complaints(self) -> list[str]:
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]


@pytest.fixture(scope="module")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Path]]:
    downloads = tmp_path_factory.mktemp("downloads")
    browser = Browser(downloads)
    yield browser, downloads
    browser.driver.quit()


@pytest.fixture
def browser(_browser: tuple[Browser, Path], tmp_path: Path) -> Browser:
    """The browser, which remembers nothing of other tests' pages."""
    blank = tmp_path / "blank.html"
    blank.touch()
    _browser[0].driver.get(blank.as_uri())
    _browser[0].run("localStorage.clear()")
    return _browser[0]


@pytest.fixture
def downloads(_browser: tuple[Browser, Path]) -> Path:
    for path in _browser[1].iterdir():
        path.unlink()
    return _browser[1]


def saved_csv(browser: Browser, downloads: Path) -> bytes:
    browser.keys("s")
    path: Path = browser.wait(
        lambda: next((p for p in downloads.glob("*.csv") if p.stat().st_size), None)
    )
    return path.read_bytes()


# --- as a file ------------------------------------------------------------------------------------


def test_groups_are_shown_and_what_differs_from_the_keeper_stands_out(
    browser: Browser, tmp_path: Path
):
    browser.open(write(tmp_path / "page.html", [pair(0), pair(1)]))
    assert browser.text("#counted") == "0 of 2 decided"
    assert browser.count(".group") == 2
    assert browser.run(
        "return [...document.querySelectorAll('.frame img')].every(i => i.complete && "
        "i.naturalWidth === 120)"
    )
    first, second = (
        browser.driver.find_elements(By.CSS_SELECTOR, ".group[data-number='0'] .member")[n]
        for n in (0, 1)
    )
    assert "Proposed keeper" in first.text
    assert "0a.jpg" in first.text
    assert "4000 \u00d7 3000" in first.text
    assert "2019-07-12 18:30:15" in first.text
    emphasised = [e.text.splitlines() for e in second.find_elements(By.CSS_SELECTOR, ".less")]
    assert emphasised == [
        ["▾1600 \u00d7 1200 · 1.9 MP", "(smaller, keeper: 4000 \u00d7 3000 · 12 MP)"],
        ["\u2212no date, camera"],
    ]
    heights = browser.run(
        "return [...document.querySelectorAll('.group[data-number=\"0\"] .frame')].map(f => "
        "f.offsetHeight)"
    )
    assert len(set(heights)) == 1, "side by side at equal height"
    assert browser.complaints() == []


def test_a_page_as_a_file_asks_for_nothing_else(browser: Browser, tmp_path: Path):
    address = write(tmp_path / "page.html", [pair(n) for n in range(4)])
    browser.open(address)
    browser.keys("d", "z", Keys.ESCAPE, "d", Keys.ENTER, "?", Keys.ESCAPE)
    blocked = browser.run(
        "return fetch('https://example.com/').then(() => 'sent', () => 'refused')"
    )
    assert blocked == "refused"
    assert browser.requested() == [address]
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())


def test_everything_can_be_done_with_keys(browser: Browser, tmp_path: Path):
    browser.open(write(tmp_path / "page.html", [pair(n) for n in range(5)]))
    browser.keys(Keys.ENTER)
    assert browser.decisions(0) == ["keep", "drop"]
    assert browser.here() == (1, 0)
    browser.keys(Keys.ARROW_RIGHT, "x")
    assert browser.here() == (1, 1)
    assert browser.decisions(1) == ["", "drop"]
    browser.keys("j", "n")
    assert browser.decisions(2) == ["", "not-duplicate"], "on the keeper it is meant for all others"
    browser.keys("2", "p")
    assert browser.decisions(2) == ["", "keep"]
    browser.keys("u")
    assert browser.decisions(2) == ["", "not-duplicate"]
    browser.keys(Keys.ARROW_DOWN, "2", "b", Keys.ENTER)
    assert browser.decisions(3) == ["drop", "keep"], "the chosen keeper stays"
    assert browser.text("#counted") == "4 of 5 decided"
    assert browser.here() == (4, 0)
    browser.keys("k", "k", "o")
    assert browser.here() == (4, 0)
    browser.keys("x", "2", "x")
    assert "Nothing of this group would be kept" in browser.text(".group[data-number='4'] .state")
    assert (
        browser.text("#freed") == "· would free 10.6 MB"
    )  # 0.2 and 0.2 of the second ones, 5 of a keeper; 5.2 of the last


def test_nothing_is_decided_by_looking(browser: Browser, downloads: Path, tmp_path: Path):
    browser.open(write(tmp_path / "page.html", [pair(n) for n in range(3)]))
    browser.keys("j", "k", "2", "d", "d", "z", Keys.ESCAPE, " ", "o", "+", "-", "s")
    assert browser.text("#counted") == "0 of 3 decided"
    assert (
        browser.run("return document.getElementById('said').textContent")
        == "Nothing is decided yet."
    )
    assert list(downloads.iterdir()) == []


def test_saved_decisions_are_the_csv_that_the_program_reads(
    browser: Browser, downloads: Path, tmp_path: Path
):
    twice = member("same", "nas:2019/a.jpg"), member("same", "nas:copies/b; c.jpg")
    groups = [
        pair(0),
        pair(1),
        group("exact", *twice),
        group("bad", member("blurred"), reason="blurred (focus 12)"),
    ]
    browser.open(write(tmp_path / "page.html", groups))
    browser.keys(Keys.ENTER, "n", "j", "2", "x", "j", "x")
    data = saved_csv(browser, downloads)
    assert data.startswith(b"\xef\xbb\xbfgroup;kind;decision;hash;path;keeper;reason;files\r\n")
    found = parse_decisions(data, "it")
    assert found.problems == {}
    a, b = (groups[0]["id"], groups[1]["id"])
    assert found.decisions == [
        Decision(a, "similar", "keep", digest("0a"), "", digest("0a")),
        Decision(a, "similar", "drop", digest("0b"), "", digest("0a")),
        Decision(b, "similar", "not-duplicate", digest("1b"), "", digest("1a")),
        Decision(
            groups[2]["id"], "exact", "drop", digest("same"), "nas:copies/b; c.jpg", digest("same")
        ),
        Decision(groups[3]["id"], "bad", "drop", digest("blurred"), "", ""),
    ]
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    assert [r["reason"] for r in rows] == ["largest"] * 4 + ["blurred (focus 12)"]


def test_a_dropped_keeper_gives_its_place_to_the_one_that_is_kept(
    browser: Browser, downloads: Path, tmp_path: Path
):
    three = group("burst", member("a"), member("b"), member("c"))
    browser.open(write(tmp_path / "page.html", [three]))
    browser.keys("1", "x", "3", "p", "2", "x")
    found = parse_decisions(saved_csv(browser, downloads), "it").decisions
    assert [(d.hash, d.decision) for d in found] == [
        (digest("a"), "drop"),
        (digest("b"), "drop"),
        (digest("c"), "keep"),
    ]
    assert {d.keeper for d in found} == {digest("c")}


def test_a_reload_keeps_the_decisions_of_this_page_and_of_no_other(
    browser: Browser, tmp_path: Path
):
    address = write(tmp_path / "page.html", [pair(0), pair(1)])
    browser.open(address)
    browser.keys(Keys.ENTER)
    browser.open(address)
    assert browser.decisions(0) == ["keep", "drop"]
    assert browser.text("#counted") == "1 of 2 decided"
    browser.open(write(tmp_path / "other.html", [pair(0)]))
    assert browser.text("#counted") == "0 of 1 decided"


PIXELS = """
const canvas = document.querySelector(arguments[0]);
const [width, height] = [canvas.width, canvas.height];
const at = (x, y) => [...canvas.getContext('2d').getImageData(x * width, y * height, 1, 1).data];
return [width, height, arguments[1].map(([x, y]) => at(x, y))];
"""


def test_the_difference_shows_what_differs_and_nothing_else(browser: Browser, tmp_path: Path):
    browser.open(write(tmp_path / "page.html", [pair(0)]))
    browser.keys("d")
    browser.wait(lambda: browser.count(".frame canvas.difference") == 1)
    width, height, (mark, outside) = browser.run(
        PIXELS, ".frame canvas.difference", [[0.66, 0.68], [0.2, 0.8]]
    )
    assert (width, height) == (120, 80)
    assert min(mark[:3]) > 200, "there one is white"
    assert max(outside[:3]) < 20, "there both are the same"
    assert (
        browser.text(".frame .note") == "Differs in 13 % of its area (shown 4\u00d7)"
    )  # 41 x 31 of 120 x 80 pixels
    browser.keys("d")
    assert browser.count(".frame canvas") == 0


@pytest.mark.parametrize(
    ("turned", "turn"),
    [
        ("90", Image.Transpose.ROTATE_270),
        ("270", Image.Transpose.ROTATE_90),
        ("180", Image.Transpose.ROTATE_180),
        ("mirrored", Image.Transpose.FLIP_LEFT_RIGHT),
        ("mirrored 90", Image.Transpose.TRANSVERSE),
    ],
)
def test_turned_pictures_are_turned_back_before_they_are_compared(
    browser: Browser, tmp_path: Path, turned: str, turn: Any
):
    upright = picture()
    other = saved(Image.open(io.BytesIO(picture(mark=(100, 60, 119, 79)))).transpose(turn))
    wide = turned in ("180", "mirrored")
    size = {"width": 120, "height": 80} if wide else {"width": 80, "height": 120}
    groups = [
        group(
            "similar",
            member("a", width=120, height=80),
            member("b", turned=turned, distance=2, **size),
        )
    ]
    browser.open(write(tmp_path / "page.html", groups, {digest("a"): upright, digest("b"): other}))
    browser.keys("d")
    browser.wait(lambda: browser.count(".frame canvas.difference") == 1)
    assert (
        browser.text(".frame .note") == "Differs in 4.2 % of its area (shown 4\u00d7)"
    )  # 20 x 20 of 120 x 80 pixels


def test_the_tiny_picture_of_the_index_is_called_so_and_not_compared(
    browser: Browser, tmp_path: Path
):
    pictures = {
        digest("a"): picture(size=(512, 384)),
        digest("b"): picture(size=(LOOK_SIDE, LOOK_SIDE * 3 // 4)),
    }
    browser.open(
        write(tmp_path / "page.html", [group("similar", member("a"), member("b"))], pictures)
    )
    browser.wait(lambda: browser.count(".tiny") == 1)
    assert browser.count(".member[data-member='1'] .tiny") == 1
    browser.keys("d")
    browser.wait(lambda: browser.count(".frame .note") == 1)
    assert browser.text(".frame .note") == "Not compared: only a tiny picture is at hand"
    assert browser.count(".frame canvas") == 0


def test_held_space_shows_the_keeper_in_its_place(browser: Browser, tmp_path: Path):
    browser.open(write(tmp_path / "page.html", [pair(0)]))
    browser.keys("2")
    ActionChains(browser.driver).key_down(" ").perform()
    browser.wait(lambda: browser.count(".frame canvas.flicker") == 1)
    _width, _height, (mark,) = browser.run(PIXELS, ".frame canvas.flicker", [[0.66, 0.68]])
    assert mark[0] < 60, "the keeper has no white mark there"
    ActionChains(browser.driver).key_up(" ").perform()
    browser.wait(lambda: browser.count(".frame canvas") == 0)


def test_a_click_enlarges_and_keys_go_on_working(browser: Browser, tmp_path: Path):
    browser.open(write(tmp_path / "page.html", [pair(0)]))
    browser.click(".member[data-member='0'] .frame")
    browser.wait(lambda: browser.run("return document.getElementById('zoom').open"))
    assert browser.run("return document.querySelector('#stage').offsetWidth") >= browser.run(
        "return innerWidth"
    )
    browser.keys(Keys.ARROW_RIGHT)
    assert "0b.jpg" in browser.text("#zoom-name")
    browser.keys("x")
    assert (
        browser.run("return document.getElementById('zoom-drop').getAttribute('aria-pressed')")
        == "true"
    )
    browser.keys(Keys.ESCAPE)
    browser.wait(lambda: not browser.run("return document.getElementById('zoom').open"))
    browser.wait(
        lambda: browser.here() == (0, 1)
    )  # not where it was opened, but the one that was looked at last
    assert browser.decisions(0) == ["", "drop"]


def test_hostile_names_are_text(browser: Browser, downloads: Path, tmp_path: Path):
    evil = "</script><script>document.title='owned'</script>"
    members = [
        member(
            f"h{n}",
            path,
            camera=evil,
            place=evil,
            tags=[evil],
            albums=[evil],
            taken=evil,
            type=evil,
        )
        for n, path in enumerate(HOSTILE)
    ]
    pictures = {m["hash"]: picture() for m in members}
    browser.open(write(tmp_path / "page.html", [group("similar", *members, reason=evil)], pictures))
    assert browser.driver.title == "Review"
    assert browser.count("body script") == len(members) + 2
    assert browser.count(".member") == len(HOSTILE)
    names = browser.run("return [...document.querySelectorAll('.name')].map(n => n.textContent)")
    assert names[3] == "photo\\u202egpj.exe", "what turns the reading direction is seen"
    assert names[5] == HOSTILE[5].partition("/")[2]
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), (
        "no name is wider than the page"
    )
    browser.keys(Keys.ENTER)
    data = saved_csv(browser, downloads)
    assert [
        row["files"] for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig")), delimiter=";")
    ] == HOSTILE
    assert parse_decisions(data, "it").problems == {}
    assert browser.complaints() == []


def test_many_groups_stay_usable(browser: Browser, tmp_path: Path):
    pictures = {digest(f"{n}{letter}"): picture() for n in range(1500) for letter in "ab"}
    browser.open(write(tmp_path / "page.html", [pair(n) for n in range(1500)], pictures))
    assert browser.count(".group") == 1500
    assert browser.count(".frame img") < 40
    browser.keys(*["j"] * 12, Keys.END)
    assert browser.here() == (1499, 0)
    browser.wait(lambda: browser.count(".frame img") < 40)
    browser.keys(Keys.ENTER)
    assert browser.text("#counted") == "1 of 1\u2009500 decided"
    assert browser.here() == (0, 0), "the first undecided one is next"
    browser.keys(Keys.ENTER)
    browser.run(
        "const f = document.getElementById('filter'); f.value = 'decided'; f.dispatchEvent(new "
        "Event('change'))"
    )
    assert browser.run(
        "return [...document.querySelectorAll('.group:not([hidden])')].map(g => +g.dataset.number)"
    ) == [0, 1499]
    browser.wait(lambda: browser.count(".frame img") < 40)


def test_all_proposals_are_accepted_only_after_a_question(browser: Browser, tmp_path: Path):
    browser.open(write(tmp_path / "page.html", [pair(n) for n in range(5)]))
    browser.keys("2", "n")
    browser.click("#all")
    assert "the proposal of 4 undecided groups" in browser.text("#ask-text")
    browser.keys(Keys.ESCAPE)
    assert browser.text("#counted") == "1 of 5 decided"
    browser.click("#all")
    browser.click("#ask-yes")
    browser.wait(lambda: browser.text("#counted") == "5 of 5 decided")
    assert browser.decisions(0) == ["", "not-duplicate"]
    browser.click("#undo")
    assert browser.text("#counted") == "1 of 5 decided"


def unproposed() -> dict[str, Any]:
    """A group of which nothing has everything: the first has the movie, the second the camera."""
    one = member("0a", has=["the movie", "3 frames"], camera="")
    other = member("0b", has=["the camera"], kind="same-image", distance=2)
    reason = "no proposal: 0a lacks the camera of 0b; 0b lacks the movie of 0a"
    return page_group(
        {"kind": "similar", "keeper": "", "reason": reason, "members": [one, other]}, {}
    )


def test_where_nothing_is_proposed_nothing_is_accepted_and_a_person_chooses(
    browser: Browser, downloads: Path, tmp_path: Path
):
    browser.open(write(tmp_path / "page.html", [unproposed(), pair(1)]))
    assert browser.text(".reason") == unproposed()["reason"]
    assert browser.count(".group[data-number='0'] .member.keeper") == 0
    assert not browser.driver.find_element(By.CSS_SELECTOR, ".accept").is_displayed()
    assert "Has the movie" in browser.text(".group[data-number='0'] .member[data-member='0']")
    other = browser.text(".group[data-number='0'] .member[data-member='1']")
    assert "Same image, other metadata" in other and "distance 2" in other
    browser.keys("1", Keys.ENTER)
    assert (browser.decisions(0), browser.here()) == (["", ""], (0, 0))
    browser.click("#all")
    browser.click("#ask-yes")
    browser.wait(lambda: browser.text("#counted") == "1 of 2 decided")
    browser.keys("2", "b", Keys.ENTER)
    assert browser.decisions(0) == ["drop", "keep"]
    found = parse_decisions(saved_csv(browser, downloads), "it").decisions
    assert {d.keeper for d in found if d.group == unproposed()["id"]} == {digest("0b")}
    assert "the movie" in browser.text("#notice") and "--yes" in browser.text("#notice")


def test_to_lose_what_the_keeper_lacks_is_asked_before_it_is_applied(
    serve: Callable[..., Served], browser: Browser
):
    served = serve([unproposed()], lambda decisions: [Answer(d, "done") for d in decisions])
    served.enter(browser)
    browser.keys("2", "b", Keys.ENTER)
    browser.click("#apply")
    assert "the movie" in browser.text("#ask-text")
    browser.keys(Keys.ESCAPE)
    assert served.posted == []
    browser.click("#apply")
    browser.click("#ask-yes")
    browser.wait(lambda: len(served.posted) == 1)
    assert [d.keeper for d in served.posted[0]] == [digest("0b")] * 2


def test_it_speaks_to_those_who_do_not_see_it_and_fits_a_phone(browser: Browser, tmp_path: Path):
    browser.open(write(tmp_path / "page.html", [pair(0), pair(1)]))
    browser.keys("2", "x")
    script = "return document.querySelector(arguments[0]).getAttribute('aria-label')"
    assert (
        browser.run(script, ".group")
        == "Group 1 of 2: Same picture, another version, 2 pictures, decided"
    )
    assert (
        browser.run(script, ".member[data-member='1']")
        == "Picture 2 of 2, drop, nas:2019/07_July/0b.jpg"
    )
    assert (
        browser.run("return document.getElementById('said').textContent")
        == "Picture 2: drop. 1 of 2 decided."
    )
    unnamed = (
        "return [...document.querySelectorAll('button, select')].filter(b => "
        "!(b.textContent.trim() || b.ariaLabel)).length"
    )
    assert browser.run(unnamed) == 0
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.click("#help")
    browser.click("#shortcuts")
    browser.keys(Keys.ESCAPE, "u")
    assert browser.decisions(0) == ["", "drop"], "keys of one letter are off"
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        browser.open((tmp_path / "page.html").as_uri())
        assert browser.run("return document.documentElement.scrollWidth") <= 360
        tops = browser.run(
            "return [...document.querySelectorAll('.group[data-number=\"0\"] .frame')].map(f => "
            "f.getBoundingClientRect().top)"
        )
        assert tops[0] == tops[1], "still side by side"
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# --- served ---------------------------------------------------------------------------------------


class Served:
    """A review that is being served, and what it was told.

    `address` is that of its page, `cookie` the session of a curator.
    """

    def __init__(
        self,
        groups: Sequence[dict[str, Any]],
        apply: Callable[[Sequence[Decision]], list[Answer]] | None = None,
    ) -> None:
        self.posted: list[list[Decision]] = []
        self.by: list[str] = []
        self.review = Review(
            Page(groups, "served"), lambda name, _large: PICTURES.get(name), self._apply
        )
        self._answer = apply or (lambda decisions: [Answer(d, "done") for d in decisions])
        self.address = ""
        self.cookie = ""

    def _apply(self, decisions: Sequence[Decision], by: str) -> list[Answer]:
        self.posted.append(list(decisions))
        self.by.append(by)
        return self._answer(decisions)

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """One request as the page makes it."""
        parts = urlsplit(self.address)
        headers = {"Cookie": f"catalog={self.cookie}"}
        if method == "POST":
            headers |= {"Origin": f"http://{parts.netloc}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
        try:
            connection.request(method, f"{parts.path}{path}", body or None, headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def enter(self, browser: Browser) -> None:
        """Open the page in a browser that is logged in."""
        browser.driver.get(f"{self.address.removesuffix('review/')}health")
        browser.driver.add_cookie({"name": "catalog", "value": self.cookie})
        browser.open(self.address)


@pytest.fixture
def web(lab: Lab) -> Iterator[WebStand]:
    with open_web(lab) as stand:
        yield stand


@pytest.fixture
def serve(web: WebStand) -> Iterator[Callable[..., Served]]:
    with contextlib.ExitStack() as stack:
        cookie = web.session("anna", CURATOR)

        def start(*arguments: Any) -> Served:
            served = Served(*arguments)
            services = replace(web.services, review=served.review)
            app = make_program(services, AccessLog(), web.faults.append)
            listening = stack.enter_context(Listening(app))
            served.address, served.cookie = f"{listening.url}/review/", cookie
            return served

        yield start


def rows(*decisions: Decision) -> bytes:
    fields = ("group", "kind", "decision", "hash", "path", "keeper")
    return json.dumps(
        {"decisions": [{name: getattr(d, name) for name in fields} for d in decisions]}
    ).encode()


def test_only_pictures_of_this_review_are_given_out(serve: Callable[..., Served]):
    served = serve([pair(0)])
    assert served.ask("GET", f"preview/{digest('0a')}")[2] == PICTURES[digest("0a")]
    assert served.ask("GET", f"large/{digest('0a')}")[0] == 200
    assert served.ask("GET", f"preview/{digest('1a')}")[0] == 404, (
        "which there is, but not in this review"
    )
    assert served.ask("GET", "preview/../../etc/passwd")[0] == 404


def test_without_a_review_there_is_none(web: WebStand):
    curator = web.logged_in("anna", CURATOR)
    answer = curator.get("/review/")
    assert answer.status_code == 404 and "catalog review --serve" in answer.json()["hint"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"decisions": {}}', "expected array"),
        (b'{"decisions": [7]}', "expected object"),
        (b'{"decisions": [{"group": 7}]}', "expected str"),
        (
            rows(Decision("0" * 12, "similar", "drop", digest("0b"), "", digest("0a"))),
            "no such group",
        ),
        (
            rows(Decision(pair(0)["id"], "burst", "drop", digest("0b"), "", digest("0a"))),
            "no such group",
        ),
        (
            rows(Decision(pair(0)["id"], "similar", "drop", digest("1b"), "", digest("0a"))),
            "no such member",
        ),
        (
            rows(Decision(pair(0)["id"], "similar", "drop", digest("0b"), "", digest("1a"))),
            "the keeper is no member",
        ),
        (
            rows(Decision(pair(0)["id"], "similar", "drop", digest("0a"), "", digest("0a"))),
            "the keeper itself",
        ),
        (
            rows(Decision(pair(0)["id"], "similar", "shred", digest("0b"), "", digest("0a"))),
            "is none of keep",
        ),
    ],
)
def test_what_cannot_be_meant_is_not_applied(
    serve: Callable[..., Served], body: bytes, reason: str
):
    served = serve([pair(0)])
    status, _headers, answer = served.ask("POST", "decisions", body)
    assert status == 422
    assert reason in json.loads(answer)["error"]
    assert served.posted == []


def test_a_decision_is_followed_once_however_often_it_is_sent(serve: Callable[..., Served]):
    one = pair(0)
    drop = Decision(one["id"], "similar", "drop", digest("0b"), "", digest("0a"))
    served = serve([one])
    answers = [served.ask("POST", "decisions", rows(drop)) for _ in range(3)]
    assert [json.loads(body)["answers"][0]["outcome"] for _status, _headers, body in answers] == [
        "done"
    ] * 3
    assert served.posted == [[drop]]
    assert served.by == ["anna"]


def test_an_answer_that_is_missing_and_an_error_are_failures(serve: Callable[..., Served]):
    one = pair(0)
    drop = rows(Decision(one["id"], "similar", "drop", digest("0b"), "", digest("0a")))

    def fail(_decisions: Sequence[Decision]) -> list[Answer]:
        raise StoreUnavailable("store nas is not there now")

    for apply, reason in (
        (fail, "store nas is not there now"),
        (lambda _decisions: [], "it is not known what became of it"),
    ):
        _status, _headers, body = serve([one], apply).ask("POST", "decisions", drop)
        (answer,) = json.loads(body)["answers"]
        assert answer["outcome"] == "failed"
        assert reason in answer["reason"]


def test_a_fault_of_the_program_ends_the_review_and_is_not_hidden(
    serve: Callable[..., Served], web: WebStand
):
    one = pair(0)

    def break_down(_decisions: Sequence[Decision]) -> list[Answer]:
        raise RuntimeError("a fault")

    served = serve([one], break_down)
    drop = rows(Decision(one["id"], "similar", "drop", digest("0b"), "", digest("0a")))
    assert served.ask("POST", "decisions", drop)[0] == 500
    assert [str(fault) for fault in web.faults] == ["a fault"]
    web.faults.clear()
    assert served.review.ended.wait(10)
    assert str(served.review.fault) == "a fault"


def test_decisions_reach_the_program_and_its_answers_the_page(
    serve: Callable[..., Served], browser: Browser
):
    def apply(decisions: Sequence[Decision]) -> list[Answer]:
        return [
            Answer(d, "failed", "store nas <b>is read-only</b>")
            if d.hash == digest("1b")
            else Answer(d, "done")
            for d in decisions
        ]

    served = serve([pair(0), pair(1), pair(2)], apply)
    served.enter(browser)
    browser.wait(
        lambda: browser.run(
            "return [...document.querySelectorAll('.frame img')].every(i => i.naturalWidth === 120)"
        )
    )
    browser.keys(Keys.ENTER, Keys.ENTER)
    assert served.posted == [], "nothing is applied before a person confirms it"
    browser.click("#apply")
    browser.wait(
        lambda: (
            "done"
            in browser.driver.find_elements(By.CSS_SELECTOR, ".group")[0]
            .get_attribute("class")
            .split()
        )
    )
    ids = [pair(n)["id"] for n in (0, 1)]
    assert served.posted == [
        [
            Decision(ids[0], "similar", "keep", digest("0a"), "", digest("0a")),
            Decision(ids[0], "similar", "drop", digest("0b"), "", digest("0a")),
            Decision(ids[1], "similar", "keep", digest("1a"), "", digest("1a")),
            Decision(ids[1], "similar", "drop", digest("1b"), "", digest("1a")),
        ]
    ]
    assert "1 decision could not be followed" in browser.text("#notice")
    assert (
        browser.text(".group[data-number='1'] .answer.failed")
        == "Failed: store nas <b>is read-only</b>"
    )
    browser.keys("k", "k", "2", "p")
    assert browser.decisions(0) == ["keep", "drop"], "what was applied stays"
    served.enter(browser)
    assert (
        browser.text(".group[data-number='1'] .answer.failed")
        == "Failed: store nas <b>is read-only</b>"
    )
    assert browser.decisions(0) == ["keep", "drop"]
    browser.keys("s")
    browser.wait(lambda: len(served.posted) == 2)
    assert [d.hash for d in served.posted[1]] == [digest("1b")], "only what failed is tried again"
    previews = {f"preview/{m['hash']}" for n in range(3) for m in pair(n)["members"]}
    assert set(browser.requested()) <= {
        served.address + rest for rest in {"", "decisions", *previews}
    }
    assert browser.complaints() == []


def test_the_done_button_ends_it_and_asks_about_what_was_not_applied(
    serve: Callable[..., Served], browser: Browser
):
    served = serve([pair(0), pair(1)])
    served.enter(browser)
    browser.keys(Keys.ENTER)
    browser.click("#done")
    assert "1 decided group not applied yet" in browser.text("#ask-text")
    browser.keys(Keys.ESCAPE)
    assert not served.review.ended.is_set()
    browser.click("#done")
    browser.click("#ask-yes")
    browser.wait(lambda: browser.count("#ended") == 1)
    assert served.review.ended.wait(10)
    assert served.posted == []


# --- the command ----------------------------------------------------------------------------------


@contextlib.contextmanager
def ended_anyway(process: subprocess.Popen[str]) -> Iterator[None]:
    """A command that serves until it is told to end, also where a test fails before it does so."""
    with process:
        try:
            yield
        except BaseException:
            process.kill()
            raise


def two_photos(lab: Lab) -> dict[str, Any]:
    """A group of two photos of the catalog."""
    put(lab.source, {"a.jpg": jpeg("a", size=700), "b.jpg": jpeg("b", size=300)})
    assert lab.upload().status == 0
    found = sorted(lab.documents().values(), key=lambda d: -d["width"])
    members = [
        {"hash": d["hash"], "paths": [f"nas:{p}" for p in d["paths"]], "distance": n, "turned": ""}
        for n, d in enumerate(found)
    ]
    return {
        "kind": "similar",
        "keeper": members[0]["hash"],
        "reason": "largest",
        "members": members,
    }


def test_the_command_writes_a_page_of_the_catalog_s_own_pictures(lab: Lab, browser: Browser):
    group = two_photos(lab)
    (lab.home / "groups.jsonl").write_text(
        json.dumps(group) + "\n" + json.dumps({"event": "summary"}) + "\n"
    )
    done = lab.catalog("review", "--groups", "groups.jsonl", "--json")
    assert done.status == 0, done.err
    assert done.summary | {"bytes": 0} == {
        "event": "summary",
        "output": "catalog-review.html",
        "groups": 1,
        "pictures": 2,
        "missing": 0,
        "bytes": 0,
    }
    browser.open((lab.home / "catalog-review.html").as_uri())
    sizes = browser.run(
        "return [...document.querySelectorAll('.frame img')].map(i => i.naturalWidth)"
    )
    assert sizes == [640, 300]
    assert "Apple iPhone 12" in browser.text(".member")
    (kept,) = (lab.home / "cache").glob("*/previews/small")
    store = RenditionStore(kept, 10**9)
    assert store.lacking(list(lab.documents()), 640) == [], "kept for the next time"
    store.close()
    assert lab.catalog("review", "--groups", "groups.jsonl").status == 0, (
        "its own page is written anew"
    )
    (lab.home / "mine.html").write_text("mine")
    refused = lab.catalog("review", "--groups", "groups.jsonl", "--output", "mine.html")
    assert (refused.status, (lab.home / "mine.html").read_text()) == (2, "mine")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_in_good_order(lab: Lab, number: signal.Signals):
    (lab.home / "groups.jsonl").write_text(json.dumps(two_photos(lab)))
    process = lab.start("catalog", "review", "--groups", "groups.jsonl", "--serve", "--json")
    with ended_anyway(process):
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        with log_in(told["login"]) as client:
            assert "<title>Review</title>" in client.get(told["url"]).text
            for content_hash in lab.documents():
                assert client.get(f"{told['url']}preview/{content_hash}").content[8:12] == b"WEBP"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["event"] == "summary"


def test_a_groups_file_that_is_none_is_refused_by_line(lab: Lab):
    two_photos(lab)
    for text, reason in {
        "no json": "Line 1 of groups.jsonl is no JSON",
        "7": "Line 1 of groups.jsonl is no group",
        '\n{"kind": "odd", "members": []}': "line 2 of groups.jsonl cannot be shown: its kind "
        "'odd'",
    }.items():
        (lab.home / "groups.jsonl").write_text(text)
        done = lab.catalog("review", "--groups", "groups.jsonl")
        assert (done.status, reason in done.err) == (2, True), done.err
    assert not (lab.home / "catalog-review.html").exists()


def test_a_port_in_use_is_told(lab: Lab):
    (lab.home / "groups.jsonl").write_text(json.dumps(two_photos(lab)))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = lab.catalog(
            "review",
            "--groups",
            "groups.jsonl",
            "--serve",
            "--serve-port",
            str(taken.getsockname()[1]),
        )
    assert done.status == 2
    assert "Nothing can listen" in done.err


# --- with the catalog's own groups ----------------------------------------------------------------


def landscape(seed: int, size: tuple[int, int] = (900, 600)) -> Image.Image:
    """A picture with enough in it to be known again."""
    made = Image.frombytes(
        "RGB", (9, 6), hashlib.shake_256(bytes([seed])).digest(9 * 6 * 3)
    ).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(made)
    for n, value in enumerate(hashlib.sha256(bytes([seed])).digest()):
        draw.rectangle(
            [value * 3, n * 18, value * 3 + 60, n * 18 + 40], fill=(value, n * 8, 255 - value)
        )
    return made


def test_what_is_decided_in_the_browser_is_done_in_the_catalog(lab: Lab, browser: Browser):
    first, second = landscape(1), landscape(2)
    files = {"a.jpg": saved(first), "a small.jpg": saved(first.resize((600, 400)))}
    files |= {"b.jpg": saved(second), "b small.jpg": saved(second.resize((450, 300)))}
    put(lab.source, files)
    assert lab.upload().status == 0
    process = lab.start("catalog", "review", "--serve", "--json", CATALOG_REMOVAL_COPIES="1")
    with ended_anyway(process):
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["groups"] == 2
        browser.open(told["login"])
        browser.wait(
            lambda: browser.run(
                "return [...document.querySelectorAll('.frame img')].every(i => i.naturalWidth > 0)"
            )
        )
        browser.keys(Keys.ENTER)
        browser.keys("2", "n", "s")
        browser.wait(lambda: browser.count(".group.done, .group.failed") == 2)
        assert [
            e.text for e in browser.driver.find_elements(By.CSS_SELECTOR, ".answer.failed")
        ] == []
        browser.click("#done")
        browser.wait(lambda: browser.count("#ended") == 1)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    summary = json.loads(out.splitlines()[-1])
    assert (summary["kept"], summary["dropped"], summary["not duplicates"], summary["failed"]) == (
        1,
        1,
        1,
        0,
    )
    assert len(lab.stored()) == 3
    left = set(lab.stored().values())
    assert {
        document["hash"] for document in lab.documents().values() if document["copy_count"]
    } == left
    assert hash_of(files["a small.jpg"]) not in left or hash_of(files["b small.jpg"]) not in left
    assert {hash_of(files["a.jpg"]), hash_of(files["b.jpg"])} <= left
    again = lab.catalog("review", "--json")
    assert again.status == 0, "what was told apart is not asked again"
    assert not (lab.home / "catalog-review.html").exists()


def test_pictures_that_lie_in_dropbox_alone_are_its_thumbnails(
    lab: Lab, dropbox: Emulator, browser: Browser
):
    picture = landscape(3)
    for name, made in {"a.jpg": picture, "b.jpg": picture.resize((600, 400))}.items():
        dropbox.plant(f"/Camera Uploads/{name}", saved(made), client_modified=1_600_000_000)
    assert lab.run("upload_to_dropbox_from_dropbox", "/Camera Uploads", "-r").status == 0
    before = dropbox.count("files/download")
    done = lab.catalog("review", "--json")
    assert (done.status, done.summary["groups"], done.summary["missing"]) == (0, 1, 0), done.err
    assert dropbox.count("files/download") == before + 1  # the store's marker
    browser.open((lab.home / "catalog-review.html").as_uri())
    browser.wait(
        lambda: browser.run(
            "return [...document.querySelectorAll('.frame img')].every(i => i.naturalWidth > 256)"
        )
    )
    browser.keys("d")
    browser.wait(lambda: browser.count(".frame canvas.difference") == 1)
