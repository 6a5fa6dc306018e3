"""The page for everyone: keys, readers of the screen, languages, phones, and bad days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import PHONE, WIDE, Page
from selenium.webdriver.common.keys import Keys
from stand import Library

AXE = Path(__file__).with_name("vendor").joinpath("axe.min.js").read_text("utf-8")


def check(page: Page, what: str) -> list[str]:
    """What axe finds on the page in light and in dark."""
    found = []
    for scheme in ("light", "dark"):
        page.like(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        found += [f"{what}, {scheme}: {one}" for one in page.audit(AXE)]
    return found


def test_axe_finds_nothing_on_the_grid_and_its_dialogs(page: Page):
    page.like(prefers_reduced_motion="reduce")
    page.open()
    page.until("document.querySelectorAll('img.shown').length > 4")
    found = check(page, "grid")
    for dialog in ("keys", "jump", "menu"):
        page.js("document.getElementById(arguments[0]).showModal()", dialog)
        found += check(page, dialog)
        page.js("document.getElementById(arguments[0]).close()", dialog)
    page.one("#query").send_keys("(", Keys.ENTER)
    page.until("!document.getElementById('refused').hidden")
    found += check(page, "a refused search")
    assert found == []


def test_axe_finds_nothing_on_the_open_picture_and_its_facts(page: Page):
    page.like(prefers_reduced_motion="reduce")
    flags = page.stand.library.columns.flags
    page.opened(next(at for at in range(4, 900) if not flags[at]))
    page.keys("i")
    page.until("document.querySelector('.facts .history li')")
    assert check(page, "viewer") == []


def test_axe_finds_nothing_on_a_phone(page: Page):
    page.size(PHONE, ratio=2, touch=True)
    page.like(prefers_reduced_motion="reduce")
    page.open()
    page.until("document.querySelectorAll('img.shown').length > 4")
    found = check(page, "phone")
    page.one("#more").click()
    assert found + check(page, "its menu") == []


def test_axe_finds_nothing_where_there_is_nothing(page: Page):
    page.stand.library = Library(0)
    page.open()
    found = check(page, "an empty library")
    page.open("/login", ready="html[lang] form")
    page.wait(lambda: page.driver.title == "Log in")
    assert found + check(page, "logging in") == []


def test_readers_of_the_screen_meet_a_grid_with_its_counts_and_names(page: Page):
    page.open()
    page.until("document.querySelectorAll('.tile img[alt]:not([alt=\"\"])').length > 8")
    told = page.js("""
        grid.scrollToPosition(900);
        await until(() => grid.windows.has(900));
        const { layout, canvas } = grid;
        const rows = [...canvas.querySelectorAll("[role=row]")];
        const tiles = [...canvas.querySelectorAll("[role=gridcell]")];
        return {
          grid: [canvas.role, canvas.ariaLabel, canvas.ariaRowCount, canvas.ariaColCount],
          counts: [String(layout.rows), String(layout.columns)],
          indexes: rows.map((row) => Number(row.ariaRowIndex)),
          right: rows.every((row) => layout.starts[row.ariaRowIndex - 1] === row.tiles[0].position),
          columns: tiles.every(({ position, ariaColIndex }) =>
            Number(ariaColIndex) === 1 + position - layout.starts[layout.rowOf(position)]),
          names: tiles.map((tile) => tile.querySelector("img").alt),
          entries: tiles.filter((tile) => tile.tabIndex === 0).length,
        };
    """)
    assert told["grid"] == ["grid", "Photos and films", *told["counts"]]
    assert told["indexes"] == sorted(told["indexes"]) and told["right"] and told["columns"]
    named = re.compile(r"(photo|film|live photo|panorama|damaged file), (\d+ \w+ \d{4}|No date)$")
    assert [name for name in told["names"] if not named.match(name)] == []
    assert told["entries"] == 1


def test_the_tile_in_focus_is_named_with_its_place(page: Page):
    page.open()
    page.js("grid.focus(0)")
    page.until("/ \\d{4}, [A-Z]/.test(document.activeElement.querySelector('img').alt)")


def test_every_picture_is_reached_and_opened_by_keys(page: Page):
    page.open()
    page.keys(Keys.ARROW_DOWN)
    page.until("document.activeElement.position === 0")
    page.keys(Keys.ARROW_RIGHT)
    page.until("document.activeElement.position === 1")
    page.keys(Keys.ARROW_DOWN)
    page.until("grid.layout.rowOf(document.activeElement.position) === 1")
    page.keys(Keys.HOME)
    page.until("document.activeElement.position === grid.layout.starts[1]")
    page.keys(Keys.PAGE_DOWN)
    page.until("grid.layout.rowOf(document.activeElement.position) > 2 && grid.y > 0")
    page.chord(Keys.CONTROL, Keys.END)
    page.until("document.activeElement.position === grid.layout.count - 1")
    page.chord(Keys.CONTROL, Keys.HOME)
    page.until("document.activeElement.position === 0 && grid.y === 0")
    page.keys(Keys.ENTER)
    page.until("swipe?.dataset.open")


def test_search_order_dates_and_menu_are_reached_by_keys(page: Page):
    page.open()
    order = []
    for _ in range(6):
        page.keys(Keys.TAB)
        order.append(
            page.js("return document.activeElement.id || document.activeElement.className")
        )
    assert order == ["query", "sort", "group", "more", "tile", "scrubber"]
    page.one("#scrubber").send_keys("g")
    page.until("document.getElementById('jump').open")
    page.js("document.getElementById('jump-date').value = '2025-03-05'")
    page.one("#jump-date").send_keys(Keys.ENTER)
    page.until("document.activeElement.position > 0")
    day = page.until("grid.windows.get(document.activeElement.position)?.minutes")
    assert day < (20_152 + 1) * 24 * 60  # of that day, or the next older one
    page.keys("?")
    page.until("document.getElementById('keys').open")
    assert page.js("return document.querySelectorAll('#keys dt').length") >= 12
    page.keys(Keys.ESCAPE)
    page.until("document.activeElement.className === 'tile'")


def test_the_focus_is_never_lost_when_rows_are_recycled(page: Page):
    page.open()
    page.js("grid.focus(5)")
    kept = page.js("""
        const tile = document.activeElement;
        for (let n = 1; n < 30; n++) { grid.scroller.scrollTop += 600; await tick(16); }
        await settled();
        return [document.activeElement === tile, tile.position, grid.y > 10_000];
    """)
    assert kept == [True, 5, True]
    page.keys(Keys.ARROW_RIGHT)
    page.until("document.activeElement.position === 6 && grid.y < 500")
    page.size((900, 860))  # laid out anew
    page.until("grid.layout.width < 860 && document.activeElement.position === 6")
    page.stand.library = page.stand.library.grown(40)
    page.js("document.dispatchEvent(new Event('visibilitychange'))")
    page.until("grid.layout.count === 3040 && document.activeElement.position === 46")


def test_whoever_wants_less_motion_gets_none(page: Page):
    moving = "getComputedStyle(document.querySelector('img.shown')).transitionDuration"
    page.open()
    page.until("document.querySelector('img.shown')")
    assert page.js(f"return {moving}") != "0s"
    page.like(prefers_reduced_motion="reduce")
    assert page.js(f"return {moving}") == "0s"
    assert (
        page.js("return getComputedStyle(document.querySelector('.bubble')).transitionDuration")
        == "0s"
    )


def test_the_page_is_mirrored_for_scripts_from_right_to_left(page: Page):
    page.open()
    found = page.js("""
        document.documentElement.dir = "rtl";
        await tick(50);
        const [first, second] = [0, 1].map((n) => grid.tileOf(n).getBoundingClientRect());
        const bar = scrubber.bar.getBoundingClientRect();
        grid.focus(1);
        const { scrollWidth } = document.documentElement;
        return [first.right > second.right, bar.left, scrollWidth <= innerWidth];
    """)
    assert found == [True, 0, True]
    page.keys(Keys.ARROW_LEFT)
    page.until("document.activeElement.position === 2")


def test_a_phone_in_portrait_shows_all_of_it_with_targets_of_44_pixels(page: Page):
    page.size(PHONE, ratio=2, touch=True)
    page.open()
    page.until("document.querySelectorAll('img.shown').length > 4")
    page.js("document.getElementById('menu').showModal(); await tick(50)")
    found = page.js("""
        const targets = [...document.querySelectorAll("button, select, input, .tile")];
        const small = targets.filter((one) => {
          const { width, height } = one.getBoundingClientRect();
          return width && (width < 44 || height < 44);
        });
        const row = grid.layout.boxes(2).length;
        const { scrollWidth } = document.documentElement;
        return [scrollWidth, small.map((one) => one.id || one.className), row];
    """)
    assert found[0] == PHONE[0] and found[1] == [] and found[2] >= 2
    assert page.js("return scrubber.thumb.getBoundingClientRect().height") >= 44


def test_a_drag_on_a_phone_moves_the_library(page: Page):
    page.size(PHONE, ratio=2, touch=True)
    page.open()
    page.js("grid.scrollTo(400); await tick(60)")
    x, y = page.js(
        "const b = scrubber.thumb.getBoundingClientRect(); return [b.x + b.width / 2, b.y + 22]"
    )
    for kind, down in (("touchStart", 0), ("touchMove", 200), ("touchMove", 300)):
        points = [{"x": x, "y": y + down}]
        page.driver.execute_cdp_cmd(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}
        )
    page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.js("return grid.y / grid.end") > 0.3


@pytest.mark.parametrize(
    ("language", "title", "month"), [("de", "Fotos", "Juni"), ("nl", "Foto's", "juni")]
)
def test_words_and_dates_are_those_of_the_reader(page: Page, language: str, title: str, month: str):
    page.open()
    page.js("localStorage.setItem('language', arguments[0])", language)
    page.open()
    assert page.driver.title == title
    assert page.js("return document.documentElement.lang") == language
    assert page.js("return scrubber.textAt(0)") == f"{month} 2026"


def test_an_empty_library_says_what_to_do_next(page: Page):
    page.stand.library = Library(0)
    page.open()
    said = page.until(
        "!document.getElementById('empty').hidden && document.getElementById('empty').textContent"
    )
    assert "No photos yet" in said and "catalog upload" in said
    page.stand.library = Library(30)
    page.js("document.dispatchEvent(new Event('visibilitychange'))")
    page.until("document.querySelectorAll('.tile').length > 5")
    assert page.one("#empty").get_attribute("hidden")


def test_a_search_without_an_answer_offers_everything_again(page: Page):
    page.open("/#q=nothing")
    page.until("!document.getElementById('empty').hidden")
    page.one("#empty button").click()
    page.until("grid.layout.count === 3000")


@pytest.fixture
def outage(page: Page) -> Iterator[Page]:
    """A page whose server may be stopped; it runs again afterwards."""
    yield page
    if not page.running.thread.is_alive():
        page.running.start()


def test_a_server_that_is_gone_is_said_and_tried_again(outage: Page):
    page = outage
    page.open()
    page.running.stop()
    page.js("grid.scrollToPosition(2200)")
    page.until("!document.getElementById('gone').hidden")
    assert "does not answer" in page.one("#gone").text
    page.running.start()
    page.js("document.getElementById('retry').click()")  # it may be back by itself
    page.until("document.getElementById('gone').hidden")
    page.until("grid.tileOf(2200).querySelector('img.shown')")


def test_one_logs_in_by_password_or_by_a_link_and_out_again(page: Page):
    page.stand.needs_login = True
    page.open("/", ready="#login")
    page.wait(lambda: page.driver.title == "Log in")
    page.one("#name").send_keys("anna")
    page.one("#password").send_keys("wrong", Keys.ENTER)
    page.wait(lambda: "not right" in page.one("#said").text)
    page.one("#password").send_keys("right", Keys.ENTER)
    page.wait(lambda: page.all("[data-ready]"))
    page.one("#more").click()
    page.wait(lambda: page.one("#who").text == "anna (owner)")
    page.one("#leave").click()
    page.wait(lambda: page.all("#login"))
    page.open("/login#link=once", ready="")
    page.wait(lambda: page.all("[data-ready]"))
    assert "once" not in page.driver.current_url


def test_nothing_but_the_server_is_asked_and_nothing_breaks_its_rules(page: Page):
    page.logged()
    page.opened(5)
    page.keys("i")
    page.js("await tick(400)")
    hosts = page.driver.execute_script(
        "const asked = performance.getEntriesByType('resource');"
        "return [...new Set(asked.map((one) => new URL(one.name).origin))]"
    )
    assert hosts == [page.running.url]
    assert page.logged() == []  # no refusal of the content security policy


def test_the_screen_is_wide_again_for_who_turns_it(page: Page):
    page.size(PHONE, touch=True)
    page.open()
    page.size(WIDE)
    page.until("document.querySelector('#orders #sort')")
    page.until("grid.layout.width > 1000")
