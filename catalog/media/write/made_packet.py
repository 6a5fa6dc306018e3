"""What an XMP packet (ISO 16684-1) says of a picture that this program made of another."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from catalog.domain.xml_parser import parse_xml
from catalog.media.xmp import MADE_NAMESPACE, as_utf8

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"></rdf:RDF></x:xmpmeta>'
_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_END = '<?xpacket end="w"?>'
_OWN = re.compile(rf'<rdf:Description [^<>]*xmlns:made="{MADE_NAMESPACE}"[^<>]*/>', re.DOTALL)
_WRAPPING = re.compile(r"<\?xpacket [^>]*\?>")
_ABOUT = re.compile(r"""rdf:about\s*=\s*(["'])([^"'<>]*)\1""")
_CLOSING = "</rdf:RDF>"
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def made_packet(packet: bytes, digest: str, name: str, how: str) -> bytes:
    """A packet, b"" for none, that says what its picture was made of: content hash, file name; and
    how. What it said of that before goes, all else stays.

    Raises ValueError for one that is not understood.
    """
    text = as_utf8(packet).decode() if packet.strip(b"\0 \t\r\n") else _EMPTY
    text = _OWN.sub("", _WRAPPING.sub("", text)).strip()
    at = text.rfind(_CLOSING)
    if at < 0:
        raise ValueError("no RDF is found")
    about = _ABOUT.search(text)
    stated = {"of": digest, "name": name, "how": how}
    attributes = "".join(f' made:{key}="{_quoted(value)}"' for key, value in stated.items())
    own = (
        f'<rdf:Description rdf:about="{about[2] if about else ""}" '
        f'xmlns:made="{MADE_NAMESPACE}"{attributes}/>'
    )
    whole = f"{_BEGIN}{text[:at]}{own}{text[at:]}{_END}".encode()
    parse_xml(whole, lambda _name, _attributes: None, lambda _name: None, lambda _text: None)
    return whole


def _quoted(text: str) -> str:
    return escape(_NO_XML.sub(" ", text), {'"': "&quot;", "\n": "&#10;"})
