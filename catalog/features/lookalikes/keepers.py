"""Which one of a group is proposed to be kept: one that has all that the others have, or none.

What a person said of a picture, and its time and place, are handed over to the one that stays (see
`inheritance`). What cannot be handed over, it must have itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.domain.decisions import ALIKE, SAME_IMAGE, SIMILAR
from catalog.domain.document import AssetDocument
from catalog.features.lookalikes.ranking import Picture, is_before, rank, why_kept

PARTS = {
    "movie": "the movie",
    "film": "the embedded film",
    "depth": "the depth map",
    "gain-map": "the gain map",
    "matte": "the mattes",
    "pictures": "the further pictures",
    "sound": "the sound",
}
"""What a file can hold beside its picture, and what that is called."""
_NOTED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("the camera", "camera", ("make", "model")),
    ("the lens", "camera", ("lens",)),
    (
        "the exposure",
        "exposure",
        ("time", "f_number", "iso", "focal_length", "focal_length_35mm", "flash"),
    ),
)
"""What a camera notes that no person can set."""
_SAME_SECONDS = 0.5
_LESSER = 0.5
"""Share of a RAW's pixels below which a picture is a small copy, not a development of it."""
_SAME_GREY, _SAME_CONTRAST = 5.0, 1.12
"""By how many grey levels, and how many times in contrast, renderings differ without an edit."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The one to keep, or None; and why."""

    keeper: Picture | None
    reason: str

    @property
    def is_made(self) -> bool:
        """Whether there is one to keep."""
        return self.keeper is not None


def propose(
    kind: str,
    pictures: Sequence[Picture],
    order: Sequence[str],
    is_proved: Callable[[Picture, Picture], bool] = lambda _keeper, _other: True,
) -> Proposal:
    """The one to keep of a group of some kind: the best of those that lack nothing, and are proved
    to show the same as each of the others.
    """
    if kind == ALIKE:
        return Proposal(None, "no proposal: other pictures, which merely look alike")
    ranked = rank(pictures, order)
    for keeper in ranked:
        others = [p for p in ranked if p is not keeper]
        lacks = any(True for other in others for _ in _lacking(kind, keeper, other, order))
        if not lacks and all(is_proved(keeper, other) for other in others):
            return Proposal(keeper, why_kept(keeper, others, order))
    why = list(_why_none(kind, ranked, order)) or ["none is near enough to each of the others"]
    return Proposal(None, f"no proposal: {'; '.join(why)}")


def _why_none(kind: str, ranked: Sequence[Picture], order: Sequence[str]) -> Iterator[str]:
    """What speaks against the best ones, in words."""
    for keeper in ranked[:2]:
        for other in ranked:
            words = [] if other is keeper else list(_lacking(kind, keeper, other, order))
            if words:
                yield f"{keeper.name} {' and '.join(words)} of {other.name}"
                break


def _lacking(kind: str, keeper: Picture, other: Picture, order: Sequence[str]) -> Iterator[str]:
    """What would be lost with another, in words that go on with "of" its name."""
    if lost := list_lacking(keeper, other):
        yield f"lacks {', '.join(lost)}"
    if not other.is_known:
        yield "may lack parts (`catalog measure` finds out)"
    if keeper.is_damaged and not other.is_damaged:
        yield "is damaged and lacks the rest"
    if kind not in (SAME_IMAGE, SIMILAR):
        return
    if _is_development(keeper, other):
        yield "is a RAW and lacks the development"
    if not (keeper.image_hash and keeper.image_hash == other.image_hash):
        yield from _edited(keeper, other, order)


def _edited(keeper: Picture, other: Picture, order: Sequence[str]) -> Iterator[str]:
    """Whether another is nearer to what the camera made."""
    if other.is_made_of(keeper) or (keeper.is_untouched and not other.is_untouched):
        return
    if keeper.is_made_of(other):
        yield "is made of it, and lacks the original"
    elif other.is_untouched and not keeper.is_untouched:
        yield "lacks the untouched picture"
    elif keeper.pixels < other.pixels and is_before(other, keeper, order):
        yield "lacks pixels"
    elif (
        keeper.is_untouched
        and keeper.pixels == other.pixels
        and _differ_in_tone(keeper, other)
        and not other.is_named_after(keeper)
    ):
        yield "may lack the untouched picture: one is an edit, and nothing says which,"


def _differ_in_tone(one: Picture, other: Picture) -> bool:
    first, second = (p.document.get("quality", {}) for p in (one, other))
    grey = abs(first.get("brightness", 0.0) - second.get("brightness", 0.0))
    contrasts = sorted(max(q.get("contrast", 1.0), 1.0) for q in (first, second))
    return grey > _SAME_GREY or contrasts[1] > _SAME_CONTRAST * contrasts[0]


def _is_development(keeper: Picture, other: Picture) -> bool:
    """Whether another may be the camera's or somebody's development of a RAW."""
    if not keeper.is_raw or other.is_raw:
        return False
    return other.is_camera_original or other.pixels > _LESSER * keeper.pixels


def list_lacking(keeper: Picture, other: Picture) -> list[str]:
    """What another has that cannot be handed over, and a keeper has not: parts, and what its camera
    noted."""
    return [*_lacking_parts(keeper, other), *_lacking_notes(keeper.document, other.document)]


def list_unique(picture: Picture) -> list[str]:
    """What a picture has that no other can take over: its parts, and what its camera noted."""
    found = [words for part, words in PARTS.items() if part in picture.parts]
    if picture.movies:
        found.append(PARTS["movie"])
    if (picture.frames or 1) > 1:
        found.append(f"{picture.frames} frames")
    nothing: AssetDocument = {}
    return [*found, *_lacking_notes(nothing, picture.document)]


def _lacking_parts(keeper: Picture, other: Picture) -> Iterator[str]:
    if not all(any(_covers(mine, movie) for mine in keeper.movies) for movie in other.movies):
        yield PARTS["movie"]
    yield from (words for part, words in PARTS.items() if part in other.parts - keeper.parts)
    frames, mine = other.frames or 1, keeper.frames or 1
    if frames > mine:
        yield f"{frames - mine} of {frames} frames"
    if other.duration > keeper.duration + _SAME_SECONDS:
        yield f"{other.duration - keeper.duration:.0f} seconds"
    if other.is_raw and not keeper.is_raw:
        yield "the RAW"


def _lacking_notes(keeper: AssetDocument, other: AssetDocument) -> Iterator[str]:
    for words, field, names in _NOTED:
        mine, theirs = keeper.get(field), other.get(field)
        mine = mine if isinstance(mine, Mapping) else {}
        theirs = theirs if isinstance(theirs, Mapping) else {}
        if any(name in theirs and name not in mine for name in names):
            yield words
    if "altitude" in other and "altitude" not in keeper:
        yield "the altitude"


def _covers(mine: AssetDocument, theirs: AssetDocument) -> bool:
    """Whether the movie of one still is as good as that of another."""
    if mine["hash"] == theirs["hash"]:
        return True
    pixels = [m.get("width", 0) * m.get("height", 0) for m in (mine, theirs)]
    has_sound = [bool(m.get("video", {}).get("audio_codec")) for m in (mine, theirs)]
    return (
        mine.get("duration", 0.0) >= theirs.get("duration", 0.0) - _SAME_SECONDS
        and pixels[0] >= pixels[1]
        and has_sound[0] >= has_sound[1]
    )


# --- several places of one content ----------------------------------------------------------------


def propose_place(picture: Picture, store: str, paths: Sequence[str]) -> tuple[str, Proposal]:
    """Of several places of one content in a store the first that has all beside it that the others
    have: sidecars, the movie of a Live Photo, the RAW.
    """
    beside = {path: _beside(picture, store, path) for path in paths}
    everything = set().union(*beside.values())
    reason = f"the same bytes at {len(paths)} places of {store}; "
    for path in paths:
        if beside[path] >= everything:
            why = "the first that was catalogued is kept"
            if path != paths[0]:
                why = "the one with what lies beside it is kept"
            return path, Proposal(picture, reason + why)
    return paths[0], Proposal(
        None, f"no proposal: {reason}different files of the shot lie beside them"
    )


def _beside(picture: Picture, store: str, path: str) -> set[str]:
    """The contents of the files of the shot that lie beside a copy, under its name."""
    stem = _stem(path)
    rows = [(row["hash"], row) for row in picture.document.get("sidecars", [])]
    shot = [(d["hash"], row) for d in picture.companions for row in d.get("copies", [])]
    return {
        name
        for name, row in (*rows, *shot)
        if row["store"] == store and row["path"].startswith(f"{stem}.")
    }


def _stem(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}"
