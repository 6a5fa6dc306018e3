"""The rows that travel: the fields of what the indexes hold, and what each of them means.

At run time they are plain dicts, as they are read and written. A field without a value is left out.
Moments are ISO 8601 UTC with milliseconds, as `domain.copies.timestamp` writes them, sizes bytes,
paths the text form of `domain.names`. `index.schema` holds the mappings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NotRequired, TypedDict, TypeVar, cast, final

Row = TypeVar("Row", bound=Mapping[str, object])

# --- the parts of an asset's document -------------------------------------------------------------


class Captured(TypedDict, total=False):
    """When it was taken, from the date that won (`domain.capture_time`), or from a person.

    `wall` is ISO 8601 without a zone, as the camera's clock showed it; `instant` the same moment,
    where `offset_minutes` east of UTC, or the IANA `zone`, are known. `source` is the reader or
    "person", `confidence` high, medium or low. The last five follow from `wall`
    (`domain.derivation`): `month_day` is 11-29, `hour` 0 to 23, `weekday` 1 for Monday to 7,
    `precision` second or day; or month or year, which is stated: then `wall` is its first moment,
    and only `year` follows.
    """

    wall: str
    instant: str
    offset_minutes: int
    zone: str
    source: str
    confidence: str
    has_time: bool
    year: int
    month_day: str
    hour: int
    weekday: int
    precision: str


class Location(TypedDict):
    """Where it was taken, in degrees (WGS 84), from the file, its sidecar or a person."""

    lat: float
    lon: float


class PlaceFields(TypedDict, total=False):
    """The words for a location, from the gazetteer or the known places (`domain.place`).

    `country_code` is ISO 3166 alpha-2, `name` a person's own word, `source` who named it.
    """

    country: str
    country_code: str
    region: str
    city: str
    name: str
    source: str


class Camera(TypedDict, total=False):
    """What took it, as the file states it."""

    make: str
    model: str
    lens: str


class Exposure(TypedDict, total=False):
    """How it was taken, as the file states it: `time` in seconds, focal lengths in millimetres;
    `flash` is the number of EXIF.
    """

    time: float
    f_number: float
    iso: int
    focal_length: float
    focal_length_35mm: float
    flash: int


class VideoFields(TypedDict, total=False):
    """How a video is coded, as its container states it: `frame_rate` in frames a second,
    `rotation` in degrees.
    """

    codec: str
    audio_codec: str
    frame_rate: float
    rotation: int


class QualityFields(TypedDict, total=False):
    """How good a picture is; see `domain.asset.Quality` for the scales."""

    sharpness: float
    brightness: float
    contrast: float
    blank: bool
    blurred: bool
    focus: float
    dark: float
    bright: float
    detail: float
    relief: float


class StackRow(TypedDict):
    """The shot that an asset belongs to, and its part in it (`domain.stacks`)."""

    id: str
    role: str


class Original(TypedDict):
    """The file that an asset was first added from."""

    name: str
    path: str


class PersonFields(TypedDict, total=False):
    """What a person said of an asset (`domain.person`), with `catalog set` or `tag`.

    `taken` is the wall clock as ISO 8601, with its offset if known; `position` is [lat, lon] in
    degrees and `around` the gazetteer's words for it (set with it, never alone); `place` is a name
    of the person's own; `rating` is -1 to 5; `private` names those who alone see it.
    """

    taken: str
    position: list[float]
    around: PlaceFields
    place: str
    tags_added: list[str]
    tags_removed: list[str]
    title: str
    description: str
    rating: int
    favorite: bool
    albums: list[str]
    private: list[str]


class Extracted(TypedDict, total=False):
    """The values that a person's lie over, as the file states them; None where it states none."""

    captured: Captured | None
    location: Location | None
    altitude: float | None
    place: PlaceFields | None
    tags: list[str] | None
    title: str | None
    description: str | None
    rating: int | None
    favorite: bool | None
    albums: list[str] | None
    private: list[str] | None


# --- files of an asset ----------------------------------------------------------------------------


class InodeFields(TypedDict, total=False):
    """By what a file is known again under another name, where that is known.

    `device` and `inode` count on the machine `host`; without one they are the store's own.
    `ctime_ns` is when it last changed in any way, by that machine's clock, in nanoseconds since
    1970: as it was when its content was last proved.
    """

    device: int
    inode: int
    host: str
    ctime_ns: int


class FileRow(InodeFields):
    """Where a file of an asset lies; `mtime` is when its bytes were last changed."""

    store: str
    path: str
    size: int
    mtime: str


@final
class CopyRow(FileRow):
    """One element of `copies`: the bytes of an asset at one path of one store.

    `copies.copy_row` writes it. `verified` is when its content hash was last proved, `state` one of
    `copies.OK`, `MISSING` and `DAMAGED`, `revision` the version that its store states.
    """

    name: str
    added: str
    verified: str
    state: str
    revision: NotRequired[str]


@final
class SidecarRow(FileRow):
    """One element of `sidecars`: a file beside a copy that says something of the asset.

    `copies.sidecar_row` writes it. `hash` is the content hash of the sidecar's own bytes.
    """

    hash: str


class Copies(TypedDict):
    """The copies of an asset, and what follows from those that are there (`copies.flat`)."""

    copies: list[CopyRow]
    stores: list[str]
    copy_count: int
    paths: list[str]


# --- an asset -------------------------------------------------------------------------------------


class AssetDocument(TypedDict, total=False):
    """One photo or video; its id is its `hash`. `index.documents.asset_document` makes it.

    One that is read whole has at least `hash`, `size`, `kind`, the fields of `Copies`, `added`,
    `updated` and `run`; one that is read in part has the fields that were asked for.

    `checksums` are further ones of the content, in hex, by kind (`domain.checksums`); `image_hash`
    is that of a JPEG without its metadata. `altitude` is in metres, `width` and `height` in pixels
    as shown, `duration` in seconds, `orientation` the number of EXIF. `phash` and `phash_inner` are
    16 hex digits, `look` is a WebP of 64 pixels in base64, `frames_look` one of all frames, one
    below the other. `frames` counts the frames or pages of a still; without it nobody looked for
    further ones, nor for `parts`: what the file holds beside the picture (`media.parts.PARTS`).
    `resized` says that its camera states another size. `manual` names what a person said;
    `sources` says which reader gave what. `owner` is whose it is, `device` what sent it.
    `rendition_of` and `renditions` are content hashes. `shape`, `megapixels` and `preview` follow
    from others (`domain.derivation`).
    """

    hash: str
    image_hash: str
    size: int
    kind: str
    type: str
    mime: str
    extension: str
    checksums: dict[str, str]
    captured: Captured
    location: Location
    altitude: float
    place: PlaceFields
    camera: Camera
    exposure: Exposure
    width: int
    height: int
    shape: str
    megapixels: float
    orientation: int
    duration: float
    video: VideoFields
    live_id: str
    motion_photo: bool
    frames: int
    frames_look: str
    parts: list[str]
    resized: bool
    software: str
    phash: str
    phash_inner: str
    look: str
    preview: str
    quality: QualityFields
    albums: list[str]
    tags: list[str]
    favorite: bool
    rating: int
    title: str
    description: str
    private: list[str]
    manual: list[str]
    owner: str
    device: str
    place_removed: bool
    person: PersonFields
    extracted: Extracted
    stack: StackRow
    rendition_of: str
    renditions: list[str]
    sidecars: list[SidecarRow]
    copies: list[CopyRow]
    stores: list[str]
    copy_count: int
    paths: list[str]
    original: Original
    sources: dict[str, str]
    notes: list[str]
    problem: str
    reader: int
    added: str
    updated: str
    run: str


# --- the history ----------------------------------------------------------------------------------


class HandoverRow(TypedDict, total=False):
    """What was handed over to a cloud: one a target and content (`index.handovers`).

    `hash` is the content that was asked for and `staged` that of the file that lies in `folder` as
    `name` (of `size` bytes); `staging` is the id of that folder. `source` is where it was made
    from. `state` is staged or confirmed, `at` and `confirmed` are when it came to be so.
    """

    target: str
    hash: str
    kind: str
    state: str
    source: str
    folder: str
    name: str
    staged: str
    staging: str
    size: int
    at: str
    confirmed: str
    run: str


class EventSide(TypedDict, total=False):
    """What an event took away (`before`) or brought (`after`).

    Of an asset that came or went it is the whole `document`; of one that changed, the rows of
    `copies` and `sidecars`, and besides them any field of a document by its name, as
    `domain.edits.difference` tells it. Of a handover it is the record. Of a file outside the stores
    that was removed it is what brings it back: its `hash`, `mtime_ns` (since 1970), and the
    `device` it lay on of the machine `host`.
    """

    document: AssetDocument
    copies: list[CopyRow]
    sidecars: list[SidecarRow]
    handover: HandoverRow
    hash: str
    mtime_ns: int
    device: int | str | None
    host: str


class EventNote(TypedDict, total=False):
    """What an event says besides what was done with which content.

    `source` is where a file was before, `trash` what it is called in its store's trash. `effect` is
    "index", "file" or "handover": what an undo has to bring back. `undoes` is the run that is taken
    back, and `reverses` the id of that event of it which this one takes back. `reason` is for a
    person, `reason_kind` for counting. `by` is the user of the web program who had it done. `at`,
    `run`, `command` and `outcome` are there once it is written.
    """

    store: str
    path: str
    source: str
    effect: str
    trash: str
    undoes: str
    reverses: str
    reason: str
    reason_kind: str
    before: EventSide
    after: EventSide
    at: str
    run: str
    command: str
    outcome: str
    by: str


class EventRow(EventNote):
    """One event of the history, of the content `hash`; `index.editor.event_lines` writes it."""

    action: str
    hash: str


# --- beside the assets ----------------------------------------------------------------------------


class StoreRoot(TypedDict):
    """Where a store lies on one machine (`host` is its id, `name` what it is called),
    and when it was seen there.

    `file_system` is the type of what it lies on, `evidence` which numbers of its files tell whether
    somebody wrote to them (`domain.evidence`). Records of an older version have neither.
    """

    host: str
    name: str
    root: str
    seen: str
    file_system: NotRequired[str]
    evidence: NotRequired[list[str]]


class StoreRecord(TypedDict):
    """What the catalog knows of one store; `work.store_book` writes it.

    `id` is that of its marker, and `catalog` the catalog that its marker names, or was to name,
    when it was claimed. `root` is where it was seen last, `roots` where on each machine.
    `last_run` is when it was last looked at, `verifying_since` when the verification that is under
    way began, `stirred_since` when most of its files were found to have another ctime, or the store
    was found elsewhere, until all of them were read; `stirs` counts the syncs in a row that found
    them so. A store that was `removed` keeps its record.
    """

    name: str
    id: str
    kind: str
    root: str
    added: str
    last_run: NotRequired[str]
    verifying_since: NotRequired[str]
    stirred_since: NotRequired[str]
    stirs: NotRequired[int]
    removed: NotRequired[bool]
    roots: NotRequired[list[StoreRoot]]
    catalog: NotRequired[str]


class SourceRow(TypedDict):
    """A file that was read before; its id is the fingerprint of its path, size and times."""

    hash: str
    path: str
    run: str
    at: str


class DecisionRow(TypedDict):
    """What a person decided of two assets (`hash` and `other`)."""

    kind: str
    hash: str
    other: str
    at: str
    run: str
    note: NotRequired[str]


class PasswordRow(TypedDict):
    """A password as Argon2 writes it: with its salt and cost, and not to be turned back."""

    argon2: str


class AccessRow(TypedDict, total=False):
    """Who may come in, on the web: a user, a token of a program, a session of a browser, or a
    link that logs in once, by `kind`.

    `name` is the user that it is, or stands for; `role` and `password` are a user's, `label` and
    `scopes` a token's. `by` made it. The id of all but users is the digest of their secret, which
    is not kept.
    """

    kind: str
    name: str
    role: str
    scopes: list[str]
    password: PasswordRow
    at: str
    by: str
    expires: str
    seen: str
    label: str


# --- rows by the names of their fields ------------------------------------------------------------


def only(row: Row, names: Collection[str]) -> Row:
    """The part of a row that has these fields, in the order of the names."""
    return cast("Row", {name: row[name] for name in names if name in row})


def without(row: Row, *names: str) -> Row:
    """A row but for some fields."""
    return cast("Row", {name: value for name, value in row.items() if name not in names})


def with_value(row: Row, name: str, value: object) -> Row:
    """A row with another value of a field; None takes the field away."""
    return without(row, name) if value is None else cast("Row", {**row, name: value})
