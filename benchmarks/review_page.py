"""A review page with made-up pictures, to look at, to measure,
and to take the screenshots of the README from.

The pictures are landscapes that a few lines of arithmetic draw; the groups hold smaller, turned,
recompressed and edited versions of them.
"""

from __future__ import annotations

import hashlib
import io
import random
import shutil
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from catalog.features.review.page import Page, PageGroup, page_group

SIZE = (512, 384)
SKIES = [
    ((36, 74, 128), (247, 190, 140)),
    ((92, 152, 214), (226, 238, 246)),
    ((24, 30, 62), (212, 98, 74)),
    ((120, 170, 200), (250, 232, 200)),
    ((70, 90, 120), (190, 200, 208)),
]
"""Colours of the sky, above and at the horizon."""
PLACES = [
    "Ghent, East Flanders, Belgium",
    "Zermatt, Valais, Switzerland",
    "Reykjavik, Iceland",
    "Nice, France",
    "",
]
CAMERAS = ["Canon EOS 80D", "Apple iPhone 12", "FUJIFILM X-T30", "NIKON D750"]
TAGS = [["mountains", "holiday"], ["evening"], [], ["Tom and Ann"], ["best of"]]


def landscape(seed: int, size: tuple[int, int] = SIZE, shift: int = 0) -> Image.Image:
    """A sky with a sun, hills behind each other in the haze, and water;
    `shift` moves the camera by some pixels.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    above, horizon = (np.array(c, np.float32) for c in SKIES[seed % len(SKIES)])
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    values = np.broadcast_to(
        above + (horizon - above) * np.minimum(1, down * 1.5), (height, width, 3)
    ).copy()
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    sun_x, sun_y = rng.uniform(0.2, 0.8) * width + shift, rng.uniform(0.15, 0.4) * height
    away = np.hypot(x - sun_x, y - sun_y) / width
    values += (255 - values) * np.clip(np.exp(-(away**2) * 60) * 0.6 + (away < 0.035), 0, 1)[
        ..., None
    ]
    values += _clouds(rng, width, height)[..., None] * (1 - down) * 60
    across = (np.arange(width, dtype=np.float32) - shift) / width
    ground = rng.uniform(20, 90, 3)
    for layer in range(5):
        base = height * (0.5 + 0.09 * layer)
        ridge = np.full(width, base)
        for n in (1, 2, 4, 9, 21):
            rise = rng.uniform(0.2, 1) * height * 0.16 / n
            ridge += rise * np.sin(across * 6.3 * n * rng.uniform(0.5, 1.5) + rng.uniform(0, 6.3))
        haze = (5 - layer) / 6
        colour = ground * (1 - haze) + horizon * haze * 0.9
        mask = np.clip(y - ridge[None, :], 0, 1)[..., None]
        shade = 1 - 0.25 * np.clip((y - ridge[None, :]) / height, 0, 1)[..., None]
        values = values * (1 - mask) + colour * shade * mask
    values += rng.normal(0, 3, (height, width, 1))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _clouds(rng: np.random.Generator, width: int, height: int) -> np.ndarray[Any, Any]:
    total = np.zeros((height, width), np.float32)
    for cells in (4, 8, 16, 32):
        field = Image.fromarray(rng.uniform(0, 255, (max(2, cells // 2), cells)).astype(np.uint8))
        total += (
            np.asarray(field.resize((width, height), Image.Resampling.BICUBIC), np.float32) / cells
        )
    return np.clip(total / 120 - 0.45, 0, 1)


def jpeg(picture: Image.Image, quality: int = 80) -> bytes:
    """The picture as a JPEG."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


@lru_cache(maxsize=64)
def base(seed: int) -> Image.Image:
    """A landscape, drawn once."""
    return landscape(seed)


def with_visitor(picture: Image.Image) -> Image.Image:
    """The picture with a balloon in the sky."""
    changed = picture.copy()
    draw = ImageDraw.Draw(changed)
    draw.ellipse([330, 60, 366, 104], fill=(190, 50, 44))
    draw.rectangle([343, 110, 353, 118], fill=(90, 60, 30))
    return changed.filter(ImageFilter.GaussianBlur(0.6))


class Made:
    """Groups and their pictures by content hash."""

    def __init__(self) -> None:
        self.groups: list[PageGroup] = []
        self.pictures: dict[str, bytes] = {}

    def member(
        self, picture: Image.Image, path: str, *, quality: int = 80, **values: Any
    ) -> dict[str, Any]:
        """A member, whose picture is kept."""
        data = jpeg(picture, quality)
        name = hashlib.sha256(data + path.encode("utf-8", "surrogatepass")).hexdigest()
        self.pictures[name] = data
        usual = {
            "hash": name,
            "paths": [path],
            "distance": 0,
            "turned": "",
            "type": "jpeg",
            "tags": [],
            "albums": [],
            "favorite": False,
        }
        return {**usual, **values}

    def add(self, kind: str, reason: str, *members: dict[str, Any]) -> None:
        """A group, whose first member is the keeper."""
        keeper = "" if kind == "bad" else members[0]["hash"]
        self.groups.append(
            page_group(
                {"kind": kind, "keeper": keeper, "reason": reason, "members": list(members)}, {}
            )
        )

    def page(self, mode: Any = "file") -> Page:
        """The page of the groups."""
        return Page(self.groups, mode)


def make(count: int, seed: int = 7) -> Made:
    """So many groups, of every kind in turn."""
    made = Made()
    chance = random.Random(seed)
    kinds = [_similar, _burst, _turned, _same_image, _exact, _bad, _alike]
    for number in range(count):
        kinds[number % len(kinds)](made, number, chance)
    return made


def _taken(number: int, chance: random.Random, second: int = 0) -> str:
    day = f"2019-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    return f"{day}T{chance.randrange(8, 20):02d}:{number % 60:02d}:{second:02d}"


def _original(number: int, chance: random.Random) -> dict[str, Any]:
    return {
        "width": 4032,
        "height": 3024,
        "size": chance.randrange(2_800_000, 7_400_000),
        "taken": _taken(number, chance),
        "camera": CAMERAS[number % len(CAMERAS)],
        "place": PLACES[number % len(PLACES)],
        "tags": TAGS[number % len(TAGS)],
        "albums": ["Summer 2019"] if number % 3 == 0 else [],
        "favorite": number % 4 == 0,
    }


def _seed(number: int) -> int:
    return number % 40


def _similar(made: Made, number: int, chance: random.Random) -> None:
    picture = base(_seed(number))
    values = _original(number, chance)
    small = picture.resize((320, 240))
    edited = with_visitor(ImageEnhance.Brightness(picture).enhance(1.06))
    made.add(
        "similar",
        "largest, and the camera's original",
        made.member(picture, f"nas:2019/07_July/IMG_{number:04d}.jpg", **values),
        made.member(
            small,
            f"nas:2019/07_July/Whatsapp/IMG-20190712-WA{number:04d}.jpg",
            quality=45,
            distance=2,
            width=1600,
            height=1200,
            size=214_000,
            taken=None,
            camera="",
        ),
        made.member(
            edited,
            f"nas:2019/edited/IMG_{number:04d} final.jpg",
            distance=4,
            **{**values, "size": values["size"] // 2},
        ),
    )


def _burst(made: Made, number: int, chance: random.Random) -> None:
    values = _original(number, chance)
    members = []
    for shot in range(4):
        picture = landscape(_seed(number), shift=shot * 5)
        if shot == 2:
            picture = picture.filter(ImageFilter.GaussianBlur(2))
        taken = values["taken"][:-2] + f"{10 + shot:02d}"
        members.append(
            made.member(
                picture,
                f"nas:2019/08_August/DSC_{number * 10 + shot:05d}.jpg",
                distance=shot,
                **{**values, "taken": taken, "size": values["size"] - shot * 91_000},
            )
        )
    made.add("burst", "sharpest of 4 within 3 s", *members)


def _turned(made: Made, number: int, chance: random.Random) -> None:
    values = _original(number, chance)
    picture = base(_seed(number))
    turned = picture.rotate(-90, expand=True)
    made.add(
        "similar",
        "upright, and with its metadata",
        made.member(picture, f"nas:2019/07_July/IMG_{number:04d}.jpg", **values),
        made.member(
            turned,
            f"dropbox:scans/photo {number}.png",
            distance=3,
            turned="90",
            **{
                **values,
                "width": 3024,
                "height": 4032,
                "type": "png",
                "size": 15_800_000,
                "camera": "",
                "tags": [],
            },
        ),
    )


def _same_image(made: Made, number: int, chance: random.Random) -> None:
    values = _original(number, chance)
    picture = base(_seed(number))
    made.add(
        "same-image",
        "more metadata",
        made.member(picture, f"nas:2019/07_July/IMG_{number:04d}.jpg", **values),
        made.member(
            picture,
            f"nas:import/export ({number}).jpg",
            **{**values, "taken": None, "camera": "", "place": "", "tags": []},
        ),
    )


def _exact(made: Made, number: int, chance: random.Random) -> None:
    values = _original(number, chance)
    first = made.member(base(_seed(number)), f"nas:2019/07_July/IMG_{number:04d}.jpg", **values)
    second = {**first, "paths": [f"nas:backup of phone/DCIM/IMG_{number:04d} copy.jpg"]}
    made.add("exact", "in the folder of its month", first, second)


def _bad(made: Made, number: int, chance: random.Random) -> None:
    picture = base(_seed(number)).filter(ImageFilter.GaussianBlur(9))
    made.add(
        "bad",
        f"blurred (focus {chance.randrange(4, 19)})",
        made.member(
            picture, f"nas:2019/09_September/IMG_{number:04d}.jpg", **_original(number, chance)
        ),
    )


def _alike(made: Made, number: int, chance: random.Random) -> None:
    values = _original(number, chance)
    portrait = landscape(_seed(number), (300, 400))
    made.add(
        "alike",
        "favourite",
        made.member(
            base(_seed(number)), f"nas:2019/10_October/Evening at the lake {number}.jpg", **values
        ),
        made.member(
            portrait,
            f"nas:2019/10_October/Evening upright {number}.jpg",
            distance=9,
            **{**values, "width": 3024, "height": 4032, "favorite": False},
        ),
    )


def write(made: Made, path: Path) -> None:
    """The page as a file."""

    def pictures() -> Iterator[tuple[str, bytes]]:
        yield from made.pictures.items()

    with path.open("wb") as file:
        for part in made.page().parts(pictures()):
            file.write(part)


# --- in the browser -------------------------------------------------------------------------------


def browser(width: int, height: int, *, dark: bool = False) -> Any:
    """Chromium without a window, of that many pixels."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    return driver


def press(driver: Any, *keys: str) -> None:
    """Press keys, one after the other, and wait until the page has followed."""
    from selenium.webdriver import ActionChains

    for key in keys:
        ActionChains(driver).send_keys(key).perform()
    driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 400))")


def shoot(page: Path, folder: Path) -> None:
    """Screenshots: `review.png` with a few decisions,
    and `review-dark.png` with the differences to the keeper.
    """
    for name, dark, keys in (
        ("review.png", False, ["\ue007"] * 6 + ["\ue015", "2", "x", "3"]),
        ("review-dark.png", True, ["\ue007"] * 7 + ["d", "2", "x", "3"]),
    ):
        driver = browser(1280, 880, dark=dark)
        try:
            driver.get(page.resolve().as_uri())
            press(driver, *keys)
            driver.save_screenshot(str(folder / name))
        finally:
            driver.quit()


def measure(page: Path, groups: int) -> None:
    """Print how long it takes to open the page and to go on by keys,
    and what is on the page then.
    """
    driver = browser(1440, 960)
    try:
        began = time.perf_counter()
        driver.get(page.resolve().as_uri())
        opened = time.perf_counter() - began
        script = (
            "const done = arguments[1], key = arguments[0], at = performance.now();"
            "document.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));"
            "requestAnimationFrame(() => setTimeout(() => done(performance.now() - at), 0))"
        )
        times = sorted(
            driver.execute_async_script(
                script.replace("document.dispatch", "document.activeElement.dispatch"), key
            )
            for key in ["j", "Enter"] * 50
        )
        images, nodes, heap = driver.execute_script(
            "return [document.querySelectorAll('.frame img').length, "
            "document.querySelectorAll('*').length,"
            " performance.memory.usedJSHeapSize]"
        )
        print(
            f"{groups} groups, {page.stat().st_size / 1e6:.1f} MB: opened in {opened:.2f} s; a "
            f"key takes {times[50]:.0f} ms"
            f" (median), {times[95]:.0f} ms (95 %); {images} pictures, {nodes} elements, "
            f"{heap / 1e6:.0f} MB heap"
        )
    finally:
        driver.quit()


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--groups", "count", default=80, show_default=True, help="How many groups.")
@click.option(
    "--screenshots",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Take them into this folder.",
)
@click.option("--measure", "timed", is_flag=True, help="Measure the page in Chromium.")
def main(count: int, output: Path, screenshots: Path | None, timed: bool) -> None:
    """Write a page of made-up groups."""
    write(make(count), output)
    if screenshots:
        shoot(output, screenshots)
    if timed:
        measure(output, count)


if __name__ == "__main__":
    main()
