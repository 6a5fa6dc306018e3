"""XMP sidecars of our own (ISO 16684-1): what a person said,
in standard properties for other programs and exactly for us.

The bytes follow from the document alone, so that writing a sidecar again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

import orjson

from catalog.domain.derivation import read_captured
from catalog.domain.document import AssetDocument, PersonFields
from catalog.domain.person import without_person
from catalog.media.xmp import OWN_NAMESPACE, OWN_TOOLKIT

_HEAD = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta '
    f'xmlns:x="adobe:ns:meta/" x:xmptk="{OWN_TOOLKIT}">\n'
)
_NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "catalog": OWN_NAMESPACE,
}
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (a carriage return it would not keep)."""


OWN_HEAD_BYTES = len(_HEAD.encode())
"""By so many bytes at its beginning a sidecar of our own is known."""


def is_own(data: bytes) -> bool:
    """Whether a sidecar, or its beginning, was written by this program."""
    return data.startswith(_HEAD.encode())


def is_worth_writing(document: AssetDocument) -> bool:
    """Whether the asset has something that its own bytes do not say."""
    return bool(document.get("person") or document.get("albums"))


def sidecar_bytes(document: AssetDocument) -> bytes:
    """The sidecar of an asset; see `is_worth_writing`."""
    about = _NAMESPACES | {}
    rdf = about.pop("rdf")
    declared = "".join(f'\n    xmlns:{prefix}="{uri}"' for prefix, uri in about.items())
    properties = "\n".join(f"   {line}" for line in _properties(document))
    text = (
        f'{_HEAD} <rdf:RDF xmlns:rdf="{rdf}">\n  <rdf:Description '
        f'rdf:about=""{declared}>\n{properties}\n'
        '  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>\n'
    )
    return text.encode()


def _properties(document: AssetDocument) -> Iterator[str]:
    yield _plain("xmp:CreatorTool", OWN_TOOLKIT.partition(" ")[0])
    if document.get("tags"):
        yield _listed("dc:subject", "Bag", document["tags"])
    for name, key in (("dc:title", "title"), ("dc:description", "description")):
        if text := document.get(key):
            yield (
                f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{_clean(text)}</rdf:li></rdf:Alt>'
                f"</{name}>"
            )
    if document.get("rating") is not None:
        yield _plain("xmp:Rating", str(document["rating"]))
    yield from _when_and_where(document, document.get("person", {}))
    yield _plain("catalog:person", _exactly(document))


def _when_and_where(document: AssetDocument, person: PersonFields) -> Iterator[str]:
    """Time and position only if a person set them: those of the file stand in the file,
    or were but guessed.
    """
    if "taken" in person:
        yield _plain("exif:DateTimeOriginal", read_captured(document["captured"]).isoformat())
    if "position" in person:
        location = document["location"]
        yield _plain("exif:GPSVersionID", "2.3.0.0")
        yield _plain("exif:GPSLatitude", angle(location["lat"], "NS"))
        yield _plain("exif:GPSLongitude", angle(location["lon"], "EW"))
    if "position" in person or "place" in person:
        place = document.get("place", {})
        for name, key in (
            ("Iptc4xmpCore:Location", "name"),
            ("photoshop:City", "city"),
            ("photoshop:State", "region"),
            ("photoshop:Country", "country"),
            ("Iptc4xmpCore:CountryCode", "country_code"),
        ):
            if text := place.get(key):
                yield _plain(name, text)


def _exactly(document: AssetDocument) -> str:
    """What a person said, and the albums that came from elsewhere, as JSON with sorted keys."""
    whole = {
        "person": document.get("person", {}),
        "albums": without_person(document).get("albums", []),
    }
    kept = {name: value for name, value in whole.items() if value}
    text = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()
    return _NO_XML.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def angle(degrees: float, letters: str) -> str:
    """Signed degrees as XMP writes them, `51,3.000000N`: degrees,
    and minutes to a tenth of a millimetre or so.
    """
    millionths = round(abs(degrees) * 60_000_000)
    whole, rest = divmod(millionths, 60_000_000)
    return f"{whole},{rest // 1_000_000}.{rest % 1_000_000:06d}{letters[degrees < 0]}"


def _clean(text: object) -> str:
    return escape(_NO_XML.sub(" ", str(text)))


def _plain(name: str, text: object) -> str:
    return f"<{name}>{_clean(text)}</{name}>"


def _listed(name: str, kind: str, texts: Sequence[str]) -> str:
    items = "".join(f"<rdf:li>{_clean(text)}</rdf:li>" for text in texts)
    return f"<{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>"
