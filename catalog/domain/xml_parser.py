"""The one parser of XML: expat, for XMP packets, sidecars, what cameras write into clips, and what
servers answer.

Data from anywhere is safe in it, without a library for that:
- a document type declaration ends the parsing where it begins: no entity is expanded, so that no
  bomb goes off, and no default attribute is made up for element after element; expat decodes first,
  so no encoding hides one;
- nothing is ever opened or fetched: expat does so only by a handler of external entities, which is
  not set;
- elements are handed over one by one, and no tree is built;
- how large a document may be, and how deeply nested, is limited.

Nothing else of the program reads XML (a test says so).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.parsers import expat

LARGEST = 8 << 20
"""Bytes of a document that are read; a sound one has some thousand."""
DEEPEST = 200
"""Elements within each other."""
Start = Callable[[str, dict[str, str]], None]
"""Told the name of an element, with its prefix, and its attributes."""
Text = Callable[[str], None]
"""Told the name of an element that ends, or a piece of text."""


def parse_xml(
    data: bytes | Iterable[bytes],
    start: Start,
    end: Text | None = None,
    text: Text | None = None,
    *,
    encoding: str | None = None,
    namespaces: bool = False,
    largest: int = LARGEST,
) -> None:
    """Hand over what a document holds, which may come in pieces.

    `encoding` overrides the one that it states. With `namespaces` a name is that of its namespace,
    a space, and the name in it, without prefix. `largest` is in bytes.

    Raises ValueError with the reason where it is not well-formed, too large or too deep, or has a
    document type declaration; what comes before has been handed over then.
    """
    depth = 0

    def enter(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise ValueError("elements are nested too deeply")
        start(name, attributes)

    def leave(name: str) -> None:
        nonlocal depth
        depth -= 1
        if end is not None:
            end(name)

    parser = expat.ParserCreate(encoding, " " if namespaces else None)
    parser.buffer_text = True
    parser.StartElementHandler = enter
    parser.EndElementHandler = leave
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    room = largest
    try:
        for piece in (data,) if isinstance(data, bytes) else data:
            parser.Parse(piece[:room], False)
            room -= len(piece)
            if room < 0:
                raise ValueError(f"it is larger than {largest >> 20} MiB")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error


def _refuse(*_declaration: object) -> None:
    raise ValueError("document type declarations are not read")
