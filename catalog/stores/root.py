"""Where a store lies, and what a kind of store is.

The two protocols that a new kind fulfils beside `Store`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from catalog.errors import ConfigError
from catalog.stores.marker import Marker
from catalog.stores.protocol import ManagedStore


@dataclass(frozen=True, slots=True)
class StoreContext:
    """What a kind may need from outside.

    `state` is a folder of this machine for what a store remembers between runs. `connections`
    gives, by kind, what connects to a service; it is made when first asked for, and shared by all
    roots of the kind. Once `interrupted` is set nothing is waited for any more.
    """

    state: Path
    connections: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    interrupted: threading.Event = field(default_factory=threading.Event)

    def connection(self, kind: str) -> Any:
        """What connects to the service of a kind.

        Raises ConfigError where nothing is configured for it.
        """
        if kind not in self.connections:
            raise ConfigError(
                f"Nothing is configured for stores of the kind {kind}.",
                hint="Check the configuration.",
            )
        return self.connections[kind]()


class Overlap(Enum):
    """How two roots lie to each other that share files."""

    SAME = "same"
    INSIDE = "inside"
    AROUND = "around"


def overlap_of(one: str, other: str) -> Overlap | None:
    """How a folder lies to another, by their paths, each with a slash at its end."""
    if one == other:
        return Overlap.SAME
    if one.startswith(other):
        return Overlap.INSIDE
    return Overlap.AROUND if other.startswith(one) else None


class Root(Protocol):
    """Where a store lies. `kind` and `text` are what the catalog records of it."""

    kind: ClassVar[str]

    @property
    def text(self) -> str:
        """The folder as its kind names it, in text form."""
        ...

    @property
    def shown(self) -> str:
        """The folder as a person would name it."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder of this machine that it is; None where it is far away."""
        ...

    @property
    def caution(self) -> str:
        """What a person is to know before it becomes a store, or ""."""
        ...

    def is_there(self) -> bool:
        """Whether the folder is there now. Raises StoreUnavailable where that cannot be told."""
        ...

    def marker(self) -> Marker | None:
        """Which store of which catalog lies there; None where it was never marked.

        Raises StoreGuard for a damaged marker.
        """
        ...

    def mark(self, name: str, identity: str | None = None, catalog: str = "") -> Marker:
        """Mark it as a store of a catalog and return its marker;
        if another program was faster, that one's.

        Makes the folder if need be.

        With `identity` it becomes the store of that id again, in one step, whatever its marker
        said.
        """
        ...

    def store(self, name: str, *, managed: bool = True, is_new: bool = False) -> ManagedStore:
        """The store; without `managed` it is only read from.

        `is_new`: the catalog does not know it yet, so that a folder that is not there is an empty
        one.
        """
        ...

    def overlap(self, other: Root) -> Overlap | None:
        """Whether it is the same folder as another, lies inside of it, or around it.

        None where they share nothing.
        """
        ...

    def upwards(self) -> Iterator[Root]:
        """This one and each folder above it."""
        ...


class FarRoot(Root, Protocol):
    """A root of a service."""

    @property
    def device(self) -> int:
        """The number that stands for the account where entries of its stores have a device.

        Raises StoreUnavailable, ConfigError.
        """
        ...


class Kind(Protocol):
    """A kind of store.

    `name` is what the catalog records. `prefix` is how a person begins the name of a root, "" for a
    path of this machine. `title` and `example` tell a person of it. With `claims_itself` the first
    use makes the folder and marks it; else a person makes the folder, since one that is not there
    may be a disk that is not mounted.
    """

    name: ClassVar[str]
    prefix: ClassVar[str]
    title: ClassVar[str]
    example: ClassVar[str]
    claims_itself: ClassVar[bool]

    def parse(self, given: str) -> str:
        """The text of a root as a person or a setting named it, with or without the prefix.

        Raises UsageError.
        """
        ...

    def folder(self, text: str) -> Path | None:
        """The folder of this machine that such a text names; None for a kind that is far away."""
        ...

    def root(self, text: str, context: StoreContext) -> Root:
        """The root of a text that `parse` gave or the catalog recorded."""
        ...

    def root_at(self, location: str, context: StoreContext) -> FarRoot | None:
        """The root of a folder by its location, as stores of the kind state theirs, and as the
        history names what lay outside; None for a kind that is not far away.
        """
        ...
