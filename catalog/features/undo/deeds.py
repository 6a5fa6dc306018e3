"""What a run did to files, by its journal on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from catalog.domain.events import BRINGING, GIVING_WAY, RENAMING
from catalog.work.journal import read_journal
from catalog.work.replaced_files import Replaced, read_replaced


@dataclass(frozen=True, slots=True)
class Removed:
    """A file that a run removed outside the stores, or was about to.

    `hash` is that of its asset, `device` the disk it lay on, and `target` the path in the catalog
    of what has its content; `size` in bytes and `mtime_ns` (since 1970) are those it had. What the
    journal does not say is None, or "".
    """

    hash: str
    device: int | str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Came:
    """A file that a run brought to a path of a store, or was about to; `hash` is its own.

    `source` is where it was before: in the same store if it was `renamed`, else where a file of its
    content lay.
    """

    store: str
    path: str
    hash: str
    source: str
    renamed: bool


@dataclass(slots=True)
class Deeds:
    """What a run of `command` did: the files that it removed, by their sources as the history
    names them, those that came to a store, in order, and those that gave way to them there.
    """

    command: str = ""
    removed: dict[str, Removed] = field(default_factory=dict)
    came: list[Came] = field(default_factory=list)
    replaced: list[Replaced] = field(default_factory=list)

    def former_names(self, came: Came) -> list[str]:
        """Where a file was before that was renamed, and perhaps renamed again: the last first."""
        names = [came.source]
        before = {(c.store, c.path, c.hash): c.source for c in self.came if c.renamed}
        while came.renamed:
            source = before.get((came.store, names[-1], came.hash), came.path)
            if source in (came.path, *names):
                break
            names.append(source)
        return names


def read_deeds(folder: Path, run: str) -> Deeds:
    """What the journal of a run says; nothing where this machine has none. By a run that is still
    under way nothing came.
    """
    rows, is_under_way = read_journal(folder / f"{run}.jsonl")
    found, base = Deeds(), ""
    for row in rows:
        action, is_begun = row.get("action"), row.get("state") == "started"
        if is_begun and action == "run":
            base, found.command = _text(row, "source"), _text(row, "command")
        elif is_begun and action == "remove" and "source" in row:
            found.removed[f"{base}/{row['source']}"] = _removed(row)
        elif action == GIVING_WAY and is_begun and not is_under_way:
            found.replaced.append(read_replaced(row))
        elif action in (BRINGING, RENAMING) and not is_under_way:
            names = "store", "path", "hash", "source"
            store, path, digest, source = (_text(row, name) for name in names)
            came = Came(store, path, digest, source, action == RENAMING)
            if is_begun:
                found.came.append(came)
            else:
                _drop_last(found.came, came)
    return found


def _removed(row: Mapping[str, object]) -> Removed:
    device = row.get("device")
    return Removed(
        _text(row, "hash"),
        device if isinstance(device, int | str) else None,
        _number(row, "size"),
        _number(row, "mtime_ns"),
        _text(row, "target"),
    )


def _drop_last(rows: list[Came], failed: Came) -> None:
    """Of what was begun alike, the last one failed."""
    for number in range(len(rows) - 1, -1, -1):
        if rows[number] == failed:
            del rows[number]
            return


def _text(row: Mapping[str, object], name: str) -> str:
    return str(row.get(name, ""))


def _number(row: Mapping[str, object], name: str) -> int | None:
    value = row.get(name)
    return value if isinstance(value, int) else None
