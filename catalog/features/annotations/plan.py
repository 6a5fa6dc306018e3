"""What a person says of an asset, and what is to be done about its sidecars of our own. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.domain.actions import Amend
from catalog.domain.assignments import Saying, describe_change
from catalog.domain.document import AssetDocument
from catalog.domain.edits import difference, with_saying
from catalog.domain.names import printable

BY_YOU = "as the file says; now by you"
EVENT = "sidecar"
"""What journal and history call what is done about a sidecar."""
WRITE, RECORD, WITHDRAW, KEEP, SKIP = "write", "record", "withdraw", "unchanged", "skipped"
FOREIGN = "a sidecar of this name is there that another program made"
NO_COPY = "its photo or video is not there"
TAKEN_BACK = "nothing is said any more"
ALREADY = "it is there, but not in the index"
SUFFIX = ".xmp"


def plan_saying(
    name: str, content_hash: str, document: AssetDocument | None, saying: Saying
) -> Amend:
    """What is said of an asset that has a document; None for one that was forgotten meanwhile."""
    try:
        changed = difference(document, with_saying(saying)(document))
    except ValueError as error:
        return Amend(name, content_hash, "", content_hash, problem=str(error))
    store, path = _where(document or {}, content_hash)
    return Amend(
        name, content_hash, store, path, (describe_change(*changed) or BY_YOU) if changed else ""
    )


def _where(document: AssetDocument, content_hash: str) -> tuple[str, str]:
    """Store and path of the first copy that is there; else the name that it once had."""
    copy = next((c for c in document.get("copies", []) if c["state"] == "ok"), None)
    if copy:
        return copy["store"], copy["path"]
    return "", printable(document.get("original", {}).get("name", content_hash))


# --- sidecars -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SidecarsHere:
    """What lies beside a copy.

    `digest` is the content hash of the file there, "" for none; `own`: we wrote it.

    `problem` says why it cannot be looked at.
    """

    copy_there: bool
    digest: str = ""
    own: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SidecarAction:
    """One decision (`action`) about the sidecar at `path`; `data` is what it shall hold.

    `older` is the content hash of what lies there, "" for nothing.
    """

    action: str
    hash: str
    store: str
    path: str
    data: bytes = b""
    reason: str = ""
    older: str = ""
    name: str = EVENT

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path

    @property
    def counts(self) -> bool:
        """Whether anything is to be done, so that a limit counts it."""
        return self.action in (WRITE, RECORD, WITHDRAW)

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.action} {self.store}:{self.path}" + (
            f": {self.reason}" if self.reason else ""
        )


def sidecar_path(copy: str) -> str:
    """The sidecar of a copy: its full name,
    so that RAW and JPEG of one name have each their own.
    """
    return copy + SUFFIX


def decide(
    content_hash: str,
    store: str,
    path: str,
    wanted: tuple[bytes, str] | None,
    recorded: str,
    there: SidecarsHere,
) -> SidecarAction:
    """What to do.

    `wanted` is the content and its hash, None for no sidecar; `recorded` is the hash the index has,
    or "".
    """

    def action(name: str, reason: str = "") -> SidecarAction:
        data = wanted[0] if wanted and name == WRITE else b""
        return SidecarAction(name, content_hash, store, path, data, reason, there.digest)

    if wanted is None:
        # recorded still: a run was killed that had taken it away
        is_gone = recorded and there.copy_there and not there.digest
        return action(WITHDRAW, TAKEN_BACK) if there.own or is_gone else action(KEEP)
    if there.problem:
        return action(SKIP, there.problem)
    if not there.copy_there:
        return action(SKIP, NO_COPY)
    if there.digest and not there.own:
        return action(SKIP, FOREIGN)
    if there.digest != wanted[1]:
        return action(WRITE)
    return action(KEEP) if recorded == there.digest else action(RECORD, ALREADY)
