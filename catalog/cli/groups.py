"""Groups as `catalog duplicates --json` prints them, read from a file or from stdin."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

from catalog.errors import UsageError

HINT = "Make it with `catalog duplicates --json`."


def read_groups(name: str) -> Iterator[dict[str, object]]:
    """The groups that a file holds, one JSON object a line; `-` is stdin. Each says its `line`.

    Raises UsageError where it cannot be read, or holds something else.
    """
    shown = "stdin" if name == "-" else name
    number = 0
    try:
        with (
            contextlib.nullcontext(sys.stdin.buffer)
            if name == "-"
            else Path(name).open("rb") as lines
        ):
            for number, line in enumerate(lines, 1):
                group = orjson.loads(line) if line.strip() else {"event": "nothing"}
                if not isinstance(group, dict):
                    raise UsageError(f"Line {number} of {shown} is no group.", hint=HINT)
                if "event" not in group:
                    yield {**group, "line": f"line {number} of {shown}"}
    except orjson.JSONDecodeError:
        raise UsageError(f"Line {number} of {shown} is no JSON.", hint=HINT) from None
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}.", hint="Check the file's name."
        ) from None
