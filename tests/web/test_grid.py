"""The grid over any number of assets, in Chromium."""

from __future__ import annotations

import pytest
from browsers import Page, start
from selenium.webdriver import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.keys import Keys
from stand import BROKEN, FILM, Library, Running

WHERE = """
  const top = (position) => {
    const tile = grid.tileOf(position);
    return tile && tile.getBoundingClientRect().top - grid.scroller.getBoundingClientRect().top;
  };
"""


@pytest.fixture
def large(page: Page, million: Library) -> Page:
    """The page on a million assets."""
    page.stand.library = million
    return page.open()


def test_every_row_of_a_million_is_laid_out_from_one_byte_each(large: Page):
    laid = large.js("""
        const { layout } = grid;
        const { starts, tops, rows } = layout;
        let straight = starts[0] === 0 && starts[rows] === layout.count && tops[0] === 0;
        for (let row = 0; row < rows; row++) {
          straight &&= starts[row] < starts[row + 1] && tops[row] < tops[row + 1];
        }
        const { count, bytes, height } = layout;
        return { count, bytes: bytes.length, straight, end: tops[rows], height };
    """)
    assert laid["count"] == laid["bytes"] == 1_000_000
    assert laid["straight"] and laid["end"] == laid["height"] > 40_000_000
    assert len(large.stand.asked("/api/v1/timeline/layout")) == 1
    windows = large.stand.asked("/api/v1/timeline/window")
    assert windows and all(int(w["stop"]) - int(w["start"]) <= 1000 for w in windows)
    assert len(windows) < 5


def test_rows_fill_the_width_and_lie_beside_each_other(page: Page):
    page.open()
    wrong = page.js("""
        const { layout } = grid;
        const wrong = [];
        for (let row = 0; row < layout.rows; row++) {
          const boxes = layout.boxes(row);
          const right = boxes.at(-1).x + boxes.at(-1).width;
          const last = row + 1 === layout.rows || layout.isHeaded(row + 1);
          const height = layout.heightOf(row);
          if (right > layout.width || (!last && right !== layout.width)) wrong.push([row, right]);
          if (height < 1 || height > 1.8 * layout.target) wrong.push([row, "height", height]);
          boxes.reduce((end, { x, width, position }) => {
            if (x < end || width < 1) wrong.push([row, position]);
            return x + width;
          }, 0);
        }
        return wrong;
    """)
    assert wrong == []


def test_the_layout_pauses_so_often_that_no_part_of_it_is_long(page: Page, million: Library):
    page.open()
    parts = page.js(
        """
        const { Layout, measuresFor } = await import("/static/layout.js");
        const byte = (_, at) => (at % 70_000 ? 40 + (at % 50) : 168);
        const bytes = new Uint8Array(1_000_000).map(byte);
        const layout = new Layout(bytes, measuresFor(1200));
        const ends = [0, ...layout.steps(), layout.count];
        return ends.slice(1).map((end, at) => end - ends[at]);
        """
    )
    assert sum(parts) == 1_000_000
    assert max(parts) < 9000  # a day of 70,000 changes nothing


def test_nothing_moves_by_itself_while_pictures_come(page: Page):
    page.stand.delay = 0.05
    page.open()
    drift = page.js(
        WHERE
        + """
        const moved = [];
        for (const position of [0, 700, 1500, 2999]) {
          grid.scrollToPosition(position);
          const [first, y, height] = [top(position), grid.y, grid.canvas.offsetHeight];
          const isThere = () => grid.tileOf(position).querySelector("img.shown, .broken");
          for (let n = 0; n < 60 && !isThere(); n++) await tick(20);
          await tick(120);
          moved.push(top(position) - first, grid.y - y, grid.canvas.offsetHeight - height);
        }
        return moved;
        """
    )
    assert set(drift) == {0}
    assert page.driver.execute_script("return shifts") == []


def test_every_asset_is_reached_where_a_pixel_is_a_pixel(large: Page):
    check_reach(large)


@pytest.mark.parametrize("ratio", [2, 3])
def test_every_asset_is_reached_on_dense_screens(
    ratio: int, running: Running, million: Library, page: Page
):
    """A browser of its own each: what is emulated has not the limit that a dense screen has."""
    running.stand.library = million
    dense = start(f"--force-device-scale-factor={ratio}", "--window-size=1000,700")
    try:
        here = Page(dense, running)
        here.open()
        limit = here.driver.execute_script("""
            const high = document.body.appendChild(document.createElement("div"));
            high.style.height = "60000000px";
            return [devicePixelRatio, high.getBoundingClientRect().height, high.remove()];
        """)
        assert limit[0] == ratio and limit[1] < here.js("return grid.layout.height")
        check_reach(here)
    finally:
        dense.quit()


def check_reach(page: Page) -> None:
    found = page.js(
        WHERE
        + """
        const { layout, scroller } = grid;
        const last = layout.count - 1;
        const at = [];
        for (const position of [0, 1, 77_777, 250_000, 499_999, 500_000, 831_337, last - 1, last]) {
          grid.scrollToPosition(position);
          await settled();
          const y = top(position);
          at.push(y >= 0 && y < grid.view);
        }
        grid.scrollToPosition(400_000);
        scroller.scrollTop = scroller.scrollHeight;
        await until(() => grid.tileOf(last));
        const box = (one) => one.getBoundingClientRect();
        const [end, screen] = [grid.tileOf(last), scroller].map(box);
        const foot = end.bottom - screen.bottom;
        scroller.scrollTop = 0;
        await until(() => grid.tileOf(0));
        return { at, foot, head: grid.y, first: top(0), scrolled: scroller.scrollTop };
        """
    )
    assert all(found["at"])
    assert -8 <= found["foot"] <= 0  # the gap under the last row
    assert found["head"] == found["scrolled"] == 0 and found["first"] >= 0


def test_small_moves_are_one_to_one_in_the_midst_of_a_million(large: Page):
    large.js("grid.scrollToPosition(600_000); await settled()")
    before = large.js("return [grid.y, grid.scroller.scrollTop]")
    origin = ScrollOrigin.from_viewport(400, 400)
    ActionChains(large.driver).scroll_from_origin(origin, 0, 700).perform()
    large.until("Math.abs(grid.y - arguments[0] - 700) < 1", before[0])
    assert large.js("return grid.scroller.scrollTop") == pytest.approx(before[1] + 700, abs=1)


def test_after_a_long_way_the_element_is_set_right_and_nothing_is_seen_of_it(large: Page):
    far, moved, shifted = large.js(
        WHERE
        + """
        grid.scrollToPosition(600_000);
        for (let n = 0; n < 60; n++) {
          const before = grid.y;
          grid.scroller.scrollTop += 2500;
          await until(() => grid.y !== before);
        }
        await settled();
        const { position } = grid.top;
        const off = () => Math.abs(grid.space.toDom(grid.y) - grid.scroller.scrollTop);
        const [far, y, at] = [off(), grid.y, top(position)];
        await until(() => off() <= 1);
        return [far, grid.y - y, top(position) - at];
        """
    )
    assert far > 100_000 and moved == 0 and shifted == 0
    assert large.driver.execute_script("return shifts") == []


def test_a_long_drag_goes_by_the_scale(large: Page):
    share = large.js("""
        const { scroller } = grid;
        scroller.scrollTop = (scroller.scrollHeight - scroller.clientHeight) / 2;
        await until(() => grid.y > 0);
        return grid.y / grid.end;
    """)
    assert share == pytest.approx(0.5, abs=0.001)


def test_few_pictures_are_in_the_page_and_recycled(large: Page):
    most = large.js("""
        let most = 0;
        const tiles = new Set();
        for (let n = 0; n < 40; n++) {
          grid.scrollTo(n * 700);
          await tick(16);
          most = Math.max(most, document.images.length);
          for (const tile of document.querySelectorAll(".tile")) tiles.add(tile);
        }
        const layers = [...document.querySelectorAll(".tile, .tile *")].filter(
          (one) => getComputedStyle(one).willChange !== "auto",
        );
        return [most, tiles.size, layers.length];
    """)
    count, tiles, layers = most
    assert count <= 150 and tiles <= 150 and layers == 0


def test_a_screen_of_any_size_has_at_most_150_pictures(page: Page):
    for size in ((3840, 2160), (390, 844), (2560, 1440)):
        page.size(size)
        page.open()
        count = page.js("grid.scrollTo(9000); await tick(60); return document.images.length")
        assert 8 < count <= 150


def test_windows_and_pictures_that_are_no_longer_near_are_given_up(large: Page):
    large.stand.delay = 0.4
    large.js("""
        for (const position of [100_000, 200_000, 300_000, 400_000]) {
          grid.scrollToPosition(position);
          await tick(20);
        }
    """)
    kept = large.js("return [...grid.windows.asked.keys()].map((key) => key * 512)")
    assert kept and all(abs(start - 400_000) < 2000 for start in kept)
    left = large.js("return [...document.images].filter((image) => image.src).length")
    assert left <= 150
    large.stand.delay = 0
    large.until("document.querySelectorAll('img.shown').length > 4")


def test_a_tile_has_its_colour_first_and_then_its_picture(page: Page):
    page.stand.delay = 0.3
    page.open()
    page.until("document.querySelector('.tile')?.style.backgroundColor")
    early = page.js("""
        const tiles = [...document.querySelectorAll(".tile")];
        const tile = tiles.find((one) => one.style.backgroundColor);
        return [tile.style.backgroundColor, getComputedStyle(tile.querySelector("img")).opacity];
    """)
    assert early[0].startswith("rgb(") and float(early[1]) < 1
    page.until("document.querySelectorAll('img.shown').length > 4")


def test_dense_screens_get_sharper_pictures(page: Page):
    for ratio, sides in ((1, {"320", "640"}), (2, {"640"})):
        page.size(ratio=ratio)
        page.driver.get("about:blank")
        page.stand.log.clear()
        page.open()
        page.until("document.querySelectorAll('img.shown').length > 2")
        assert {given["side"] for given in page.stand.asked("/preview")} == sides  # some are wide


def test_a_broken_file_is_a_tile_that_says_so(page: Page):
    position = next(at for at, flag in enumerate(page.stand.library.columns.flags) if flag & BROKEN)
    page.open()
    page.js("grid.scrollToPosition(arguments[0])", position)
    said = page.until("grid.tileOf(arguments[0]).querySelector('.broken')?.textContent", position)
    assert said == "Cannot be shown"
    assert page.js(
        "return grid.tileOf(arguments[0]).querySelector('img').alt", position
    ).startswith("damaged file")
    identity = page.stand.library.columns.ids[position].tobytes().hex()
    assert f"/preview/{identity}" not in {path for path, _ in page.stand.log}


def test_a_picture_that_proves_broken_says_why(page: Page):
    page.stand.library = Library(40, seed=5)
    page.open()
    page.stand.library.columns.flags[:] = BROKEN  # after the windows were sent
    page.size((1279, 861))
    page.js("""
        for (const tile of document.querySelectorAll(".tile")) {
          tile.wanted = tile.image.src = "";
          tile.item.flags = 0;
        }
        await tick();
        grid.version = 2;
        grid.load();
    """)
    said = page.until("document.querySelector('.broken')?.textContent")
    assert said == "Cannot be shown: the file ends in its middle"


# --- the scrubber ---------------------------------------------------------------------------------


def test_the_scrubber_shows_years_and_the_month_of_the_place(page: Page):
    page.open()
    shown = page.js("""
        grid.scrollToPosition(1500);
        await tick(50);
        return [
          [...document.querySelectorAll(".labels span")].map((label) => label.textContent),
          scrubber.bar.getAttribute("aria-valuetext"),
          document.querySelector(".bubble").textContent,
          grid.windows.get(grid.top.position)?.minutes ?? null,
        ];
    """)
    years, text, bubble, _ = shown
    assert (
        years[0] == "2026"
        and len(years) > 1
        and all(year.isdigit() or year == "No date" for year in years)
    )
    assert text == bubble and text.split()[-1] in {"2025", "2026", "2024"}


def test_a_drag_away_from_the_edge_is_finer(page: Page):
    page.open()
    box = page.one("#scrubber").rect
    x = int(box["x"] + 20)
    ends = []
    for away in (0, 400):
        page.js("grid.scrollTo(0)")
        actions = ActionChains(page.driver, duration=0)
        actions.w3c_actions.pointer_action.move_to_location(x, int(box["y"]) + 10).pointer_down()
        actions.w3c_actions.pointer_action.move_to_location(x - away, int(box["y"]) + 10)
        actions.w3c_actions.pointer_action.move_to_location(
            x - away, int(box["y"]) + 210
        ).pointer_up()
        actions.perform()
        ends.append(page.js("return grid.y / grid.end"))
    assert ends[0] == pytest.approx(200 / (box["height"] - 44), abs=0.03)
    assert 0 < ends[1] < ends[0] / 5


def test_the_scrubber_goes_by_months_and_years_with_keys(page: Page):
    page.open()
    page.one("#scrubber").send_keys(Keys.ARROW_DOWN)
    page.until("grid.y > 0")
    marks = page.js("return scrubber.textAt(grid.y)")
    page.one("#scrubber").send_keys(Keys.PAGE_DOWN)
    page.until("scrubber.textAt(grid.y) !== arguments[0]", marks)
    page.one("#scrubber").send_keys(Keys.END)
    page.until("grid.y === grid.end")
    page.one("#scrubber").send_keys(Keys.HOME)
    page.until("grid.y === 0")
    bar = page.one("#scrubber")
    assert bar.get_attribute("role") == "slider" and bar.get_attribute("aria-valuenow") == "0.00"


# --- views ----------------------------------------------------------------------------------------


def test_a_link_holds_a_position(page: Page):
    page.open()
    page.js("grid.scrollToPosition(1700, 60)")
    page.until("location.hash.includes('at=')")
    before = page.js("return [grid.y, grid.top.position, grid.top.by, location.hash]")
    page.driver.refresh()
    page.until("document.body.dataset.ready && grid.y > 0")
    assert page.js("return [grid.y, grid.top.position, grid.top.by, location.hash]") == before


@pytest.mark.parametrize("sort", ["taken", "added", "size", "quality", "random"])
def test_pictures_are_sorted_as_wished(page: Page, sort: str):
    page.open()
    page.js(
        """
        const field = document.getElementById("sort");
        field.value = arguments[0];
        field.dispatchEvent(new Event("change"));
        await tick(20);
        """,
        sort,
    )
    page.until(
        "document.getElementById('sort').value === arguments[0] && document.body.dataset.ready",
        sort,
    )
    page.wait(lambda: page.stand.asked("/api/v1/timeline/layout")[-1]["sort"] == sort)
    asked = page.stand.asked("/api/v1/timeline/layout")[-1]
    assert asked["group"] == ("day" if sort == "taken" else "none")
    assert ("seed" in asked) == (sort == "random")
    page.until("document.querySelectorAll('img.shown').length > 2")


@pytest.mark.parametrize("group", ["place", "folder", "camera"])
def test_pictures_are_grouped_as_wished(page: Page, group: str):
    page.open(f"/#group={group}")
    heading = page.until("document.querySelector('.heading')?.textContent")
    assert heading in {"Ghent", "Canon EOS R6"}
    assert page.js("return document.getElementById('group').value") == group


def test_a_search_shows_what_it_found_and_clears_again(page: Page):
    page.open()
    page.keys("/")
    page.keys("film", Keys.ENTER)
    films = int((page.stand.library.columns.flags & FILM > 0).sum())
    page.until("grid.layout.count === arguments[0]", films)
    assert page.one("#count").text.startswith(f"{films} ")
    assert "q=film" in page.js("return location.hash")
    page.driver.back()
    page.until("grid.layout.count === 3000")


def test_a_wrong_search_is_told_in_words_and_changes_nothing(page: Page):
    page.open()
    page.one("#query").send_keys("cat (", Keys.ENTER)
    page.until("!document.getElementById('refused').hidden")
    assert "never closed" in page.one("#refused").text
    assert page.js("return grid.layout.count") == 3000


def test_what_comes_in_leaves_the_picture_on_top_where_it_is(page: Page):
    page.open()
    page.js("grid.scrollToPosition(1200, 33); await settled()")
    page.until("grid.windows.get(grid.top.position)")
    before = page.js(
        "return [grid.windows.get(grid.top.position).id, grid.top.by, grid.top.position]"
    )
    page.stand.library = page.stand.library.grown(250)
    page.js("grid.windows.need(100, 200)")  # answered by 412
    page.until("grid.layout.count === 3250")
    page.until("grid.windows.get(grid.top.position)")
    after = page.js(
        "return [grid.windows.get(grid.top.position).id, grid.top.by, grid.top.position]"
    )
    seen = page.js(
        "const row = grid.layout.rowOf(arguments[0]); return grid.layout.tops[row] - grid.y",
        before[2] + 250,
    )
    assert seen == pytest.approx(-33, abs=1)
    assert after[2] <= before[2] + 250


def test_a_changed_timeline_is_noticed_by_itself(page: Page):
    page.open()
    page.stand.library = page.stand.library.grown(7)
    page.js("document.dispatchEvent(new Event('visibilitychange'))")
    page.until("grid.layout.count === 3007")


def test_another_width_keeps_the_picture_on_top(page: Page):
    page.open()
    page.js("grid.scrollToPosition(1200); await settled()")
    page.size((700, 860))
    page.until("grid.layout.width < 700")
    row = page.js("const row = grid.layout.rowOf(1200); return grid.layout.tops[row] - grid.y")
    assert row == 0
