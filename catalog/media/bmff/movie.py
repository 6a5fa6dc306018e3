"""Metadata of QuickTime, MP4 and 3GPP movies (ISO/IEC 14496-12, Apple's QuickTime File Format,
3GPP TS 26.244).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from catalog.domain.capture_time import DateCandidate
from catalog.media.bmff.boxes import Box, Walk
from catalog.media.bmff.fields import clock, full_box_times
from catalog.media.bmff.header import find_movie, open_movie
from catalog.media.bmff.insta360 import read_insta360
from catalog.media.bmff.makers import read_maker_box
from catalog.media.bmff.tags import Movie, read_meta, read_user_media, read_user_text
from catalog.media.bmff.telemetry import read_telemetry
from catalog.media.bmff.tracks import (
    DJI,
    MAX_TRACKS,
    Track,
    fragment_seconds,
    index_seconds,
    main_video,
    read_track,
)
from catalog.media.clips.embedded_metadata import merge_xmp
from catalog.media.findings import Findings
from catalog.media.source import ByteSource, Unfetched

_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_USMT_UUID = b"USMT" + bytes.fromhex("21d24fcebb88695cfac9c740")
_CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_PHONE_MAKERS = (
    "apple",
    "samsung",
    "google",
    "htc",
    "lg",
    "xiaomi",
    "huawei",
    "oneplus",
    "oppo",
    "vivo",
    "motorola",
    "honor",
    "nokia",
)
_CAMERA_MAKERS = (
    "canon",
    "nikon",
    "panasonic",
    "olympus",
    "casio",
    "pentax",
    "kodak",
    "eastman",
    "fuji",
    "sony",
    "gopro",
    "ricoh",
    "minolta",
    "konica",
    "sanyo",
    "leica",
    "om digital",
    "om system",
)
_CAMERA_VENDORS = frozenset(
    {
        b"pana",
        b"olym",
        b"niko",
        b"cnon",
        b"koda",
        b"fuji",
        b"pent",
        b"sony",
        b"casi",
        b"kmpi",
        b"sany",
        b"mino",
    }
)
_UNSEEN = frozenset(
    {b"soun", b"text", b"sbtl", b"subt", b"clcp", b"meta", b"hint", b"tmcd", b"odsm", b"sdsm"}
)
"""Handlers of tracks that show no pictures."""
_TOP = frozenset(
    {
        *(b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"meta"),
        *(b"moof", b"mfra", b"sidx", b"udta", b"pnot", b"PICT"),
    }
)
_CLASSIC_CODECS = frozenset({"mjpeg", "mjpegb", "svq1", "svq3", "cinepak", "rpza"})


@dataclass(slots=True)
class _Parts:
    """What the top-level boxes hold, gathered before the movie's own boxes are judged."""

    tracks: list[Track] = field(default_factory=list)
    defaults: dict[int, int] = field(default_factory=dict)
    fragments: list[Box] = field(default_factory=list)
    indexed: dict[int, float] = field(default_factory=dict)
    extended: int = 0
    scale: int = 0
    found: bool = False
    whole: bool = False
    """Whether the header with the list of tracks is all there."""


def read_bmff(source: ByteSource, findings: Findings) -> None:
    """Add the facts of a movie: dates, position, device, displayed size in pixels,
    duration in seconds, codecs.
    """
    walk = Walk(source)
    movie, parts = Movie(findings), _Parts()
    try:
        last = None
        for last in walk.top():
            _read_top(walk, last, movie, parts)
        if last is not None and (last.end < source.size or last.kind not in _TOP):
            read_insta360(source, findings)  # elsewhere nothing lies behind the last box
    except (
        Unfetched
    ) as error:  # the boxes after a movie's header say little but how long it goes on
        if not parts.tracks:
            raise
        findings.notes.append(f"boxes not read: {error}")
        parts.fragments, parts.indexed = [], {}
    if not parts.found:
        moov = find_movie(walk)
        if moov:
            findings.notes.append("movie header found by its signature: box sizes are damaged")
            _read_movie(walk, moov, movie, parts)
    if not parts.found:
        findings.notes.append("no movie header")
        return
    _finish(walk, movie, parts)


def _read_top(walk: Walk, box: Box, movie: Movie, parts: _Parts) -> None:
    if box.kind == b"ftyp":
        movie.brand = walk.payload(box, 4)
    elif box.kind == b"moov" and not parts.found:
        _read_movie(walk, box, movie, parts)
    elif box.kind == b"pnot":
        movie.classic = True
    elif box.kind == b"meta":
        read_meta(walk, box, movie)
    elif box.kind == b"uuid":
        _read_uuid(walk, box, movie)
    elif box.kind == b"moof":
        parts.fragments.append(box)
    elif box.kind == b"sidx":
        number, seconds = index_seconds(walk.payload(box))
        parts.indexed[number] = parts.indexed.get(number, 0.0) + seconds


def _read_movie(outer: Walk, moov: Box, movie: Movie, parts: _Parts) -> None:
    parts.found = True
    claimed = int.from_bytes(outer.source.read(moov.start - 8, 4), "big")
    parts.whole = moov.size == claimed - 8
    walk, root = open_movie(outer, moov)
    for box in walk.inside(root):
        if box.kind == b"mvhd":
            times = full_box_times(walk.payload(box, 128))
            if times:
                movie.clock = clock(times[0])
                parts.scale = times[1]
                movie.duration = times[2] / times[1] if times[1] else 0.0
        elif box.kind == b"trak" and len(parts.tracks) < MAX_TRACKS:
            parts.tracks.append(read_track(walk, box))
            _read_user_data_of(walk, box, movie)
        elif box.kind == b"mvex":
            _read_extension(walk, box, parts)
        elif box.kind == b"udta":
            _read_user_data(walk, box, movie)
        elif box.kind == b"meta":
            read_meta(walk, box, movie)
        elif box.kind == b"uuid":
            _read_uuid(walk, box, movie)


def _read_extension(walk: Walk, extension: Box, parts: _Parts) -> None:
    for box in walk.inside(extension):
        payload = walk.payload(box, 64)
        if box.kind == b"mehd":
            parts.extended = int.from_bytes(
                payload[4:12] if payload[:1] == b"\1" else payload[4:8], "big"
            )
        elif box.kind == b"trex" and len(payload) >= 16:
            parts.defaults[int.from_bytes(payload[4:8], "big")] = int.from_bytes(
                payload[12:16], "big"
            )


def _read_user_data_of(walk: Walk, trak: Box, movie: Movie) -> None:
    """User data inside a track: makers' boxes and keys (Apple's lens), but no texts,
    since those are about the track.
    """
    for box in walk.inside(trak):
        if box.kind == b"udta":
            for inner in walk.inside(box):
                _guarded(walk, inner, movie, texts=False)
        elif box.kind == b"meta":
            read_meta(walk, box, movie)
        elif box.kind == b"uuid" and walk.source.read(box.start, 16) == _USMT_UUID:
            read_user_media(walk, box, movie)


def _read_user_data(walk: Walk, user_data: Box, movie: Movie) -> None:
    for box in walk.inside(user_data):
        if box.kind == b"meta":
            read_meta(walk, box, movie)
        elif box.kind == b"uuid":
            _read_uuid(walk, box, movie)
        else:
            _guarded(walk, box, movie, texts=True)


def _guarded(walk: Walk, box: Box, movie: Movie, *, texts: bool) -> None:
    """One box of user data; a damaged one must not cost the others."""
    try:
        if not read_maker_box(walk, box, movie) and texts:
            read_user_text(walk, box, movie)
    except Exception as error:
        movie.findings.notes.append(f"box {box.kind!r}: {type(error).__name__}: {error}")


def _read_uuid(walk: Walk, box: Box, movie: Movie) -> None:
    identifier = walk.source.read(box.start, 16)
    if identifier == _XMP_UUID:
        merge_xmp(walk.payload(Box(box.kind, box.start + 16, box.end)), movie.findings)
    elif identifier == _USMT_UUID:
        read_user_media(walk, box, movie)
    elif identifier == _CANON_UUID:
        for inner in walk.inside(box, 16):
            _guarded(walk, inner, movie, texts=False)


# --- judgement ------------------------------------------------------------------------------------


def _finish(walk: Walk, movie: Movie, parts: _Parts) -> None:
    findings, video = movie.findings, main_video(parts.tracks)
    if video:
        _add_picture(findings, video)
    sound = next((t for t in parts.tracks if t.handler == b"soun"), None)
    if sound:
        findings.add("audio_codec", sound.codec, "quicktime")
        findings.sound_alone = parts.whole and all(t.handler in _UNSEEN for t in parts.tracks)
    if any(DJI in track.name for track in parts.tracks):
        findings.add("make", "DJI", "quicktime")
    read_telemetry(walk, parts.tracks, movie)
    created = _created(movie, parts.tracks)
    if created and movie.offset is not None:
        local = created + timedelta(minutes=movie.offset)
        findings.add_date(DateCandidate("quicktime:CreateDate", local, movie.offset))
    elif created:
        doubtful = _writes_local_time(movie, video)
        findings.add_date(
            DateCandidate("quicktime:CreateDate", created, is_utc=True, utc_doubtful=doubtful)
        )
    duration = _duration(walk, movie, parts)  # last: it may need fragments from all over the file
    if duration > 0:
        findings.add("duration", duration, "quicktime")


def _add_picture(findings: Findings, video: Track) -> None:
    findings.add("video_codec", video.codec, "quicktime")
    findings.add("rotation", video.rotation, "quicktime")
    if video.frame_rate and video.frame_rate < 2000:
        findings.add("frame_rate", round(video.frame_rate, 4), "quicktime")
    width, height = video.displayed
    if width and height:
        findings.add("width", width, "quicktime")
        findings.add("height", height, "quicktime")
        findings.displayed = True


def _duration(walk: Walk, movie: Movie, parts: _Parts) -> float:
    """Seconds: the movie header's; where it has none,
    those of its fragments or its longest track.
    """
    if movie.duration > 0:
        return movie.duration
    if parts.extended and parts.scale:
        return parts.extended / parts.scale
    if any(parts.indexed.values()):
        return max(parts.indexed.values())
    longest = max((t.duration for t in parts.tracks), default=0.0)
    if longest > 0 or not parts.fragments:
        return longest
    total: dict[int, float] = {}
    for moof in parts.fragments:
        for number, seconds in fragment_seconds(walk, moof, parts.tracks, parts.defaults).items():
            total[number] = total.get(number, 0.0) + seconds
    return max(total.values(), default=0.0) if walk.left else 0.0


def _created(movie: Movie, tracks: list[Track]) -> datetime | None:
    return movie.clock or next((t.created for t in tracks if t.created), None)


def _writes_local_time(movie: Movie, video: Track | None) -> bool:
    """Whether the clock, UTC by the standard, is likely the camera's local time:
    no mark of a phone, but one of a camera.
    """
    make = str(movie.findings.get("make", "")).lower()
    if movie.phone or (make.startswith(_PHONE_MAKERS) and "digital camera" not in make):
        return False
    if (
        movie.classic
        or make.startswith(_CAMERA_MAKERS)
        or any(s.decode().startswith(_CAMERA_MAKERS) for s in movie.seen)
    ):
        return True
    if movie.positioned:
        return False
    return video is not None and (
        video.codec in _CLASSIC_CODECS or video.vendor.lower() in _CAMERA_VENDORS
    )
