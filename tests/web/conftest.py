"""One browser and one stand for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from browsers import WIDE, Page, missing, start
from selenium import webdriver
from stand import Library, Running, Stand

library = cache(Library)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the page need a browser; and all of them one process, which has it."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here and "driver" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skipif(bool(missing()), reason=missing()))
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def driver() -> Iterator[webdriver.Chrome]:
    """A browser."""
    made = start()
    yield made
    made.quit()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of made-up libraries."""
    with Running(Stand(library(0), tmp_path_factory.mktemp("stand"))) as made:
        yield made


@pytest.fixture
def page(driver: webdriver.Chrome, running: Running) -> Iterator[Page]:
    """The page on a library of 3,000 pictures; nothing that a test set outlives it."""
    running.stand.__init__(library(3000), running.stand.folder)  # type: ignore[misc]
    made = Page(driver, running)
    driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    made.size(WIDE)
    made.like()
    yield made
    errors = driver.execute_script("return window.errors ?? []")
    driver.delete_all_cookies()
    if driver.current_url.startswith("http"):
        driver.execute_script("localStorage.clear()")
    assert errors == []


@pytest.fixture(scope="session")
def million() -> Library:
    """A million assets."""
    return library(1_000_000)
