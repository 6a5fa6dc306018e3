"""The real commands in a place of their own: folders, environment, index;
and small photos made by code.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import random
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import in_process
import requests
from PIL import Image

from catalog.cli.program import COMMANDS
from catalog.domain.fixity import content_hash
from catalog.engine import NodeAddress

PROGRAMS = Path(sys.executable).parent
OpenFolder = Callable[[], AbstractContextManager[Path]]
GHENT = (51.05, 3.72)
SUMMER = "2019:07:12 18:30:15"
MTIME = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp()
_started: list[subprocess.Popen[str]] = []


@dataclass
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line of stdout, each of which must be JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The last line."""
        last = self.lines[-1]
        assert last["event"] == "summary"
        return last


@dataclass
class Lab:
    """One test's folders, its index, and the node it lies in.

    `node` None means the program's own node.
    """

    folder: Path
    node: NodeAddress | None
    index: str
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.source = self.folder / "source"
        self.root = self.folder / "nas"
        self.home = self.folder / "home"
        for made in (self.source, self.home):
            made.mkdir(exist_ok=True)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a command: nothing of the person's own gets in."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("CATALOG_")}
        home = {
            "HOME": str(self.home),
            "CATALOG_STATE_DIR": str(self.home / "state"),
            "CATALOG_INDEX": self.index,
            "CATALOG_HOME_ZONE": "UTC",  # a test stands in any zone
        }
        for name in ("CONFIG", "DATA", "STATE", "CACHE"):
            home[f"XDG_{name}_HOME"] = str(self.home / name.lower())
        if self.node:
            home["CATALOG_ELASTICSEARCH_URL"] = self.node.url
            home["CATALOG_ELASTICSEARCH_USER"] = self.node.user
            home["CATALOG_ELASTICSEARCH_PASSWORD"] = self.node.password
        return {**kept, **home, **self.variables, **more}

    def start(self, program: str, *arguments: object, **more: str) -> subprocess.Popen[str]:
        """Start a command."""
        process = subprocess.Popen(
            [PROGRAMS / program, *map(_argument, arguments)],
            cwd=self.home,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
        )
        _started.append(process)
        return process

    def run(self, program: str, *arguments: object, process: bool = False, **more: str) -> Done:
        """Run a command to its end; in this process, unless one of its own is what matters."""
        if process or not (program == "catalog" or program in COMMANDS):
            return ended(self.start(program, *arguments, **more))
        command = [os.fsdecode(part) for part in (PROGRAMS / program, *map(_argument, arguments))]
        return _done(*in_process.run(command, self.home, self.environment(**more)))

    def catalog(self, *arguments: object, process: bool = False, **more: str) -> Done:
        """Run a subcommand of `catalog`."""
        return self.run("catalog", *arguments, process=process, **more)

    def answer(
        self, answers: str, program: str, *arguments: object, after: str = ""
    ) -> tuple[int, str]:
        """Run a command in front of a person who types: its status, and what the terminal shows.

        The person types at once, or when the terminal shows a text.
        """
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [PROGRAMS / program, *map(_argument, arguments)],
            cwd=self.home,
            env=self.environment(TERM="dumb"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        shown, typed = b"", answers.encode()
        with contextlib.suppress(OSError):  # the other end is closed
            while True:
                if typed and after.encode() in shown:
                    os.write(master, typed)
                    typed = b""
                shown += os.read(master, 65536)
        os.close(master)
        return process.wait(), shown.decode()

    def uploading(
        self, *arguments: object, source: Path | None = None, **more: str
    ) -> subprocess.Popen[str]:
        """Start an upload of the source."""
        return self.start(*self._upload(source), *arguments, **more)

    def upload(
        self, *arguments: object, source: Path | None = None, process: bool = False, **more: str
    ) -> Done:
        """Upload the source, as JSON."""
        return self.run(*self._upload(source), *arguments, process=process, **more)

    def _upload(self, source: Path | None) -> tuple[str, object, object, object, object, object]:
        folder = source or self.source
        return ("upload_to_nas_from_disk", folder, "-r", "--nas_root", self.root, "--json")

    # --- the index, without the program -----------------------------------------------------------

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The parsed reply of the test's own request."""
        assert self.node
        with requests.Session() as session:
            session.trust_env = False
            auth = (self.node.user, self.node.password)
            return session.request(
                method, f"{self.node.url}/{path}", timeout=60, auth=auth, **options
            ).json()

    def documents(self, what: str = "") -> dict[str, dict[str, Any]]:
        """Every document of the catalog, or of one of its companions, by id (up to 10,000)."""
        name = f"{self.index}-{what}" if what else self.index
        self.ask("POST", f"{name}/_refresh")
        reply = self.ask(
            "POST", f"{name}/_search", json={"size": 10_000, "query": {"match_all": {}}}
        )
        hits = reply.get("hits", {"hits": []})["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}

    def age(self, *paths: Path) -> None:
        """As if nobody had written to some files of stores: the index is told the numbers that they
        have now, since no program can put a ctime back.
        """
        roots = {name: Path(store["root"]) for name, store in self.documents("stores").items()}
        for digest, document in self.documents().items():
            changed = {}
            for name in ("copies", "sidecars"):
                for row in document.get(name, []):
                    path = roots[row["store"]] / row["path"]
                    if path in paths:
                        status = path.stat()
                        row |= {"ctime_ns": status.st_ctime_ns, "inode": status.st_ino}
                        changed[name] = document[name]
            if changed:
                url = f"{self.index}/_update/{digest}?refresh=true"
                assert "error" not in self.ask("POST", url, json={"doc": changed})

    def stored(self) -> dict[str, str]:
        """Content hash by path of what lies in the catalog's folder, without its private part."""
        return {p: h for p, h in hashes(self.root).items() if not p.startswith(".catalog/")}

    def check_no_ghosts(self) -> None:
        """Every copy that a document claims is there, with that content; nothing else lies there,
        half or whole, but in the trash.
        """
        stored = self.stored()
        claimed: dict[str, str] = {}
        for digest, document in self.documents().items():
            assert document["hash"] == digest
            for copy in document["copies"]:
                assert copy["state"] == "ok"
                assert stored.get(copy["path"]) == digest, copy["path"]
                claimed[copy["path"]] = digest
            for sidecar in document.get("sidecars", []):
                assert stored.get(sidecar["path"]) == sidecar["hash"]
                claimed[sidecar["path"]] = sidecar["hash"]
        assert stored == claimed
        assert {*os.listdir(self.root / ".catalog")} - {"trash"} == {"store.json"}

    def outcome(self) -> tuple[dict[str, str], dict[str, list[str]]]:
        """The end state that an upload leads to: files by content,
        and the copies each document names.
        """
        return self.stored(), {
            h: sorted(c["path"] for c in d["copies"]) for h, d in self.documents().items()
        }


def shown(done: Done, *did: str) -> list[tuple[str, ...]]:
    """What a run told of each file, with the reasons of those that it left.

    `did` are the words for what it did, which a dry run calls planned.
    """
    about = ("action", "store", "path", "target", "hash")
    found = []
    for line in done.lines[:-1]:
        is_done = line["outcome"] in (*did, "planned")
        what = ("planned", "") if is_done else (line["outcome"], line["reason"])
        found.append((*(line[name] for name in about), *what))
    return found


def ended(process: subprocess.Popen[str], seconds: float = 120) -> Done:
    """How a started command ends; one that does not is killed."""
    try:
        out, err = process.communicate(timeout=seconds)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return _done(process.returncode, out, err)


def _done(status: int, out: str, err: str) -> Done:
    """How a command ended, which was not by an error that nobody expected."""
    assert "Traceback" not in err, err
    return Done(status, out, err)


def end_leftovers() -> None:
    """Kill what was started and has not ended."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def _argument(value: object) -> str | bytes:
    return (
        value
        if isinstance(value, bytes)
        else os.fspath(value)
        if isinstance(value, Path)
        else str(value)
    )


def hashes(folder: Path) -> dict[str, str]:
    """Content hash of every file below a folder, by relative path."""
    return {
        str(p.relative_to(folder)): content_hash(p.read_bytes())
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a folder that a write would change: mode, mtime in ns, content."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        found[str(path)] = (
            status.st_mode,
            status.st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
    return found


def jpeg(
    seed: object = "",
    taken: str | None = SUMMER,
    position: tuple[float, float] | None = None,
    size: int = 24,
) -> bytes:
    """A small JPEG; another seed, another picture and content."""
    chance = random.Random(f"{seed}")
    picture = Image.frombytes("RGB", (3, 3), chance.randbytes(27)).resize(
        (size, size), Image.Resampling.BICUBIC
    )
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Apple", "iPhone 12"
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    if position:
        exif.get_ifd(0x8825).update(
            {
                1: "N" if position[0] >= 0 else "S",
                2: _degrees(position[0]),
                3: "E" if position[1] >= 0 else "W",
                4: _degrees(position[1]),
            }
        )
    buffer = io.BytesIO()
    picture.save(
        buffer,
        "JPEG",
        exif=exif if taken or position else b"",
        comment=f"{seed}".encode("utf-8", "surrogateescape"),
    )
    return buffer.getvalue()


def _degrees(value: float) -> tuple[float, float, float]:
    whole, rest = divmod(abs(value) * 60, 60)
    return float(whole), float(int(rest)), round((rest - int(rest)) * 60, 3)


def png(seed: object = "") -> bytes:
    """A small PNG without any date."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (3, 3), random.Random(f"{seed}").randbytes(27)).resize((24, 24)).save(
        buffer, "PNG"
    )
    return buffer.getvalue()


def put(folder: Path, files: Mapping[str, bytes], mtime: float = MTIME) -> None:
    """Write files below a folder, with one mtime."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (mtime, mtime))


def many(folder: Path, count: int, prefix: str = "IMG", pad: int = 0) -> None:
    """Many tiny photos, quickly: one encoded picture a hundred files,
    made different by a comment and a date each.
    """
    base = jpeg("many")
    at = base.index(b"2019:07:12 18:30:15")
    for number in range(count):
        day, hour, minute = number // 600 % 28 + 1, number // 60 % 10 + 10, number % 60
        stamp = f"2019:{number % 12 + 1:02d}:{day:02d} {hour}:{minute:02d}:00".encode()
        data = (
            base[:at]
            + stamp
            + base[at + len(stamp) :]
            + b"%08d" % number
            + bytes(pad)
            + zlib.crc32(prefix.encode()).to_bytes(4)
        )
        path = folder / f"{number % 4}" / f"{prefix}_{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (MTIME, MTIME))


def clip(path: Path, taken: str = "2019-07-12T16:30:15.000000Z", frames: int = 6) -> None:
    """A short real clip; the date is UTC, as the format demands."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        out.metadata["creation_time"] = taken
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            out.mux(
                stream.encode(
                    av.VideoFrame.from_image(Image.new("RGB", (64, 48), (40 * number, 90, 10)))
                )
            )
        out.mux(stream.encode())
    os.utime(path, (MTIME, MTIME))


def clear(lab: Lab) -> None:
    """Take the catalog back to its beginning: an empty folder and empty indexes."""
    shutil.rmtree(lab.root, ignore_errors=True)
    for what in ("", "events", "sources", "stores"):
        name = f"{lab.index}-{what}" if what else lab.index
        lines = [json.dumps({"delete": {"_index": name, "_id": i}}) for i in lab.documents(what)]
        if lines:
            lab.ask(
                "POST",
                "_bulk?refresh=true",
                data="\n".join(lines) + "\n",
                headers={"content-type": "application/x-ndjson"},
            )


def journal_lines(lab: Lab) -> int:
    """Lines in all journals so far."""
    return sum(
        p.read_bytes().count(b"\n") for p in (lab.home / "state" / "journal").glob("*.jsonl")
    )


def files_in(folder: Path) -> int:
    """Files below a folder that has a catalog in it, without its private part."""
    return sum(len(names) for where, _, names in os.walk(folder) if ".catalog" not in where)


def wait_for(
    reached: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 60
) -> None:
    """Until something is reached, or the process has ended."""
    end = time.monotonic() + seconds
    while not reached() and process.poll() is None:
        assert time.monotonic() < end, "never reached"
        time.sleep(0.005)
