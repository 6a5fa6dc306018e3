"""The kinds of stores there are: each is a module or folder beside this one, and one line here.

What connects a kind to its service comes from `Workspace.store_context`.
"""

from __future__ import annotations

import re
from pathlib import Path

from catalog.domain.document import StoreRecord
from catalog.domain.roots import roots_of, seen_from
from catalog.errors import UnknownKind
from catalog.stores.dropbox.root import DropboxKind
from catalog.stores.local.root import LocalKind
from catalog.stores.machine import machine_id
from catalog.stores.root import FarRoot, Kind, Root, StoreContext
from catalog.stores.webdav.root import WebdavKind

_KINDS: dict[str, Kind] = {}
_WHOLE = re.compile(r"/|[a-z]+://|$")
"""How the location of a store of a service goes on behind the prefix of its kind."""
_PREFIX = re.compile(r"([a-z][a-z0-9+.-]+):")


def register(kind: Kind) -> None:
    """Add a kind. Raises ValueError where its name or prefix is taken."""
    if any(kind.name == other.name or kind.prefix == other.prefix for other in _KINDS.values()):
        raise ValueError(
            f"there is a kind of the name {kind.name} or the prefix {kind.prefix!r} already"
        )
    _KINDS[kind.name] = kind


register(LocalKind())
register(DropboxKind())
register(WebdavKind())


def kinds() -> tuple[Kind, ...]:
    """Every kind, by name."""
    return tuple(_KINDS[name] for name in sorted(_KINDS))


def kind_called(name: str, store: str) -> Kind:
    """The kind of a store, as the catalog recorded it. Raises UnknownKind."""
    if name in _KINDS:
        return _KINDS[name]
    raise UnknownKind(
        f"Store {store} is of the kind {name}, which this program does not know; it knows "
        f"{', '.join(sorted(_KINDS))}.",
        hint="Use the version of the program that added it, or take it out of the catalog: "
        f"catalog store remove {store}.",
    )


def kind_named_by(text: str) -> Kind:
    """The kind of the root that a person named.

    Raises UnknownKind for one that begins like a kind that there is not.
    """
    for kind in kinds():
        if kind.prefix and text.startswith(kind.prefix):
            return kind
    if (found := _PREFIX.match(text)) and not Path(text).exists():
        examples = ", ".join(f"{kind.title} ({kind.example})" for kind in kinds())
        raise UnknownKind(
            f"{text} is not there, and there is no kind of store called {found[1]}.",
            hint=f"There are: {examples}.",
        )
    return next(kind for kind in kinds() if not kind.prefix)


def root_named(text: str, context: StoreContext) -> Root:
    """The root that a person named.

    Raises UnknownKind, and UsageError where its kind refuses the text.
    """
    kind = kind_named_by(text)
    return kind.root(kind.parse(text), context)


def root_at(location: str, context: StoreContext) -> FarRoot | None:
    """The root of a folder by what a store stated as its location; None for a path of this machine.

    Raises ConfigError.
    """
    kind = next((k for k in kinds() if k.prefix and location.startswith(k.prefix)), None)
    if kind is None or not _WHOLE.match(location.removeprefix(kind.prefix)):
        return None  # it may be a store of that name, and a path in it
    return kind.root_at(location, context)


def root_recorded(record: StoreRecord, context: StoreContext) -> Root:
    """The root of a store as the catalog recorded it: where this machine saw it,
    else where it was last.

    Raises UnknownKind.
    """
    return kind_called(record["kind"], record["name"]).root(
        seen_from(record, machine_id())["root"], context
    )


def folder_recorded(record: StoreRecord) -> Path | None:
    """The folder of this machine that a recorded store lies in; None where it is far away.

    Raises UnknownKind.
    """
    return kind_called(record["kind"], record["name"]).folder(
        seen_from(record, machine_id())["root"]
    )


def roots_recorded(record: StoreRecord, context: StoreContext) -> list[Root]:
    """Every root that a store has, or had, on whatever machine. Raises UnknownKind."""
    kind = kind_called(record["kind"], record["name"])
    return [kind.root(text, context) for text in roots_of(record)]


def folders_recorded(record: StoreRecord) -> list[Path]:
    """Those of them that are folders of a machine. Raises UnknownKind."""
    kind = kind_called(record["kind"], record["name"])
    return [folder for text in roots_of(record) if (folder := kind.folder(text)) is not None]


def show_root(record: StoreRecord) -> str:
    """A recorded root as a person would name it, also one of a kind that is not known here."""
    kind = _KINDS.get(record["kind"])
    return f"{record['kind'] + ':' if kind is None else kind.prefix}{record['root']}"
