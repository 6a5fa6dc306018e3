"""What a picture is called that was made of another: by a template, so that the same file of the
same time always gets the same names, whenever it is made.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from catalog.domain.filetypes import extension_of
from catalog.domain.layout import file_name

TEMPLATE = "{original}_{time}_x{factor}"
FIELDS = frozenset({"original", "time", "number", "factor", "hash"})
_NUMBERS = 1000
"""Numbers from 1 on by which names of one second differ; the first follows from the content."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a picture is made of: its name, the wall clock of its last change, its content hash; and
    the factor by which its sides grow.
    """

    name: str
    changed: datetime
    digest: str
    factor: float


def scaled_names(template: str, source: Source, extension: str) -> Iterator[str]:
    """The names that the picture may have, best first, without end."""
    has_number = "{number}" in template
    first = int(source.digest[:8], 16) % _NUMBERS
    for attempt in itertools.count():
        number = (first + attempt) % _NUMBERS + 1 if attempt < _NUMBERS else attempt + 1
        stem = _filled(template, source, number)
        yield file_name(stem, f"_.{extension}", 0 if has_number else attempt)


def _filled(template: str, source: Source, number: int) -> str:
    extension = extension_of(source.name)
    fields = {
        "original": source.name[: -len(extension) - 1] if extension else source.name,
        "time": f"{source.changed:%Y%m%d%H%M%S}",
        "number": str(number),
        "factor": f"{source.factor:g}",
        "hash": source.digest[:12],
    }
    return re.sub(r"\{(\w+)\}", lambda match: fields[match[1]], template)
