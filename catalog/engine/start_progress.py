"""What a caller may show while a node is downloaded, unpacked and started."""

from __future__ import annotations

from typing import Protocol


class StartProgress(Protocol):
    """Receives the steps of a first start; called from the thread that starts the node."""

    def step(self, text: str) -> None:
        """A new step begins; `text` is one short line such as "starting Elasticsearch"."""

    def bytes(self, done: int, total: int) -> None:
        """`done` of `total` bytes of the download are here."""


class SilentProgress:
    """Shows nothing."""

    def step(self, text: str) -> None:
        """Do nothing."""

    def bytes(self, done: int, total: int) -> None:
        """Do nothing."""
