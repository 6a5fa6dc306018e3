"""What is to be done about one sidecar of our own beside one copy: pure, from what there is and what there should be."""

from __future__ import annotations

from dataclasses import dataclass

WRITE, RECORD, WITHDRAW, KEEP, SKIP = "write", "record", "withdraw", "unchanged", "skipped"
FOREIGN = "a sidecar of this name is there that another program made"
NO_COPY = "its photo or video is not there"
TAKEN_BACK = "nothing is said any more"
ALREADY = "it is there, but not in the index"
SUFFIX = ".xmp"


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies beside a copy. `digest` is the content hash of the file there, "" for none; `own`: we wrote it.

    `problem` says why it cannot be looked at.
    """

    copy_there: bool
    digest: str = ""
    own: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SidecarAction:
    """One decision. `path` is where the sidecar lies or shall lie; `data` is what it shall hold."""

    action: str
    hash: str
    store: str
    path: str
    data: bytes = b""
    reason: str = ""

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        return self.action in (WRITE, RECORD, WITHDRAW)


def sidecar_path(copy: str) -> str:
    """The sidecar of a copy: its full name, so that RAW and JPEG of one name have each their own."""
    return copy + SUFFIX


def decide(
    content_hash: str, store: str, path: str, wanted: tuple[bytes, str] | None, recorded: str, there: Beside
) -> SidecarAction:
    """What to do. `wanted` is the content and its hash, None for no sidecar; `recorded` is the hash the index has, or ""."""

    def action(name: str, reason: str = "") -> SidecarAction:
        data = wanted[0] if wanted and name == WRITE else b""
        return SidecarAction(name, content_hash, store, path, data, reason)

    if wanted is None:
        return action(WITHDRAW, TAKEN_BACK) if there.own else action(KEEP)
    if there.problem:
        return action(SKIP, there.problem)
    if not there.copy_there:
        return action(SKIP, NO_COPY)
    if there.digest and not there.own:
        return action(SKIP, FOREIGN)
    if there.digest != wanted[1]:
        return action(WRITE)
    return action(KEEP) if recorded == there.digest else action(RECORD, ALREADY)
