"""Commands that are killed, and what a catalog has come to then."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zygote
from emulators.dropbox import Emulator
from emulators.nextcloud import Emulator as Nextcloud
from running import PROGRAMS, Lab

from catalog.domain.copies import timestamp
from catalog.domain.fixity import content_hash

Far = Emulator | Nextcloud
INDEXES = ("", "events", "sources", "stores", "decisions", "handovers")
NOT_COMPARED = ("home/state/", "home/cache/", "account/")
"""What programs keep for themselves: journals are compared by what they say."""
MEDIA = {".jpg", ".png", ".mov", ".mp4", ".avi", ".xmp", ".aae"}
_RUN = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{6}")
_OF_THE_RUN = frozenset(
    {"updated", "added", "verified", "at", "run", "last_run", "seen", "confirmed"}
    | {"verifying_since", "stirred_since", "stirs", "ctime_ns", "inode", "device", "revision"}
)
"""Fields of documents that say when, or by which run, something was done, or which file on the disk
it is."""
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True)
class Ended:
    """How a command ended: `status` is negative where it was killed.

    `moments` are those at which it could have been killed, None where it was; `workers` the
    processes that it had started and that were killed.
    """

    status: int
    out: str
    err: str
    moments: int | None
    workers: int


class Zygote:
    """Starts commands for which all is loaded already; see `zygote`."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", zygote.__file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._orders = self._line.makefile("rw", encoding="utf-8", errors="surrogateescape")

    def run(
        self,
        lab: Lab,
        command: Sequence[object],
        who: str = zygote.GROUP,
        when: int = 0,
        **more: str,
    ) -> Ended:
        """Carry out a command of a lab; `who` is killed at the moment `when`, 0 for nobody. `more`
        is for its environment.
        """
        notes = {name: lab.folder / f"kill.{name}" for name in ("out", "err", "counted", "note")}
        program, *words = map(str, command)
        order: dict[str, object] = {
            "command": [str(PROGRAMS / program), *words],
            "folder": str(lab.home),
            "environment": lab.environment(**more),
            "who": who,
            "when": when,
        }
        self._orders.write(json.dumps(order | {n: str(p) for n, p in notes.items()}) + "\n")
        self._orders.flush()
        status = int(self._orders.readline())
        text = {name: path.read_text() if path.exists() else "" for name, path in notes.items()}
        for path in notes.values():
            path.unlink(missing_ok=True)
        moments = int(text["counted"]) if text["counted"] else None
        return Ended(status, text["out"], text["err"], moments, int(text["note"] or 0))

    def close(self) -> None:
        """No more."""
        self._orders.close()
        self._line.close()
        self._process.wait()


# --- taking a catalog back to what it was ---------------------------------------------------------


class Snapshot:
    """A lab as it is: its folders, its account of a service, its indexes."""

    def __init__(self, lab: Lab, far: Far | None) -> None:
        self._lab = lab
        self._far = far
        self._held = far.keep() if isinstance(far, Nextcloud) else None
        self._documents = {what: lab.documents(what) for what in INDEXES}
        self._inodes = {path: inode for path, inode, _ctime in _files_of(lab.folder)}
        self._kept = Path(tempfile.mkdtemp(prefix=f"{lab.folder.name}-"))
        with self._away():
            shutil.copytree(lab.folder, self._kept, symlinks=True, dirs_exist_ok=True)

    def restore(self) -> None:
        """Take the lab back to it. The files have other inodes, by which the catalog knows them."""
        folder = self._lab.folder
        with self._away():
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copytree(self._kept, folder, symlinks=True, dirs_exist_ok=True)
        if isinstance(self._far, Nextcloud) and self._held is not None:
            self._far.bring_back(self._held)
        now = {path: (inode, ctime) for path, inode, ctime in _files_of(folder)}
        found = {inode: now[path] for path, inode in self._inodes.items() if path in now}
        for what, documents in self._documents.items():
            self._put(what, {key: _known(row, found) for key, row in documents.items()})

    def close(self) -> None:
        """Let go of it."""
        shutil.rmtree(self._kept)

    @contextmanager
    def _away(self) -> Iterator[None]:
        """While a Dropbox account is closed, which lies in the lab."""
        if isinstance(self._far, Emulator):
            self._far.stop()
        yield
        if isinstance(self._far, Emulator):
            self._far.start()

    def _put(self, what: str, documents: Mapping[str, Mapping[str, Any]]) -> None:
        name = f"{self._lab.index}-{what}" if what else self._lab.index
        lines: list[Mapping[str, Any]] = [
            {"delete": {"_index": name, "_id": key}}
            for key in self._lab.documents(what).keys() - documents.keys()
        ]
        for key, document in documents.items():
            lines += [{"index": {"_index": name, "_id": key}}, document]
        if lines:
            data = "".join(json.dumps(line) + "\n" for line in lines)
            headers = {"content-type": "application/x-ndjson"}
            self._lab.ask("POST", "_bulk?refresh=true", data=data, headers=headers)


def _files_of(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Each file: its path, inode, and ctime in ns."""
    for path in folder.rglob("*"):
        status = path.lstat()
        if path.is_file():
            yield path.relative_to(folder).as_posix(), status.st_ino, status.st_ctime_ns


def _known(value: Any, found: Mapping[int, tuple[int, int]]) -> Any:
    """A document whose rows know their files by the inodes that these have now."""
    if isinstance(value, list):
        return [_known(each, found) for each in value]
    if not isinstance(value, dict):
        return value
    row = {name: _known(each, found) for name, each in value.items()}
    if row.get("inode") in found and row.get("host"):
        row["inode"], row["ctime_ns"] = found[row["inode"]]
    return row


# --- what it has come to --------------------------------------------------------------------------


def outcome(lab: Lab, far: Far | None) -> dict[str, set[object]]:
    """What a catalog has come to, whatever runs did it and when: files with their times, documents,
    the history, and what journals say was begun.
    """
    found: dict[str, set[object]] = {
        what or "assets": set(map(_plain_text, lab.documents(what).values()))
        for what in INDEXES
        if what != "events"
    }
    found["history"] = {_told(event) for event in lab.documents("events").values()}
    found["files"] = set(_files(lab))
    found["far"] = _account(far) if far is not None else set()
    found["journal"] = set(_begun(lab))
    return found


def holdings(found: Mapping[str, set[Any]]) -> set[tuple[str, str]]:
    """Which contents lie in which folder, or in the account, under whatever names."""
    here = (row for row in found["files"] if Path(row[0]).suffix.lower() in MEDIA)
    there = (("far", row[1]) for row in found["far"])
    return {(row[0].partition("/")[0], row[1]) for row in here}.union(there)


def contents(lab: Lab, far: Far | None) -> set[str]:
    """The content hashes of all photos, videos and sidecars, wherever they lie but in the staging
    folder: what is there can be made again.
    """
    apart = {lab.home, lab.folder / "staging"}
    paths = [p for p in lab.folder.rglob("*") if p.suffix.lower() in MEDIA and p.is_file()]
    here = {content_hash(p.read_bytes()) for p in paths if not apart.intersection(p.parents)}
    return here | {digest for _path, digest, _time in (_held_by(far) if far is not None else ())}


def differences(
    found: Mapping[str, set[object]],
    wanted: Mapping[str, set[object]],
    further: Collection[tuple[str, str]] = (),
) -> str:
    """What is other than it should be, and how, line by line; "" where nothing is.

    Of sources that are remembered, so that they are not read again, some may be lacking; and what
    was begun twice may have left more than one event. `further` is what else may be, or lack.
    """
    allowed = {("sources", "-"), ("history", "+"), *further}
    return "\n".join(
        f"{sign} {what}: {each}"
        for what in wanted
        for sign, rows in (("-", wanted[what] - found[what]), ("+", found[what] - wanted[what]))
        if (what, sign) not in allowed
        for each in sorted(rows, key=str)
    )


def _files(lab: Lab) -> Iterator[tuple[str, object, int]]:
    now = time.time_ns()
    for path in sorted(lab.folder.rglob("*")):
        name = path.relative_to(lab.folder).as_posix()
        if name.startswith(NOT_COMPARED) or not path.is_file():
            continue
        mtime = path.stat().st_mtime_ns
        is_old = mtime < now - _DAY_NS  # the others were written just now
        yield _RUN.sub("RUN", name), _content(path), mtime if is_old else 0


def _content(path: Path) -> str:
    """What is in a file, without what only tells of the run, or is made up."""
    data = path.read_bytes()
    if path.suffix == ".csv":
        rows = _RUN.sub("RUN", data.decode()).splitlines()
        # each run adds what it did of a row, and the last counts
        return "\n".join(sorted({row.partition(";")[0]: row for row in rows}.values()))
    if path.suffix == ".gz":
        return f"{len(gzip.decompress(data).splitlines())} lines"
    return content_hash(b"" if path.name == "store.json" else data)


def _account(far: Far) -> set[object]:
    """What lies in an account: paths, contents and times."""
    return {
        (_RUN.sub("RUN", path), digest, time)
        for path, digest, time in _held_by(far)
        if not path.endswith("/.catalog/store.json")
    }


def _held_by(far: Far) -> Iterator[tuple[str, str, object]]:
    if isinstance(far, Nextcloud):
        for path, record in far.files().items():
            is_kept = far.dialect.clouded  # a plain server keeps no times
            yield path, content_hash(far.content(path)), is_kept and record.modified
    else:
        for path, file in far.files().items():
            yield path, file.content_hash, file.client_modified


def _plain_text(document: Mapping[str, Any]) -> str:
    return json.dumps(_plain({**document, "id": ""}), sort_keys=True)


def _plain(value: Any) -> Any:
    """A value of a document without what only tells of the run."""
    if isinstance(value, dict):
        plain = {name: _plain(v) for name, v in value.items() if name not in _OF_THE_RUN}
        if plain.get("mtime", "") > timestamp(datetime.now(UTC) - timedelta(days=1)):
            del plain["mtime"]  # of a file that was written just now
        return plain
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return _RUN.sub("RUN", value) if isinstance(value, str) else value


def _told(event: Mapping[str, Any]) -> tuple[str, ...]:
    names: Iterable[str] = ("action", "hash", "store", "path", "source", "trash")
    if event["action"] == "putback":  # of whichever copy
        names = ("action", "hash", "source")
    if event["action"] in ("copy", "sidecars", "restore"):  # brought here, or found by the next run
        names = ("action", "hash", "store", "path")
    return tuple(_RUN.sub("RUN", str(event.get(name, ""))) for name in names)


def _begun(lab: Lab) -> Iterator[tuple[str, ...]]:
    """What journals say was begun."""
    for path in (lab.home / "state" / "journal").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            if row["state"] == "started" and row["action"] != "run":
                names = ("action", "hash", "store", "path", "source", "target")
                yield tuple(str(row.get(name, "")) for name in names)
