"""XMP packets (ISO 16684-1): dates, position, camera, tags and texts of the picture itself.

Only properties of the packet's own rdf:Description count: a structure (LocationShown, history,
ingredients) speaks of other places and files. What was read before an error is kept.
"""

from __future__ import annotations

import re

import orjson

from catalog.domain.capture_time import DateCandidate, parse_date
from catalog.domain.person import CHECKS, parse_fields
from catalog.domain.xml_parser import LARGEST, parse_xml
from catalog.media.findings import Findings
from catalog.media.tiff.exif import add_copied_date, is_boilerplate

OWN_NAMESPACE = "urn:image-catalog:person:1.0"
"""Of the one property that holds exactly what a person said, as JSON."""
OWN_TOOLKIT = "image-catalog 1"
"""The toolkit that a packet written by this program names."""
_OWN = "catalog:person"
_TOOLKIT = "x:xmptk"
_PREFIXES = {
    OWN_NAMESPACE: "catalog",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
}
_WANTED = frozenset(
    (
        "exif:DateTimeOriginal",
        "exif:DateTimeDigitized",
        "exif:GPSLatitude",
        "exif:GPSLongitude",
        "exif:GPSLatitudeRef",
        "exif:GPSLongitudeRef",
        "exif:GPSAltitude",
        "exif:GPSAltitudeRef",
        "exif:GPSTimeStamp",
        "photoshop:DateCreated",
        "xmp:CreateDate",
        "xmp:Rating",
        "tiff:Make",
        "tiff:Model",
        "tiff:Orientation",
        "aux:Lens",
        "exifEX:LensModel",
        "dc:subject",
        "dc:title",
        "dc:description",
        "GCamera:MotionPhoto",
        "GCamera:MicroVideo",
        "exif:ExposureTime",
        "exif:FNumber",
        "exif:FocalLength",
        _OWN,
    )
)
_WORTH_PARSING = re.compile(
    rb"DateTimeOriginal|DateTimeDigitized|:GPS|DateCreated|CreateDate|:Rating|:Make|:Model|Orientation|Lens|subject|title"
    rb"|description|MotionPhoto|MicroVideo|image-catalog"
)
_STRUCTURES = re.compile(
    r"Location(Shown|Created)|Ingredients|History|DerivedFrom|Pantry|RegionInfo|Regions"
)
_MAX_TEXT = 10_000
_RATIONAL = re.compile(r"(\d+)/(\d+)", re.ASCII)
_ANGLE = re.compile(
    r"\s*([+-]?\d+(?:\.\d+)?)(?:\s*[,°: ]|\s*deg)?\s*(\d+(?:\.\d+)?)?(?:\s*[,': "
    r"])?\s*(\d+(?:\.\d+)?)?\s*\"?\s*([NSEWnsew])?"
)

Properties = dict[str, list[str]]
"""Values by canonical name; a plain property is a list of one."""


class _Reader:
    """Collects the wanted top-level properties while the packet is parsed."""

    def __init__(self) -> None:
        self.found: Properties = {}
        self._prefixes = {p: p for p in (*_PREFIXES.values(), "stEvt")} | {
            "xap": "xmp",
            "catalog": "(not declared)",
        }
        self._depth = 0
        self._base = 0
        self._inside_rdf = 0
        self._name = ""
        self._text: list[str] = []
        self._listed = False

    def parse(self, data: bytes) -> bool:
        """Whether the whole packet was well-formed."""
        try:
            parse_xml(data, self._start, self._end, self._data, encoding="utf-8")
        except ValueError:
            return False
        return True

    def _canonical(self, name: str) -> str:
        prefix, _, local = name.partition(":")
        return f"{self._prefixes.get(prefix, prefix)}:{local}"

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        for key, value in attributes.items():
            if key.startswith("xmlns:") and value in _PREFIXES:
                self._prefixes[key[6:]] = _PREFIXES[value]
        level = self._depth - self._base
        if not self._base:
            self._outside(self._canonical(name), attributes)
        elif level == 1:
            canonical = self._canonical(name)
            self._name = canonical if canonical in _WANTED and canonical not in self.found else ""
            self._text, self._listed = [], False
        elif level == 3 and self._name and self._canonical(name) == "rdf:li":
            self._text, self._listed = [], True

    def _outside(self, name: str, attributes: dict[str, str]) -> None:
        if name == "x:xmpmeta" and _TOOLKIT in attributes:
            self.found.setdefault(_TOOLKIT, [attributes[_TOOLKIT]])
        if name == "rdf:RDF" and not self._inside_rdf:
            self._inside_rdf = self._depth
        elif name == "rdf:Description" and self._inside_rdf == self._depth - 1:
            self._base = self._depth
            for key, value in attributes.items():
                canonical = self._canonical(key)
                if canonical in _WANTED:
                    self.found.setdefault(canonical, [value])

    def _end(self, _name: str) -> None:
        level = self._depth - self._base if self._base else -1
        if level == 0:
            self._base = 0
        elif level == 1 and self._name:
            if not self._listed and (value := "".join(self._text).strip()):
                self.found.setdefault(self._name, [value])
            self._name = ""
        elif level == 3 and self._name and self._listed:
            self.found.setdefault(self._name, []).append("".join(self._text).strip())
            self._text = []
        if self._inside_rdf == self._depth:
            self._inside_rdf = 0
        self._depth -= 1

    def _data(self, text: str) -> None:
        if (
            self._name
            and (self._depth - self._base == (3 if self._listed else 1))
            and len(self._text) < 100
        ):
            self._text.append(text[:_MAX_TEXT])


def read_xmp(packet: bytes, findings: Findings, *, sidecar: bool = False) -> None:
    """Add what a packet (UTF-8, UTF-16 or UTF-32 bytes, padding allowed) states of its picture.

    What a person said to the catalog is read from a sidecar only: a picture from elsewhere cannot
    say it. The standard properties of a sidecar that the catalog wrote repeat that, and are no
    statement of the file.
    """
    data = _as_utf8(packet[:LARGEST])
    if not _WORTH_PARSING.search(data):
        return
    found = parse_properties(data)
    if (
        sidecar
        and found.get(_OWN)
        and _add_own(found[_OWN][0], findings)
        and found.get(_TOOLKIT) == [OWN_TOOLKIT]
    ):
        return
    if found:
        _add_dates(found, findings, sidecar=sidecar)
        _add_position(found, findings)
        _add_fields(found, findings)


def parse_properties(data: bytes) -> Properties:
    """The wanted properties of a UTF-8 packet, also of a broken one."""
    reader = _Reader()
    if reader.parse(data):
        return reader.found
    text = data.decode("utf-8", "replace")
    repaired = _Reader()
    if repaired.parse(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", text).encode()):
        return repaired.found
    return _by_pattern(text) | reader.found


def _add_own(text: str, findings: Findings) -> bool:
    """Add what a person said; False, and a note, where it cannot be read."""
    try:
        whole = orjson.loads(text)
        person, reasons = parse_fields(whole.get("person", {}))
        albums = CHECKS["albums"](whole.get("albums", []))
    except (ValueError, AttributeError) as error:
        findings.notes.append(f"what a person said is not understood: {error}")
        return False
    findings.notes.extend(f"person: {reason}" for reason in reasons)
    if person:
        findings.add("person", person, "sidecar")
    if albums:
        findings.add("albums", albums, "sidecar")
    return True


def _as_utf8(packet: bytes) -> bytes:
    for mark, encoding in (
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
        (b"<\0\0\0", "utf-32-le"),
        (b"<\0", "utf-16-le"),
        (b"\0<", "utf-16-be"),
    ):
        if packet.startswith(mark):
            packet = packet.decode(encoding, "replace").encode()
            packet = re.sub(rb"""encoding=["'][\w-]+["']""", b"", packet, count=1)
            break
    start = packet.find(b"<", 0, 1024)
    return packet[max(start, 0) :].rstrip(b"\0 \t\r\n")


def _by_pattern(text: str) -> Properties:
    """The plain properties of a packet that is no XML;
    nothing where structures make it ambiguous whose they are.
    """
    found: Properties = {}
    if _STRUCTURES.search(text):
        return found
    for name in (n for n in _WANTED - {_OWN} if n in text):
        escaped = re.escape(name)
        match = re.search(
            rf"<{escaped}>([^<]{{1,200}})</|\b{escaped}\s*=\s*[\"']([^\"'<]{{1,200}})[\"']", text
        )
        if match:
            found[name] = [match[1] or match[2]]
    return found


def _add_dates(found: Properties, findings: Findings, *, sidecar: bool) -> None:
    holder = "sidecar" if sidecar else "xmp"
    for name, source in (
        ("exif:DateTimeOriginal", f"{holder}:DateTimeOriginal"),
        ("photoshop:DateCreated", f"{holder}:DateCreated"),
        ("xmp:CreateDate", "xmp:CreateDate"),
        ("exif:DateTimeDigitized", "xmp:CreateDate"),
    ):
        if found.get(name):
            add_copied_date(findings, source, found[name][0])
    clock = parse_date(found["exif:GPSTimeStamp"][0]) if found.get("exif:GPSTimeStamp") else None
    if clock is not None and clock.has_time and not clock.offset:
        findings.add_date(DateCandidate("gps", clock.wall, is_utc=True))


def _first(found: Properties, name: str) -> str:
    values = found.get(name)
    return values[0].strip() if values else ""


def _add_position(found: Properties, findings: Findings) -> None:
    lat_text, lon_text = _first(found, "exif:GPSLatitude"), _first(found, "exif:GPSLongitude")
    if not lat_text or not lon_text:
        return
    lat = parse_angle(lat_text, _first(found, "exif:GPSLatitudeRef"))
    lon = parse_angle(lon_text, _first(found, "exif:GPSLongitudeRef"))
    altitude = parse_rational(_first(found, "exif:GPSAltitude"))
    if altitude is not None and _first(found, "exif:GPSAltitudeRef") == "1":
        altitude = -abs(altitude)
    findings.add_position(lat, lon, altitude, "xmp")


def parse_angle(text: str, ref: str = "") -> float | None:
    """Signed degrees from `36,35.8465N`, `36,35,50N`, `36.597`, `36 deg 35' 50.7" N` or
    `36/1 35/1 507/10`; None where it is none.
    """
    try:
        text = _RATIONAL.sub(lambda r: f"{int(r[1]) / int(r[2]):.9f}", text.strip()[:64])
    except (ZeroDivisionError, OverflowError):
        return None
    match = _ANGLE.fullmatch(text)
    if not match:
        return None
    degrees = float(match[1])
    size = abs(degrees) + float(match[2] or 0) / 60 + float(match[3] or 0) / 3600
    letter = (match[4] or ref[:1]).upper()
    negative = letter in ("S", "W") if letter else match[1].startswith("-")
    return round(-size if negative else size, 8)


def parse_rational(text: str) -> float | None:
    """A number from `1234/10` or `123.4`; None where it is none."""
    top, _, bottom = text.partition("/")
    try:
        return round(float(top) / float(bottom or 1), 9)
    except (ValueError, ZeroDivisionError):
        return None


def _add_fields(found: Properties, findings: Findings) -> None:
    for name, key in (
        ("tiff:Make", "make"),
        ("tiff:Model", "model"),
        ("exifEX:LensModel", "lens"),
        ("aux:Lens", "lens"),
        ("dc:title", "title"),
    ):
        findings.add(key, _first(found, name), "xmp")
    description = _first(found, "dc:description")
    if description and not is_boilerplate(description):
        findings.add("description", description, "xmp")
    orientation, rating = (
        parse_rational(_first(found, "tiff:Orientation")),
        parse_rational(_first(found, "xmp:Rating")),
    )
    if orientation is not None and 1 <= orientation <= 8:
        findings.add("orientation", int(orientation), "xmp")
    if rating is not None and -1 <= rating <= 5 and rating:
        findings.add("rating", int(rating), "xmp")
    for name, key in (
        ("exif:ExposureTime", "exposure_time"),
        ("exif:FNumber", "f_number"),
        ("exif:FocalLength", "focal_length"),
    ):
        value = parse_rational(_first(found, name))
        if value is not None and 0 < value < 1e6:
            findings.add(key, value, "xmp")
    findings.add_tags(found.get("dc:subject", []))
    if _first(found, "GCamera:MotionPhoto") == "1" or _first(found, "GCamera:MicroVideo") == "1":
        findings.add("motion_photo", True, "xmp")
