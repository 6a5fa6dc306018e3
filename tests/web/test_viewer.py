"""The open picture, in Chromium."""

from __future__ import annotations

import re

import numpy as np
from browsers import PHONE, Page
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from stand import BROKEN, FILM, HOSTILE, LIVE, ORIGINAL, PANORAMA

NOW = """
  const slides = [...document.querySelectorAll(".pswp__item")];
  const slide = slides.find((one) => one.ariaHidden === "false");
  const image = slide.querySelector("img.pswp__img:not(.pswp__img--placeholder)");
"""
SIZE = NOW + "return [image.naturalWidth, image.naturalHeight];"


def plain(page: Page) -> int:
    """A position of a photo whose neighbours are photos as well."""
    flags = page.stand.library.columns.flags
    return next(at for at in range(4, 2000) if not flags[at - 2 : at + 4].any())


def with_flag(page: Page, flag: int) -> int:
    return int(np.flatnonzero(page.stand.library.columns.flags == flag)[0])


def identity(page: Page, position: int) -> str:
    return page.stand.library.columns.ids[position].tobytes().hex()


def test_zoomed_to_full_size_a_pixel_of_the_original_is_a_pixel_of_the_screen(page: Page):
    page.size(ratio=2)
    page.opened(plain(page))
    page.until("document.querySelector('.pswp img[data-whole]')")
    page.keys("z")
    page.until("document.querySelector('.pswp--zoomed-in')")
    shown = page.until(
        "(() => {"
        + NOW
        + """
          const natural = image.naturalWidth;
          const shown = image.getBoundingClientRect().width * devicePixelRatio;
          return Math.abs(natural - shown) <= devicePixelRatio && [natural, image.src];
        })()"""
    )
    assert "/asset/" in shown[1] and max(page.js(SIZE)) == ORIGINAL


def test_what_no_browser_shows_is_zoomed_to_full_size_in_its_large_picture(page: Page):
    page.stand.original = False
    page.opened(plain(page))
    page.until("document.querySelector('.pswp img[data-whole]')")
    page.keys("z")
    page.until("document.querySelector('.pswp--zoomed-in')")
    source = page.js(NOW + "return image.src")
    assert "side=1600" in source
    assert not page.stand.asked("/asset/")
    width = page.until(
        "(() => {"
        + NOW
        + """
          const natural = image.naturalWidth;
          return Math.abs(natural - image.getBoundingClientRect().width) <= 1 && natural;
        })()"""
    )
    assert width <= 1600


def test_the_next_and_the_one_before_are_loaded_ahead(page: Page):
    position = plain(page)
    page.opened(position)
    wished = {f"/preview/{identity(page, at)}" for at in (position - 1, position + 1, position + 2)}
    page.wait(
        lambda: wished <= {path for path, given in page.stand.log if given.get("side") == "1600"}
    )
    page.keys(Keys.ARROW_RIGHT)
    page.until(f"location.hash.includes('{identity(page, position + 1)}')")
    page.keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    page.until(f"location.hash.includes('{identity(page, position - 1)}')")


def test_the_focus_returns_to_the_tile_of_the_picture_that_was_shown_last(page: Page):
    position = plain(page)
    page.opened(position)
    page.keys(Keys.ARROW_RIGHT)
    page.until(f"location.hash.includes('{identity(page, position + 1)}')")
    page.keys(Keys.ESCAPE)
    page.until("!swipe")
    assert page.js("return document.activeElement.position") == position + 1
    assert not page.js("return document.getElementById('app').inert")


def test_back_closes_the_picture_and_a_link_opens_it(page: Page):
    position = plain(page)
    page.opened(position)
    address = page.js("return location.hash")
    page.driver.back()
    page.until("!swipe")
    page.open(f"/{address}")
    page.until("swipe?.dataset.open && swipe.ariaLabel.startsWith('photo')")
    assert f"Picture {position + 1} of 3,000" in page.js("return swipe.ariaLabel")


def test_films_play_by_ranges(page: Page):
    page.opened(with_flag(page, FILM))
    page.until("document.querySelector('.pswp video')?.currentTime > 0.1")
    assert page.js("return document.querySelector('.pswp video').src.includes('film=') ") is False
    seen = page.js(
        """
        const film = document.querySelector(".pswp video");
        film.pause();
        film.currentTime = 1.5;
        await tick(200);
        return [film.seekable.end(0) > 1.5, film.currentTime, film.controls, film.playsInline];
        """
    )
    assert seen == [True, 1.5, True, True]
    page.keys(Keys.ARROW_RIGHT)
    page.until("!document.querySelector('.pswp video')")


def test_a_film_that_the_browser_cannot_play_comes_as_a_rendition(page: Page):
    page.stand.film = "video/x-nothing"
    page.opened(with_flag(page, FILM))
    page.until("document.querySelector('.pswp video')?.src.endsWith('?film=720p')")
    page.until("document.querySelector('.pswp video').readyState > 1")


def test_a_film_that_proves_unplayable_comes_as_a_rendition(page: Page):
    page.stand.broken_films = True
    page.opened(with_flag(page, FILM))
    page.until("document.querySelector('.pswp video')?.src.endsWith('?film=720p')")
    page.until("document.querySelector('.pswp video').readyState > 1")


def test_a_moving_photo_moves_while_the_pointer_rests_on_it(page: Page):
    position = with_flag(page, LIVE)
    page.open()
    page.js("grid.scrollToPosition(arguments[0])", position)
    page.until("grid.tileOf(arguments[0]).item", position)
    tile = page.js("return grid.tileOf(arguments[0])", position)
    ActionChains(page.driver, duration=0).move_to_element(tile).perform()
    film = page.until(
        """(() => {
          const film = grid.tileOf(arguments[0]).querySelector("video");
          return film && [film.muted, film.playsInline, film.src];
        })()""",
        position,
    )
    assert film[:2] == [True, True] and film[2].endswith("?motion=1")
    ActionChains(page.driver, duration=0).move_to_element(page.one("#count")).perform()
    page.until("!document.querySelector('.tile video')")


def test_a_moving_photo_plays_in_the_open_picture_by_key_and_button(page: Page):
    page.opened(with_flag(page, LIVE))
    assert page.one(".pswp__button--motion").get_attribute("aria-label") == "Play the moving part"
    page.until("!document.querySelector('.pswp__button--motion').hidden")
    page.keys("m")
    page.until("document.querySelector('.pswp video.motion')?.currentTime > 0")
    assert page.js(
        "const v = document.querySelector('video.motion'); return [v.muted, v.playsInline]"
    ) == [True, True]


def test_a_finger_that_stays_plays_a_moving_photo(page: Page):
    position = with_flag(page, LIVE)
    page.size(PHONE, touch=True)
    page.open()
    page.js("grid.scrollToPosition(arguments[0])", position)
    page.until("grid.tileOf(arguments[0]).item", position)
    x, y = page.js(
        "const b = grid.tileOf(arguments[0]).getBoundingClientRect(); return [b.x + 20, b.y + 20]",
        position,
    )
    touch = {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", touch)
    page.until("document.querySelector('.tile video')")
    page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.until("!document.querySelector('.tile video')")
    assert page.js("return swipe") is None


def test_one_looks_around_in_a_panorama(page: Page):
    page.opened(with_flag(page, PANORAMA))
    page.until("!document.querySelector('.pswp__button--look').hidden")
    page.keys("l")
    page.until("document.querySelector('canvas.look')?.dataset.turn")
    drawn = page.js("""
        const canvas = document.querySelector("canvas.look");
        canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
        canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp" }));
        return [canvas.dataset.turn, document.activeElement === canvas, canvas.ariaLabel];
    """)
    assert drawn[0] == "0.10 0.10" and drawn[1] and drawn[2].startswith("panorama")
    page.keys(Keys.ESCAPE)
    page.until("!document.querySelector('canvas.look')")
    assert page.js("return Boolean(swipe)")


def test_facts_tell_where_they_come_from_and_how_sure_they_are(page: Page):
    page.opened(plain(page))
    page.keys("i")
    page.until("document.querySelector('.facts .others img')")
    page.until("document.querySelector('.facts .history li')")
    said = page.one(".facts").text
    assert "from exif:DateTimeOriginal, certainty: high" in said
    assert "from a film of the same day, certainty: low" in said
    assert "nas" in said and re.search(r"present, verified .*2026", said)
    assert "missing, never verified" in said
    assert "tagged sea" in said and "2 of 256 bits differ" in said
    assert len(page.all(".facts .others li")) == 3  # two of the shot, one look-alike
    page.keys(Keys.ESCAPE)
    page.until("document.querySelector('.facts').hidden && swipe")


def test_another_of_the_shot_is_opened_from_the_facts(page: Page):
    position = plain(page)
    page.opened(position)
    page.keys("i")
    page.until("document.querySelector('.facts .others button')")
    page.one(".facts .others button").click()
    page.until(f"location.hash.includes('{identity(page, position - 1)}')")


def test_a_broken_file_says_so_when_it_is_open(page: Page):
    page.opened(with_flag(page, BROKEN))
    page.until("document.querySelector('.pswp .broken')?.textContent === 'Cannot be shown'")


def test_names_and_titles_never_run_as_script(page: Page):
    for group in ("place", "camera"):
        page.open(f"/#group={group}")
        page.until("grid.layout.count && document.querySelector('.heading')?.textContent")
        page.js("""
            let position = 0;
            while (!grid.nameOfGroup(position).includes("onerror")) position++;
            grid.scrollToPosition(position);
            await settled();
        """)
        headings = "[...document.querySelectorAll('.heading')].map((one) => one.textContent)"
        page.until(f"{headings}.some((name) => name.includes('onerror'))")
        page.until("document.querySelector('.bubble').textContent.includes('onerror')")
        assert not page.all("img[onerror], body script")
    page.opened(plain(page))
    page.keys("i")
    page.until("document.querySelector('.facts .history li')")
    page.js("await tick(300)")
    assert HOSTILE in page.one(".facts").text.replace("\n", "")
    assert page.driver.title == "Photos"
    assert page.js("return document.querySelectorAll('body script, img[onerror]').length") == 0


def test_the_first_and_the_last_of_all_are_reached_from_an_open_picture(page: Page):
    page.opened(plain(page))
    last = page.stand.library.count - 1
    page.keys(Keys.END)
    page.until(f"location.hash.includes('{identity(page, last)}')")
    page.until("!document.querySelector('.pswp__item[aria-hidden=false] .waiting')")
    page.keys(Keys.HOME)
    page.until(f"location.hash.includes('{identity(page, 0)}')")
    page.keys("?")
    page.until("document.getElementById('keys').open")
    page.keys(Keys.ESCAPE)
    page.until("!document.getElementById('keys').open && swipe")
    page.keys(Keys.ESCAPE)
    page.until("!swipe && document.activeElement.position === 0")
