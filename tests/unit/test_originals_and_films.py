"""The bytes of assets by range, the films that belong to stills, and films made for browsers."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.reformatter import ColorTrc
from far_store import FarStore
from films import Film as Shape
from films import make
from PIL import Image

from catalog.domain.copies import copy_row
from catalog.domain.fixity import content_hash
from catalog.errors import StoreError
from catalog.features.renditions import films as module
from catalog.features.renditions.films import Film, FilmMaker
from catalog.features.renditions.originals import PIECE, Originals
from catalog.features.renditions.shelf import Shelf
from catalog.media.trailer import find_film
from catalog.stores.local.store import LocalStore
from catalog.work.workers import Limits

NOW = datetime(2024, 5, 6, tzinfo=UTC)


def film(path: Path, size: tuple[int, int] = (64, 48), *, sound: bool = True) -> bytes:
    """A short moving picture, with a tone."""
    return make(path, Shape(size=size, sound="aac" if sound else "")).read_bytes()


def photo(size: int = 60) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(stream, "JPEG")
    return stream.getvalue()


class Shots:
    """What the index says of shots."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []

    def companions(self, document: Any) -> Sequence[Any]:
        return [other for other in self.found if other["hash"] != document["hash"]]


class Place:
    """A disk and a store far away."""

    def __init__(self, folder: Path) -> None:
        for name in ("near", "far"):
            (folder / name).mkdir()
        self.near = LocalStore("near", folder / "near")
        self.far = FarStore("far", folder / "far")
        self.shots = Shots()
        self.films = folder / "films"
        shelf = Shelf(None, {"far": self.far, "near": self.near})
        self.originals = Originals(shelf, self.shots)

    def document(self, data: bytes, *where: str, **values: Any) -> Any:
        rows = []
        for name in where:
            store, _slash, path = name.partition("/")
            owner = self.near if store == "near" else self.far
            (owner.root / path).write_bytes(data)
            entry = LocalStore.stat(owner, path)
            assert entry is not None
            rows.append(copy_row(store, entry, NOW, NOW))
        return {"hash": content_hash(data), "copies": rows, "kind": "image", **values}

    def maker(self, limit: int = 100_000_000) -> FilmMaker:
        return FilmMaker(self.films, limit, self.originals.moving, Limits())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.near.close()
    made.far.close()


def read(pieces: Iterator[bytes]) -> bytes:
    return b"".join(pieces)


# --- originals ------------------------------------------------------------------------------------


def test_the_bytes_of_an_asset_come_from_a_disk_before_a_store_far_away(place: Place):
    data = os.urandom(2 * PIECE + 100)
    document = place.document(data, "far/a.jpg", "near/b.jpg", mime="image/jpeg")
    found = place.originals.original(document)
    assert found is not None
    assert (found.store, found.path, found.size, found.mime) == (
        "near",
        "b.jpg",
        len(data),
        "image/jpeg",
    )
    assert read(found.open_range()) == data
    assert read(found.open_range(PIECE - 5, 10)) == data[PIECE - 5 : PIECE + 5]
    assert read(found.open_range(len(data) - 3)) == data[-3:]
    assert read(found.open_range(len(data) - 3, 100)) == data[-3:]
    assert read(found.open_range(len(data) + 5, 100)) == b""
    assert max(map(len, found.open_range())) <= PIECE
    assert place.far.calls["open"] == 0
    (place.near.root / "b.jpg").unlink()
    far = place.originals.original(document)
    assert far is not None and far.store == "far"
    assert read(far.open_range(7, 9)) == data[7:16]


def test_a_file_that_is_another_now_is_not_the_asset(place: Place):
    document = place.document(b"one", "near/a.jpg")
    (place.near.root / "a.jpg").write_bytes(b"two!")
    assert place.originals.original(document) is None
    assert place.originals.original({**document, "copies": []}) is None


def test_a_file_that_gets_shorter_while_it_is_read_is_told(place: Place):
    document = place.document(bytes(1000), "near/a.jpg")
    found = place.originals.original(document)
    assert found is not None
    os.truncate(place.near.root / "a.jpg", 10)
    with pytest.raises(StoreError, match="shorter"):
        read(found.open_range())


def test_the_film_of_a_live_photo_is_the_file_of_its_shot(place: Place, tmp_path: Path):
    data = film(tmp_path / "made.mov", sound=False)
    movie = place.document(
        data,
        "near/IMG_1.MOV",
        kind="video",
        mime="video/quicktime",
        stack={"id": "1", "role": "live"},
    )
    still = place.document(photo(), "near/IMG_1.JPG", stack={"id": "1", "role": "still"})
    raw = place.document(photo(50), "near/IMG_1.DNG", stack={"id": "1", "role": "raw"})
    place.shots.found = [raw, still, movie]
    found = place.originals.film_part(still)
    assert found is not None and found.hash == movie["hash"]
    assert read(found.open_range(4, 4)) == b"ftyp"
    assert place.originals.film_part(movie) is None
    place.shots.found = [raw, still]
    assert place.originals.film_part(still) is None


@pytest.mark.parametrize(
    "behind", [b"", b"SEFH" + bytes(20) + b"SEFT", b"\0\0\0\x10junk" + bytes(8)]
)
def test_the_film_of_a_motion_photo_is_cut_out_of_its_file(
    place: Place, tmp_path: Path, behind: bytes
):
    data = film(tmp_path / "made.mp4", sound=False)
    before = photo()
    document = place.document(before + data + behind, "near/MVIMG_1.jpg", motion_photo=True)
    found = place.originals.film_part(document)
    assert found is not None and (found.mime, found.size) == ("video/mp4", len(data))
    assert read(found.open_range()) == data
    assert read(found.open_range(10, 20)) == data[10:30]
    assert place.originals.film_part({**document, "motion_photo": False}) is None


def test_within_a_heif_the_film_is_another_than_the_file_itself(tmp_path: Path):
    data = film(tmp_path / "made.mp4", sound=False)
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x08free"
    box = (len(data) + 8).to_bytes(4, "big") + b"mpvd"
    assert find_film(head + box + data) == (len(head) + 8, len(head) + 8 + len(data))
    assert find_film(head) is None


@pytest.mark.parametrize("size", [0, 1, 5, 2**32 - 1])
def test_a_film_that_lies_about_its_boxes_ends_with_its_file(tmp_path: Path, size: int):
    data = film(tmp_path / "made.mp4", sound=False)
    at = int.from_bytes(data[:4], "big")
    whole = photo() + data[:at] + size.to_bytes(4, "big") + data[at + 4 :]
    assert find_film(whole) == (len(photo()), len(whole))


# --- films for browsers ---------------------------------------------------------------------------


def made(maker: FilmMaker, document: Any) -> Film:
    """The film, or why there is none, once that is known."""
    end = time.monotonic() + 100
    while time.monotonic() < end:
        state = maker.film(document)
        if state.path is not None or state.reason:
            return state
        time.sleep(0.01)
    raise AssertionError("it is not made, and nobody says why")


def shown(path: Path) -> tuple[str, str, tuple[int, int]]:
    with av.open(path) as container:
        stream = container.streams.video[0]
        sound = container.streams.audio
        return (
            stream.codec_context.name,
            sound[0].codec_context.name if sound else "",
            (stream.width, stream.height),
        )


def test_a_film_is_made_once_as_every_browser_plays_it(place: Place, tmp_path: Path):
    document = place.document(film(tmp_path / "a.mov", (64, 48)), "near/a.mov", kind="video")
    with place.maker() as maker:
        found = made(maker, document)
        assert found.path is not None and found.done == 1
        assert shown(found.path) == ("h264", "aac", (64, 48))
        data = found.path.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat"), "it begins to play before all of it came"
        assert maker.size == len(data)
        before = found.path.stat().st_ino
        assert made(maker, document).path == found.path
        assert found.path.stat().st_ino == before
    assert [path.name for path in place.films.rglob("*") if path.is_file()] == [found.path.name]


@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("large.mp4", Shape(size=(1920, 1080)), (1280, 720)),
        ("tall.mp4", Shape(size=(600, 1200)), (600, 1200)),
        ("wide.mp4", Shape(size=(1440, 960)), (1080, 720)),
        ("turned.mov", Shape(size=(1920, 1080), turned=90), (720, 1280)),
        ("odd.mkv", Shape(codec="ffv1", size=(95, 63)), (94, 62)),
        ("stretched.mp4", Shape(size=(96, 64), aspect=(2, 1)), (192, 64)),
        ("old.avi", Shape(codec="mpeg4", sound="mp3"), (96, 64)),
        (
            "hdr.mp4",
            Shape(codec="libx265", pixels="yuv420p10le", hdr=True, tag="hvc1"),
            (96, 64),
        ),
        ("fast.mp4", Shape(rate=240, frames=48), (96, 64)),
        ("deep.mov", Shape(codec="prores_ks", pixels="yuv422p10le"), (96, 64)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_film_of_any_shape_has_720_lines_at_most_and_square_pixels(
    place: Place, tmp_path: Path, name: str, shape: Shape, wanted: tuple[int, int]
):
    data = make(tmp_path / name, shape).read_bytes()
    document = place.document(data, f"near/{name}", kind="video")
    with place.maker() as maker:
        found = made(maker, document)
    assert found.path is not None, found.reason
    assert shown(found.path) == ("h264", "aac" if shape.sound else "", wanted)
    with av.open(found.path) as container:
        stream = container.streams.video[0]
        assert stream.pix_fmt == "yuv420p" and stream.sample_aspect_ratio in (None, 1)
        assert stream.codec_context.color_trc != ColorTrc.SMPTE2084
        assert "creation_time" not in container.metadata
        frames = sum(1 for _frame in container.decode(stream))
        assert frames == shape.frames if shape.rate <= 60 else frames <= shape.frames // 2


def test_films_far_away_and_within_stills_are_made_too(place: Place, tmp_path: Path):
    far = place.document(film(tmp_path / "a.mov"), "far/a.mov", kind="video")
    data = photo() + film(tmp_path / "b.mp4", sound=False)
    motion = place.document(data, "near/b.jpg", motion_photo=True)
    with place.maker() as maker:
        for document in (far, motion):
            found = made(maker, document)
            assert found.path is not None, found.reason
            assert shown(found.path)[0] == "h264"
    assert not [path for path in place.films.rglob("*") if path.is_file() and path.suffix != ".mp4"]


def test_what_is_no_film_says_why_and_costs_no_other(place: Place, tmp_path: Path):
    broken = place.document(b"\0\0\0\x18ftypmp42" + bytes(64), "near/a.mp4", kind="video")
    gone = place.document(b"gone", kind="video")
    good = place.document(film(tmp_path / "b.mov"), "near/b.mov", kind="video")
    with place.maker() as maker:
        assert made(maker, broken).reason
        assert "no copy" in made(maker, gone).reason
        assert made(maker, good).path


def test_films_take_no_more_than_their_limit(place: Place, tmp_path: Path):
    documents = [
        place.document(film(tmp_path / f"{n}.mov", (64 + 2 * n, 48)), f"near/{n}.mov", kind="video")
        for n in range(3)
    ]
    with place.maker() as maker:
        sizes = []
        for document in documents[:2]:
            path = made(maker, document).path
            assert path is not None
            sizes.append(path.stat().st_size)
            os.utime(path, (len(sizes), len(sizes)))
        assert made(maker, documents[0]).path is not None, "it is used now"
    with place.maker(max(sizes) * 5 // 2) as maker:
        assert made(maker, documents[2]).path is not None
        kept = {path.name[:64] for path in place.films.glob("*.mp4")}
        assert documents[1]["hash"] not in kept and documents[0]["hash"] in kept
    with place.maker(100) as maker:
        assert "space" in made(maker, documents[1]).reason


def test_a_film_that_takes_too_long_is_given_up(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("LEAST_SECONDS", "PER_SECOND", "UNKNOWN_SECONDS"):
        monkeypatch.setattr(module, name, -1.0)
    document = place.document(film(tmp_path / "a.mov"), "near/a.mov", kind="video")
    with place.maker() as maker:
        assert "took longer" in made(maker, document).reason
    assert not [path for path in place.films.rglob("*") if path.is_file()]
