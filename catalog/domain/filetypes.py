"""The photo and video types the catalog knows, and how content tells them apart.

Signatures follow the formats' own specifications; camera RAW files built on TIFF share one
signature and are told apart by the tags inside (see `refine_tiff`) and, failing that, by their
extension.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD_BYTES = 4096
"""How many first bytes `recognise` wants."""


@dataclass(frozen=True, slots=True)
class FileType:
    """One recognised type. `extensions[0]` is the usual one; all are lower-case without a dot."""

    name: str
    kind: str
    mime: str
    extensions: tuple[str, ...]
    family: str


def _image(name: str, mime: str, *extensions: str, family: str = "") -> FileType:
    return FileType(name, "image", mime, extensions or (name,), family or name)


def _video(name: str, mime: str, *extensions: str, family: str = "") -> FileType:
    return FileType(name, "video", mime, extensions or (name,), family or name)


_RAW = "tiff"
TYPES: tuple[FileType, ...] = (
    _image("jpeg", "image/jpeg", "jpg", "jpeg", "jpe", "jfif", "thm"),
    _image("mpo", "image/jpeg", "mpo", "jpg", "jpeg", family="jpeg"),
    _image("png", "image/png", "png", "apng"),
    _image("gif", "image/gif"),
    _image("bmp", "image/bmp", "bmp", "dib"),
    _image("tiff", "image/tiff", "tif", "tiff"),
    _image("webp", "image/webp"),
    _image("avif", "image/avif", "avif", "avifs", family="heif"),
    _image("heic", "image/heic", "heic", "heif", "hif", "heics", family="heif"),
    _image("heif", "image/heif", "heif", "heic", "hif", "heifs", family="heif"),
    _image("jp2", "image/jp2", "jp2", "jpg2", "j2k", "jpx", "j2c", "jpf"),
    _image("jxl", "image/jxl"),
    _image("psd", "image/vnd.adobe.photoshop", "psd", "psb"),
    _image("dng", "image/x-adobe-dng", "dng", family=_RAW),
    _image("cr2", "image/x-canon-cr2", "cr2", family=_RAW),
    _image("cr3", "image/x-canon-cr3", "cr3", family="cr3"),
    _image("crw", "image/x-canon-crw", "crw", family="crw"),
    _image("nef", "image/x-nikon-nef", "nef", family=_RAW),
    _image("nrw", "image/x-nikon-nrw", "nrw", family=_RAW),
    _image("arw", "image/x-sony-arw", "arw", "arq", family=_RAW),
    _image("sr2", "image/x-sony-sr2", "sr2", "srf", family=_RAW),
    _image("orf", "image/x-olympus-orf", "orf", "ori", family=_RAW),
    _image("rw2", "image/x-panasonic-rw2", "rw2", "rwl", "raw", family=_RAW),
    _image("pef", "image/x-pentax-pef", "pef", family=_RAW),
    _image("srw", "image/x-samsung-srw", "srw", family=_RAW),
    _image("3fr", "image/x-hasselblad-3fr", "3fr", "fff", family=_RAW),
    _image("erf", "image/x-epson-erf", "erf", family=_RAW),
    _image("mef", "image/x-mamiya-mef", "mef", family=_RAW),
    _image("mos", "image/x-raw", "mos", family=_RAW),
    _image("iiq", "image/x-raw", "iiq", family=_RAW),
    _image("kdc", "image/x-kodak-kdc", "kdc", family=_RAW),
    _image("dcr", "image/x-kodak-dcr", "dcr", "k25", family=_RAW),
    _image("gpr", "image/x-gopro-gpr", "gpr", family=_RAW),
    _image("raf", "image/x-fujifilm-raf", "raf", family="raf"),
    _image("mrw", "image/x-minolta-mrw", "mrw", family="mrw"),
    _image("x3f", "image/x-sigma-x3f", "x3f", family="x3f"),
    _video("mov", "video/quicktime", "mov", "qt", family="bmff"),
    _video(
        "mp4", "video/mp4", "mp4", "m4v", "mpg4", "insv", "lrv", "lrf", "360", "f4v", family="bmff"
    ),
    _video("m4v", "video/x-m4v", "m4v", "mp4", family="bmff"),
    _video("3gp", "video/3gpp", "3gp", "3gpp", family="bmff"),
    _video("3g2", "video/3gpp2", "3g2", family="bmff"),
    _video("avi", "video/x-msvideo", "avi", "divx", family="avi"),
    _video("mkv", "video/x-matroska", "mkv", family="matroska"),
    _video("webm", "video/webm", "webm", family="matroska"),
    _video("mpg", "video/mpeg", "mpg", "mpeg", "mpe", "m1v", "m2v", "vob", "mod", family="mpeg"),
    _video("mts", "video/mp2t", "mts", "m2ts", "m2t", "ts", "tod", family="mpegts"),
    _video("wmv", "video/x-ms-wmv", "wmv", "asf", family="asf"),
    _video("flv", "video/x-flv", "flv", family="flv"),
    _video("ogv", "video/ogg", "ogv", "ogm", family="ogg"),
    _video("rm", "video/x-pn-realvideo", "rm", "rmvb", family="realmedia"),
)
BY_NAME = {t.name: t for t in TYPES}
MEDIA_EXTENSIONS = frozenset(e for t in TYPES for e in t.extensions)
"""Extensions that promise a photo or video."""

SIDECAR_EXTENSIONS = frozenset({"xmp", "aae", "json", "thm", "xml", "srt"})
"""Files that describe an asset beside them; they travel with it and are no assets themselves."""
OF_FILMS = frozenset({"thm", "xml", "srt"})
"""Those of them that describe videos only."""
COMMON = frozenset({"xml", "srt"})
"""Those of them that are files as any other where they lie beside no video."""
PREVIEWS = frozenset({"lrv", "lrf"})
"""What cameras and drones call the small film that they make beside each video."""
CLIP_DOCUMENT = re.compile(r"M\d\d\.xml$", re.IGNORECASE)
"""How the name of Sony's document of a clip goes on behind that of its film: `C0001M01.XML`."""

IGNORED_NAMES = frozenset(
    {".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db", "picasa.ini", ".picasa.ini"}
)
"""Files that systems and viewers leave behind (lower-case)."""

UNFINISHED = frozenset(
    {
        "part",
        "partial",
        "crdownload",
        "opdownload",
        "download",
        "filepart",
        "tmp",
        "aria2",
        "!sync",
        "!qb",
        "!ut",
        "bc!",
    }
)
"""Extensions that programs give to what they have not yet received whole."""

LIBRARIES = (".photoslibrary", ".photolibrary", ".migratedphotolibrary", ".lrdata")
"""How folders end that photo programs keep for themselves: originals, previews and databases in
an order of their own.
"""

IGNORED_FOLDERS = frozenset(
    {
        "@eadir",
        "#recycle",
        "#snapshot",
        "@recycle",
        "@recently-snapshot",
        "$recycle.bin",
        "_gsdata_",
        "system volume information",
        "lost+found",
        "__macosx",
    }
)
"""Folders that NAS systems and synchronisers keep for themselves: thumbnails, bins,
snapshots (lower-case).
"""

_TIFF_RAW_EXTENSIONS = {e: t for t in TYPES if t.family == _RAW for e in t.extensions}
_BRANDS = {
    b"avif": "avif",
    b"avis": "avif",
    b"heic": "heic",
    b"heix": "heic",
    b"heim": "heic",
    b"heis": "heic",
    b"hevc": "heic",
    b"hevx": "heic",
    b"hevm": "heic",
    b"hevs": "heic",
    b"mif1": "heif",
    b"msf1": "heif",
    b"mif2": "heif",
    b"miaf": "heif",
    b"crx ": "cr3",
    b"qt  ": "mov",
    b"M4V ": "m4v",
    b"M4VH": "m4v",
    b"M4VP": "m4v",
    b"3gp1": "3gp",
    b"3gp2": "3gp",
    b"3gp3": "3gp",
    b"3gp4": "3gp",
    b"3gp5": "3gp",
    b"3gp6": "3gp",
    b"3gp7": "3gp",
    b"3gr6": "3gp",
    b"3gs6": "3gp",
    b"3ge6": "3gp",
    b"3gg6": "3gp",
    b"3g2a": "3g2",
    b"3g2b": "3g2",
    b"3g2c": "3g2",
}
_QUICKTIME_ATOMS = (b"moov", b"wide", b"free", b"skip", b"pnot", b"junk")
_FIRST_LETTER = 9
"""A size that begins with less is no text ("The free lunch"),
and such atoms are never larger (150 MB).
"""
_AUDIO_EXTENSIONS = frozenset({"m4a", "m4b", "m4p", "m4r", "3ga", "wma", "mka", "weba"})
"""Sound in a container that mostly holds videos, which its first bytes do not tell."""
_ASF_GUID = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_OGG_PICTURES = (b"\x80theora", b"OVP80", b"\x01video", b"BBCD\0")
"""How streams of pictures begin in Ogg: Theora, VP8, those of OGM, Dirac."""
_OGG_FIRST = 2
_TS_PACKETS = ((188, 0), (192, 4))


def extension_of(name: str) -> str:
    """The lower-case extension without its dot; "" where there is none."""
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem else ""


def recognise(head: bytes, name: str) -> FileType | None:
    """The type of a file by its first bytes (HEAD_BYTES are enough); its name only settles ties.

    None where the content is no photo or video known here.
    """
    extension = extension_of(name)
    found = _by_signature(head, extension)
    return BY_NAME[found] if found else None


def matches_extension(filetype: FileType, name: str) -> bool:
    """Whether the file's extension is one its content may have."""
    return extension_of(name) in filetype.extensions


def _by_signature(head: bytes, extension: str) -> str | None:
    if head[:3] == b"\xff\xd8\xff":
        return "mpo" if extension == "mpo" else "jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if head[:4] == b"RIFF":
        return {b"WEBP": "webp", b"AVI ": "avi", b"AVIX": "avi"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _by_brand(head, extension)
    return _by_tiff(head, extension) or _by_other_image(head) or _by_other_video(head, extension)


def _by_brand(head: bytes, extension: str) -> str | None:
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12]] + [head[i : i + 4] for i in range(16, min(size, len(head)), 4)]
    major = _BRANDS.get(brands[0])
    if major in ("heif", None):
        for brand in brands:
            if _BRANDS.get(brand) in ("avif", "heic"):
                return _BRANDS[brand]
    if major:
        return major
    if brands[0] in (b"jp2 ", b"jpx "):
        return "jp2"
    if brands[0] in (b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"aax ") or extension in _AUDIO_EXTENSIONS:
        return None
    if any(_BRANDS.get(b) == "heif" for b in brands):
        return "heif"
    return {"mov": "mov", "qt": "mov", "m4v": "m4v"}.get(extension, "mp4")


def _by_tiff(head: bytes, extension: str) -> str | None:
    magic = head[:4]
    if magic in (b"IIRO", b"IIRS", b"MMOR"):
        return "orf"
    if magic == b"IIU\0":
        return "rw2"
    if magic == b"II\x1a\0" and head[6:10] == b"HEAP":
        return "crw"
    if magic not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return None
    if head[8:10] == b"CR":
        return "cr2"
    raw = _TIFF_RAW_EXTENSIONS.get(extension)
    return raw.name if raw else "tiff"


def refine_tiff(filetype: FileType, *, is_dng: bool, make: str, has_raw_data: bool) -> FileType:
    """The exact type of a TIFF-shaped file from tags inside, where the extension did not tell it.

    `is_dng`: the file has a DNGVersion tag; `has_raw_data`: it holds sensor data (CFA), not a plain
    picture.
    """
    if is_dng and filetype.name != "gpr":
        return BY_NAME["dng"]
    if filetype.name != "tiff" or not has_raw_data:
        return filetype
    maker = make.lower()
    for start, found in (
        ("nikon", "nef"),
        ("sony", "arw"),
        ("pentax", "pef"),
        ("samsung", "srw"),
        ("hasselblad", "3fr"),
        ("canon", "cr2"),
        ("kodak", "kdc"),
        ("eastman", "kdc"),
        ("phase one", "iiq"),
    ):
        if maker.startswith(start):
            return BY_NAME[found]
    return filetype


def _by_other_image(head: bytes) -> str | None:
    if (
        head[:2] == b"BM"
        and len(head) >= 26
        and head[6:10] == b"\0\0\0\0"
        and head[14] in (12, 16, 40, 52, 56, 64, 108, 124)
    ):
        return "bmp"
    if head[:4] == b"8BPS":
        return "psd"
    if head[:12] == b"\0\0\0\x0cjP  \r\n\x87\n" or head[:4] == b"\xff\x4f\xff\x51":
        return "jp2"
    if head[:12] == b"\0\0\0\x0cJXL \r\n\x87\n" or head[:2] == b"\xff\x0a":
        return "jxl"
    if head[:15] == b"FUJIFILMCCD-RAW":
        return "raf"
    if head[:4] == b"\0MRM":
        return "mrw"
    if head[:4] == b"FOVb":
        return "x3f"
    return None


def _by_other_video(head: bytes, extension: str) -> str | None:
    if head[:4] == b"\x1aE\xdf\xa3":
        matroska = "webm" if b"webm" in head[:64] else "mkv"
        return None if extension in _AUDIO_EXTENSIONS else matroska
    if head[:16] == _ASF_GUID:
        return None if extension in _AUDIO_EXTENSIONS else "wmv"
    if head[:4] == b"FLV\x01":
        return "flv"
    if head[:4] == b".RMF":
        return "rm"
    if _is_ogg_with_pictures(head):
        return "ogv"
    if head[:4] in (b"\0\0\x01\xba", b"\0\0\x01\xb3"):
        return "mpg"
    if any(_is_transport_stream(head, step, start) for step, start in _TS_PACKETS):
        return "mts"
    if head[4:8] == b"mdat" or (head[4:8] in _QUICKTIME_ATOMS and head[0] < _FIRST_LETTER):
        return "mp4" if extension in ("mp4", "m4v") else "mov"
    return None


def _is_ogg_with_pictures(head: bytes) -> bool:
    """Whether one of the streams of an Ogg file, all of which begin before any goes on (RFC 3533),
    is of pictures.
    """
    at = 0
    while head[at : at + 4] == b"OggS" and len(head) > at + 27 and head[at + 5] & _OGG_FIRST:
        content = at + 27 + head[at + 26]
        if head.startswith(_OGG_PICTURES, content):
            return True
        at = content + sum(head[at + 27 : content])
    return False


def _is_transport_stream(head: bytes, step: int, start: int) -> bool:
    syncs = head[start : start + step * 8 : step]
    return len(syncs) >= 5 and set(syncs) == {0x47}
