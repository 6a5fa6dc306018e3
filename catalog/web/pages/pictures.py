"""Pictures and films: those that were made for looking, and the files themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from starlette.responses import Response, StreamingResponse

from catalog.domain.document import AssetDocument
from catalog.features.renditions.originals import MP4, PIECE, Original
from catalog.features.renditions.store import VERSION
from catalog.web.answers import NO_STORE, Refusal
from catalog.web.byte_range import parse_range
from catalog.web.call import Call
from catalog.web.pages.assets import SHOWN
from catalog.web.pages.seen import find_document, find_hash, keep_seen
from catalog.web.protection import SANDBOX

FOR_GOOD = "private, max-age=31536000, immutable"
PATIENCE = 25.0
"""Seconds for which one picture or film is waited for."""
LOOK_AGAIN = 0.25
FILMS = frozenset({MP4, "video/quicktime", "video/webm", "video/x-m4v"})
Pieces = Callable[[int, int], Iterator[bytes]]
"""The bytes of a file from an offset, so many."""


class PreviewQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How large, in pixels on the long side, and the version of the pictures."""

    side: Literal[320, 640, 1600] = 320
    v: Annotated[str, msgspec.Meta(max_length=20)] = ""


class AssetQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Instead of the file itself: the film that every browser plays, or the moving part of a Live
    or motion photo. `download`: to be kept, not looked at.
    """

    film: Literal["", "720p"] = ""
    motion: bool = False
    download: bool = False


def send_preview(call: Call) -> Response:
    """A picture to look at, as WebP; status 422 where the file cannot be shown, and why."""
    asked: PreviewQuery = call.query
    name, maker = find_hash(call), call.services.renditions
    kept = maker.kept(name, asked.side)
    if kept is not None:
        return _preview(name, asked, kept, lasting=True)
    waited = maker.picture(call.services.repository.get(name), asked.side)
    try:
        made = waited.result(PATIENCE)
    except NotYet:
        waited.cancel()
        raise _not_ready("The picture is not ready yet.") from None
    if made.broken:
        status = 422 if made.lasting else 503
        raise Refusal(status, f"It cannot be shown: {made.reason}.")
    return _preview(name, asked, made.data, lasting=made.lasting)


def send_asset(call: Call) -> Response:
    """A file, or the part of it that is asked for, from whichever store has it."""
    asked: AssetQuery = call.query
    document = find_document(call)
    if asked.film:
        return _send_film(call, document)
    maker = call.services.renditions
    found = maker.film_part(document) if asked.motion else maker.original(document)
    if asked.motion and (found is None or not keep_seen(call, [found.hash])):
        raise Refusal(404, "Nothing moves in this picture, or it cannot be had now.")
    if found is None:
        raise Refusal(503, "No copy of it can be reached now.", "Connect the disk or NAS it is on.")
    is_shown = found.mime in SHOWN | FILMS and not asked.download
    mime = found.mime if is_shown else "application/octet-stream"
    kind = "inline" if is_shown else "attachment"
    tag = f'"{found.hash}-{found.start}"'
    return _send(call, tag, mime, _disposition(kind, found), found.size, found.open_range)


def _send_film(call: Call, document: AssetDocument) -> Response:
    until = time.monotonic() + PATIENCE
    maker = call.services.renditions
    while True:
        film = maker.film(document)
        if film.path is not None:
            return _send_made(call, document["hash"], film.path)
        if film.reason:
            raise Refusal(422, f"No film can be made of it: {film.reason}")
        if time.monotonic() > until:
            raise _not_ready(f"The film is being made ({film.done:.0%}).")
        time.sleep(LOOK_AGAIN)


def _send_made(call: Call, name: str, path: Path) -> Response:
    def pieces(offset: int, length: int) -> Iterator[bytes]:
        with path.open("rb") as stream:
            stream.seek(offset)
            while length > 0 and (data := stream.read(min(PIECE, length))):
                length -= len(data)
                yield data

    size = path.stat().st_size
    return _send(call, f'"{name}-720p"', MP4, "inline", size, pieces)


def _send(call: Call, tag: str, mime: str, disposition: str, size: int, pieces: Pieces) -> Response:
    request = call.request
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": FOR_GOOD,
        "Content-Disposition": disposition,
        "Content-Security-Policy": SANDBOX,
    }
    if request.headers.get("if-none-match", "") == tag:
        return Response(status_code=304, headers=headers)
    is_part = request.headers.get("if-range", tag) == tag
    part = parse_range(request.headers.get("range", "") if is_part else "", size)
    start, stop = part or (0, size)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["Content-Length"] = str(stop - start)
    return StreamingResponse(pieces(start, stop - start), 206 if part else 200, headers, mime)


def _preview(name: str, asked: PreviewQuery, data: bytes, *, lasting: bool) -> Response:
    is_kept = lasting and asked.v == str(VERSION)
    headers = {
        **({"Cache-Control": FOR_GOOD} if is_kept else NO_STORE),
        "ETag": f'"{name}-{asked.side}-{VERSION}"',
        "Cross-Origin-Resource-Policy": "same-site",
        "Content-Security-Policy": SANDBOX,
    }
    return Response(data, 200, headers, "image/webp")


def _not_ready(message: str) -> Refusal:
    return Refusal(503, message, "Ask again.", {"Retry-After": "5"})


def _disposition(kind: str, found: Original) -> str:
    return f"{kind}; filename*=UTF-8''{quote(found.path.rpartition('/')[2], safe='')}"
