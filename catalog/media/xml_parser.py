"""The one parser of XML: expat, for XMP packets, sidecars and what cameras write into clips.

Data from anywhere is safe in it, without a library for that:
- an entity declaration, internal, external or of a parameter, ends the parsing before anything is
  expanded, so that no bomb goes off; expat decodes first, so no encoding hides one;
- nothing is ever opened or fetched: expat does so only by a handler of external entities, which is
  not set;
- elements are handed over one by one, and no tree is built.

Callers limit how many bytes they hand over. They may end the parsing by a ValueError, as where
elements are nested too deeply for them.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

Start = Callable[[str, dict[str, str]], None]
"""Told the name of an element, with its prefix, and its attributes."""
Text = Callable[[str], None]
"""Told the name of an element that ends, or a piece of text."""


def parse_xml(
    data: bytes,
    start: Start,
    end: Text | None = None,
    text: Text | None = None,
    *,
    encoding: str | None = None,
) -> None:
    """Hand over what a document holds. `encoding` overrides the one that it states.

    Raises ValueError with the reason where it is not well-formed or declares an entity; what comes
    before has been handed over then.
    """
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error


def _refuse(*_declaration: object) -> None:
    raise ValueError("entity declarations are not read")
