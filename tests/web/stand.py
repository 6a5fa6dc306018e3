"""A stand-in for the web program: libraries of any size and their pictures, all by code, over the
wire of the real one. `python tests/web/stand.py 1000000 --port 8500` lets one look at the page.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from PIL import Image, ImageDraw, ImageFilter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parents[2] / "catalog" / "web" / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
NO_DATE = -(2**31)
FILM, LIVE, FAVOURITE, PANORAMA, RAW, BROKEN = 1, 2, 4, 8, 16, 32
HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
PLACES = ("Ghent", "Bruges", "Lisbon", "Kyoto", HOSTILE, "")
CAMERAS = ("Canon EOS R6", "iPhone 15 Pro", "Fujifilm X100V", HOSTILE)
SCENES = 24
DAY = 24 * 60
ORIGINAL = 2400
"""Pixels of the long side of every original."""


# --- libraries ------------------------------------------------------------------------------------


class Library:
    """So many made-up assets, newest first, the last of them without a date."""

    def __init__(self, count: int, seed: int = 1, newest: date = date(2026, 6, 30)) -> None:
        chance = np.random.default_rng(seed)
        self.etag = f"{count:x}-{seed}"
        ids = chance.integers(0, 256, (count, 8), dtype=np.uint8)
        sizes = np.ceil(chance.lognormal(2.6, 1.3, count // 8 + 2)).astype(np.int64)
        steps = chance.choice([1, 1, 1, 2, 3, 9], len(sizes)) * (1 if count > 20_000 else 9)
        first = (newest - date(1970, 1, 1)).days
        days = np.repeat(first - np.cumsum(steps), sizes)[:count]
        undated = count // 500
        minutes = days * DAY + chance.integers(7 * 60, 22 * 60, count)
        minutes = np.sort(minutes)[::-1].astype(np.int32)
        if undated:
            minutes[-undated:] = NO_DATE
        flags = np.zeros(count, np.uint8)
        for flag, share in ((FILM, 0.06), (LIVE, 0.05), (FAVOURITE, 0.02), (BROKEN, 0.004)):
            flags[chance.random(count) < share] |= flag
        ratios = chance.choice([4 / 3, 3 / 2, 3 / 4, 2 / 3, 16 / 9, 1.0], count)
        wide = chance.random(count) < 0.003
        flags[wide] = PANORAMA
        ratios[wide] = 2.0
        self.columns = Columns(
            ids,
            minutes,
            flags,
            np.round(127 * np.log(ratios * 3) / np.log(12)).astype(np.uint8),
            chance.integers(0, 2**31, count),
            chance.integers(0, len(PLACES), count),
            chance.integers(0, len(CAMERAS), count),
        )

    @property
    def count(self) -> int:
        return len(self.columns.ids)

    def grown(self, number: int) -> Library:
        """The same library with as many newer assets."""
        made = Library(number, seed=99, newest=date(2026, 11, 1))
        made.columns = Columns(
            *(
                np.concatenate([new, old])
                for new, old in zip(made.columns.all(), self.columns.all(), strict=True)
            )
        )
        made.etag = f"{self.etag}+{number}"
        return made

    @cached_property
    def _by_id(self) -> tuple[np.ndarray, np.ndarray]:
        keys = np.ascontiguousarray(self.columns.ids).view(">u8").ravel()
        order = np.argsort(keys)
        return keys[order], order

    def row_of(self, prefix: str) -> int | None:
        """The row of an id of 16 hex digits."""
        keys, order = self._by_id
        key = int(prefix[:16], 16)
        at = int(np.searchsorted(keys, np.uint64(key)))
        return int(order[at]) if at < len(keys) and int(keys[at]) == key else None

    @lru_cache(maxsize=16)  # noqa: B019 - libraries are few
    def view(self, sort: str, group: str, query: str, seed: int) -> View:
        """The rows of a view, in order, and where its groups begin."""
        return View(self, sort, group, query, seed)


@dataclass(frozen=True)
class Columns:
    ids: np.ndarray
    minutes: np.ndarray
    flags: np.ndarray
    aspects: np.ndarray
    sizes: np.ndarray
    places: np.ndarray
    cameras: np.ndarray

    def all(self) -> tuple[np.ndarray, ...]:
        return tuple(vars(self).values())


class View:
    def __init__(self, library: Library, sort: str, group: str, query: str, seed: int) -> None:
        columns = library.columns
        rows = np.arange(library.count)
        if "film" in query:
            rows = rows[columns.flags & FILM > 0]
        elif "nothing" in query:
            rows = rows[:0]
        if sort in {"size", "quality", "added"}:
            rows = rows[np.argsort(-columns.sizes[rows], kind="stable")]
        elif sort == "random":
            rows = np.random.default_rng(seed).permutation(rows)
        keys, names = self._groups(columns, group)
        if group not in {"day", "none"}:
            rows = rows[np.argsort(keys[rows], kind="stable")]
        self.rows = rows
        of_rows = keys[rows]
        begins = np.zeros(len(rows), bool)
        if group != "none" and len(rows):
            begins = np.concatenate([[True], of_rows[1:] != of_rows[:-1]])
        self.layout = (columns.aspects[rows] | (begins.astype(np.uint8) << 7)).astype(np.uint8)
        self.marks = self._marks(columns, group, begins, of_rows, names)

    @staticmethod
    def _groups(columns: Columns, group: str) -> tuple[np.ndarray, tuple[str, ...]]:
        if group == "camera":
            return columns.cameras, CAMERAS
        if group in {"place", "folder"}:
            return columns.places, PLACES
        return columns.minutes // DAY, ()

    def _marks(
        self,
        columns: Columns,
        group: str,
        begins: np.ndarray,
        keys: np.ndarray,
        names: tuple[str, ...],
    ) -> list[dict[str, Any]]:
        starts = np.flatnonzero(begins)
        if names:
            return [{"key": names[keys[at]], "position": int(at)} for at in starts]
        if group == "none":
            return []
        found: dict[str, int] = {}
        for at in starts:
            found.setdefault(month_of(int(columns.minutes[self.rows[at]])), int(at))
        return [{"key": key, "position": at} for key, at in found.items()]


def month_of(minutes: int) -> str:
    return "" if minutes == NO_DATE else moment(minutes).strftime("%Y-%m")


def moment(minutes: int) -> datetime:
    return datetime.fromtimestamp(minutes * 60, UTC)


# --- pictures -------------------------------------------------------------------------------------


@cache
def scene_colours(scene: int) -> tuple[tuple[int, int, int], ...]:
    """Sky above, sky below, far hills, near hills."""
    chance = np.random.default_rng(scene)
    hue = scene / SCENES
    parts = (
        (hue, 0.45, 0.75),
        (hue + 0.08, 0.35, 0.95),
        (hue + 0.5, 0.3, 0.5),
        (hue + 0.55, 0.4, 0.3),
    )
    return tuple(_rgb(h + chance.uniform(-0.03, 0.03), s, v) for h, s, v in parts)


def _rgb(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    made = Image.new("HSV", (1, 1), (int(hue % 1 * 255), int(saturation * 255), int(value * 255)))
    return made.convert("RGB").getpixel((0, 0))  # type: ignore[return-value]


def scene_colour(scene: int) -> tuple[int, int, int]:
    red, green, blue = np.mean(scene_colours(scene), axis=0).astype(int).tolist()
    return red, green, blue


def draw_scene(scene: int, size: tuple[int, int]) -> Image.Image:
    """Hills under a sky with a sun."""
    top, low, far, near = scene_colours(scene)
    width, height = size
    chance = np.random.default_rng(1000 + scene)
    mask = Image.linear_gradient("L").resize(size)
    made = Image.composite(Image.new("RGB", size, low), Image.new("RGB", size, top), mask)
    draw = ImageDraw.Draw(made)
    x, y, r = chance.uniform(0.2, 0.8) * width, 0.35 * height, 0.07 * min(size)
    draw.ellipse([x - r, y - r, x + r, y + r], fill=(255, 244, 214))
    for colour, base, swell in ((far, 0.62, 0.12), (near, 0.8, 0.1)):
        phase, waves = chance.uniform(0, 6), chance.uniform(1.5, 4)
        line = np.linspace(0, 1, 40)
        ridge = (base + swell * np.sin(line * waves * 2 + phase)) * height
        points = [(float(a * width), float(b)) for a, b in zip(line, ridge, strict=True)]
        draw.polygon([*points, (width, height), (0, height)], fill=colour)
    return made.filter(ImageFilter.GaussianBlur(1)) if max(size) < 700 else made


@lru_cache(maxsize=400)
def picture(scene: int, size: tuple[int, int], form: str = "WEBP") -> bytes:
    stream = io.BytesIO()
    draw_scene(scene, size).save(stream, form, quality=80)
    return stream.getvalue()


@cache
def film_file(folder: Path) -> Path:
    """Two seconds of H.264 in MP4."""
    import av

    path = folder / "film.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(24):
            still = draw_scene(number, (320, 180))
            container.mux(stream.encode(av.VideoFrame.from_image(still)))
        container.mux(stream.encode())
    return path


# --- the server -----------------------------------------------------------------------------------


@dataclass
class Stand:
    """What the server answers from; tests change it while it runs."""

    library: Library
    folder: Path
    needs_login: bool = False
    log: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    delay: float = 0.0
    original: bool = True
    film: str = "video/mp4"
    broken_films: bool = False

    def asked(self, path: str) -> list[dict[str, str]]:
        """The parameters of requests for paths that begin so."""
        return [given for at, given in self.log if at.startswith(path)]


def refuse(status: int, words: str, hint: str = "") -> JSONResponse:
    return JSONResponse({"error": words, "hint": hint}, status)


class Answers:
    """What each route answers, of a stand."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand

    def view_of(self, request: Request) -> View:
        given = request.query_params
        return self.stand.library.view(
            given.get("sort", "taken"),
            given.get("group", "day"),
            given.get("q", ""),
            int(given.get("seed", 0)),
        )

    def tagged(self, content: bytes, request: Request) -> Response:
        kind = "application/octet-stream"
        return Response(content, media_type=kind, headers={"ETag": f'"{self.etag_of(request)}"'})

    def etag_of(self, request: Request) -> str:
        given = "&".join(f"{k}={v}" for k, v in sorted(request.query_params.items()) if k in VIEW)
        return f"{self.stand.library.etag}-{hash(given) & 0xFFFFFF:x}"

    async def timeline(self, request: Request) -> Response:
        if "(" in request.query_params.get("q", ""):
            return refuse(400, "“(” is never closed.", "Close it, or leave it away.")
        view = self.view_of(request)
        days = self.stand.library.columns.minutes
        dated = days[days != NO_DATE]
        return JSONResponse(
            {
                "etag": self.etag_of(request),
                "count": len(view.rows),
                "marks": view.marks,
                "first": moment(int(dated[-1])).date().isoformat() if len(dated) else None,
                "last": moment(int(dated[0])).date().isoformat() if len(dated) else None,
                "version": 1,
                "state": {"building": False, "done": len(days), "of": len(days)},
            }
        )

    async def layout(self, request: Request) -> Response:
        if "(" in request.query_params.get("q", ""):
            return refuse(400, "“(” is never closed.", "Close it, or leave it away.")
        return self.tagged(self.view_of(request).layout.tobytes(), request)

    async def window(self, request: Request) -> Response:
        stale = request.headers.get("If-Match", "")
        if stale and stale.strip('"') != self.etag_of(request):
            return refuse(412, "The timeline has changed.")
        await asyncio.sleep(self.stand.delay)
        view, given = self.view_of(request), request.query_params
        part = slice(int(given["start"]), int(given["stop"]))
        rows, columns = view.rows[part], self.stand.library.columns
        scenes = columns.ids[rows, 7] % SCENES
        table = np.array([_rgb565(scene_colour(scene)) for scene in range(SCENES)], "<u2")
        parts = (
            columns.ids[rows],
            columns.minutes[rows].astype("<i4"),
            table[scenes],
            columns.flags[rows],
            view.layout[part],
        )
        return self.tagged(b"".join(part.tobytes() for part in parts), request)

    async def position(self, request: Request) -> Response:
        view, given = self.view_of(request), request.query_params
        if "id" in given:
            row = self.stand.library.row_of(given["id"])
            at = np.flatnonzero(view.rows == row) if row is not None else ()
            return JSONResponse({"position": int(at[0])}) if len(at) else refuse(404, "Not here.")
        wished = (date.fromisoformat(given["date"]) - date(1970, 1, 1)).days
        days = self.stand.library.columns.minutes[view.rows] // DAY
        return JSONResponse({"position": int(min(np.sum(days > wished), len(days) - 1))})

    async def preview(self, request: Request) -> Response:
        row = self.stand.library.row_of(request.path_params["hash"])
        if row is None:
            return refuse(404, "No such picture.")
        if self.stand.library.columns.flags[row] & BROKEN:
            return refuse(422, "the file ends in its middle")
        await asyncio.sleep(self.stand.delay)
        scene = int(self.stand.library.columns.ids[row, 7]) % SCENES
        size = sized(self.ratio_of(row), int(request.query_params["side"]))
        made = await asyncio.to_thread(picture, scene, size)
        headers = {
            "Cache-Control": "private, max-age=31536000, immutable",
            "Cross-Origin-Resource-Policy": "same-site",
        }
        return Response(made, media_type="image/webp", headers=headers)

    def ratio_of(self, row: int) -> float:
        return 12 ** (int(self.stand.library.columns.aspects[row]) / 127) / 3

    async def original(self, request: Request) -> Response:
        row = self.stand.library.row_of(request.path_params["hash"])
        if row is None:
            return refuse(404, "No such picture.")
        flags = int(self.stand.library.columns.flags[row])
        given = request.query_params
        if flags & FILM and self.stand.broken_films and not given:
            return Response(b"nothing that plays", media_type="video/mp4")
        if "motion" in given or "film" in given or flags & FILM:
            return FileResponse(film_file(self.stand.folder), media_type="video/mp4")
        scene = int(self.stand.library.columns.ids[row, 7]) % SCENES
        made = await asyncio.to_thread(picture, scene, sized(self.ratio_of(row), ORIGINAL), "JPEG")
        return Response(made, media_type="image/jpeg")

    async def facts(self, request: Request) -> Response:
        row = self.stand.library.row_of(request.path_params["hash"])
        if row is None:
            return refuse(404, "No such picture.")
        return JSONResponse(self.facts_of(row))

    def facts_of(self, row: int) -> dict[str, Any]:
        columns = self.stand.library.columns
        flags, minutes = int(columns.flags[row]), int(columns.minutes[row])
        identity = columns.ids[row].tobytes().hex()
        place = PLACES[columns.places[row]]
        width, height = sized(self.ratio_of(row), ORIGINAL)
        wall = None if minutes == NO_DATE else moment(minutes).strftime("%Y-%m-%dT%H:%M:00")
        near = [
            columns.ids[at].tobytes().hex()
            for at in (row - 1, row + 1)
            if 0 <= at < len(columns.ids)
        ]
        return {
            "hash": identity + "0" * 48,
            "kind": "film" if flags & FILM else "photo",
            "mime": self.stand.film if flags & FILM else "image/jpeg",
            "width": width,
            "height": height,
            "wall": wall,
            "offset_minutes": 120,
            "facts": [
                {
                    "name": "taken",
                    "value": wall or "",
                    "source": "exif:DateTimeOriginal",
                    "confidence": "high",
                },
                {
                    "name": "camera",
                    "value": CAMERAS[columns.cameras[row]],
                    "source": "exif:Model",
                    "confidence": "high",
                },
                {
                    "name": "position",
                    "value": "51.05, 3.72",
                    "source": "a film of the same day",
                    "confidence": "low",
                },
            ],
            "copies": [
                {
                    "store": "nas",
                    "path": f"2019/07_July/{HOSTILE}.jpg",
                    "state": "present",
                    "verified": "2026-11-01T10:00:00Z",
                },
                {
                    "store": "dropbox",
                    "path": "2019/07_July/IMG_1.jpg",
                    "state": "missing",
                    "verified": None,
                },
            ],
            "shot": near,
            "albums": ["Summer"],
            "tags": ["sea", HOSTILE],
            "title": HOSTILE,
            "place": place,
            "panorama": bool(flags & PANORAMA),
            "live": bool(flags & LIVE),
            "show": {"original": self.stand.original},
        }

    async def events(self, request: Request) -> Response:
        made = [{"when": "2026-11-02T09:00:00Z", "what": "tagged sea", "who": "anna"}]
        return JSONResponse({"events": made})

    async def similar(self, request: Request) -> Response:
        row = self.stand.library.row_of(request.path_params["hash"]) or 0
        other = self.stand.library.columns.ids[(row + 3) % self.stand.library.count].tobytes().hex()
        return JSONResponse({"similar": [{"hash": other, "reason": "2 of 256 bits differ"}]})

    async def me(self, request: Request) -> Response:
        return JSONResponse({"name": "anna", "role": "owner"})

    async def log_in(self, request: Request) -> Response:
        given = await request.json()
        if given.get("password") != "right" and given.get("link") != "once":
            return refuse(403, "Name or password is not right.")
        answer = Response(status_code=204)
        answer.set_cookie("session", "yes", httponly=True, samesite="lax")
        return answer

    async def log_out(self, request: Request) -> Response:
        answer = Response(status_code=204)
        answer.delete_cookie("session")
        return answer

    async def page(self, request: Request) -> Response:
        if self.stand.needs_login and "session" not in request.cookies:
            return Response(status_code=303, headers={"Location": "/login"})
        return FileResponse(STATIC / "index.html")

    async def login(self, request: Request) -> Response:
        return FileResponse(STATIC / "login.html")

    async def health(self, request: Request) -> Response:
        return JSONResponse({"ok": True})


def make_app(stand: Stand) -> Any:
    """The routes of the page, on a stand."""
    answers = Answers(stand)
    gets: dict[str, Callable[..., Any]] = {
        "/": answers.page,
        "/login": answers.login,
        "/health": answers.health,
        "/api/v1/timeline": answers.timeline,
        "/api/v1/timeline/layout": answers.layout,
        "/api/v1/timeline/window": answers.window,
        "/api/v1/timeline/position": answers.position,
        "/preview/{hash}": answers.preview,
        "/asset/{hash}": answers.original,
        "/api/v1/assets/{hash}": answers.facts,
        "/api/v1/assets/{hash}/history": answers.events,
        "/api/v1/assets/{hash}/similar": answers.similar,
        "/api/v1/me": answers.me,
    }
    routes = [Route(path, answer) for path, answer in gets.items()]
    routes += [
        Route("/api/v1/session", answers.log_in, methods=["POST"]),
        Route("/api/v1/session", answers.log_out, methods=["DELETE"]),
    ]
    app = Starlette(routes=routes)
    app.mount("/static", StaticFiles(directory=STATIC))
    return guarded(app, stand)


VIEW = {"sort", "group", "q", "seed"}


def guarded(app: Any, stand: Stand) -> Any:
    """The log of requests, log-in, and the headers of the real program."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        request = Request(scope)
        stand.log.append((scope["path"], dict(request.query_params)))
        is_closed = (
            scope["path"].startswith(("/api", "/preview", "/asset"))
            and scope["path"] != "/api/v1/session"
        )
        if stand.needs_login and is_closed and "session" not in request.cookies:
            await refuse(401, "Log in first.")(scope, receive, send)
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", CSP.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),
                ]
            await send(message)

        await app(scope, receive, send_with_headers)

    return answer


def sized(ratio: float, side: int) -> tuple[int, int]:
    return (
        (side, max(1, round(side / ratio))) if ratio >= 1 else (max(1, round(side * ratio)), side)
    )


def _rgb565(colour: tuple[int, int, int]) -> int:
    r, g, b = colour
    return (r >> 3) << 11 | (g >> 2) << 5 | b >> 3


class Running:
    """`with Running(stand) as running:` the server in a thread, at `running.url`."""

    def __init__(self, stand: Stand, port: int = 0) -> None:
        self.stand = stand
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            make_app(self.stand), port=self.port, log_level="error", lifespan="off"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join()

    def __enter__(self) -> Running:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> None:
    """Serve a library of so many assets."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("count", type=int, default=100_000, nargs="?")
    parser.add_argument("--port", type=int, default=8500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stand = Stand(Library(given.count), Path(folder))
        app = make_app(stand)
        uvicorn.run(app, port=given.port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
