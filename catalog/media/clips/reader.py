"""Facts of a video: the own reader of its container first,
FFmpeg only for what is still missing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from catalog.domain.filetypes import FileType
from catalog.media.bmff.movie import read_bmff
from catalog.media.clips.asf import read_asf
from catalog.media.clips.avchd import read_avchd
from catalog.media.clips.matroska import read_matroska
from catalog.media.clips.mpeg import has_pictures, read_mpeg
from catalog.media.clips.riff import read_avi
from catalog.media.findings import Findings
from catalog.media.source import ByteSource, SourceStream
from catalog.media.video.frames import probe

Reader = Callable[[ByteSource, Findings], None]

READERS: dict[str, tuple[Reader, ...]] = {
    "bmff": (read_bmff,),
    "avi": (read_avi,),
    "matroska": (read_matroska,),
    "asf": (read_asf,),
    "mpeg": (read_mpeg, read_avchd),
    "mpegts": (read_avchd,),
    "flv": (),
    "ogg": (),
    "realmedia": (),
}
"""Own readers by family of file type; FFmpeg alone reads the rest."""

_UTC_SOURCES = {
    "bmff": "quicktime:CreateDate",
    "matroska": "matroska:DateUTC",
    "asf": "asf:CreationDate",
    "flv": "flv:CreationDate",
}
_LISTED_FIRST = frozenset({"avi", "matroska", "asf", "flv", "ogg", "realmedia"})
"""Families whose files begin with a list of all streams, which FFmpeg takes from there."""
_PACKETS = frozenset({"mpeg", "mpegts"})
_WANTED = ("width", "height", "duration", "video_codec")


def read_clip(source: ByteSource, filetype: FileType, path: str, findings: Findings) -> None:
    """Add the facts of one video to the findings.

    `path` is what FFmpeg, which is asked only while size, duration or codec is missing, is told
    of its name ("" for never); it sees what the source gives.
    Nothing is raised for what the file holds: a reader that fails leaves a note.
    """
    failed = False
    for reader in READERS.get(filetype.family, ()):
        failed = (
            not _guarded(partial(reader, source, findings), findings, reader.__name__) or failed
        )
    wanted = any(name not in findings.values for name in _WANTED)
    if not path or not wanted or findings.sound_alone:
        return
    own = bool(READERS.get(filetype.family)) and not failed
    date_source = "" if own else _UTC_SOURCES.get(filetype.family, "")
    film = SourceStream(source, path)
    _guarded(partial(probe, film, findings, date_source), findings, "ffmpeg")
    if findings.sound_alone and filetype.family not in _LISTED_FIRST:
        findings.sound_alone = False
        if filetype.family in _PACKETS:
            _guarded(partial(_confirm_sound, source, findings), findings, "mpeg")


def _confirm_sound(source: ByteSource, findings: Findings) -> None:
    """FFmpeg has seen the first streams of packets alone, and further ones may come."""
    findings.sound_alone = not has_pictures(source)


def _guarded(read: Callable[[], None], findings: Findings, name: str) -> bool:
    """Run one reader; whether it ended well. Its error, whatever it is, becomes a note."""
    try:
        read()
    except Exception as error:
        findings.notes.append(f"{name}: {type(error).__name__}: {error}")
        return False
    return True
