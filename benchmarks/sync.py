"""How fast a disk store and the index are brought in step, beside a plain listing and,
where installed, rclone.

    python benchmarks/sync.py --files 100000

The store is made of small files by code, and its documents are written straight into the index of
the program's own node (or of the one that the environment names); everything is measured in one
run, with warm caches.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson
import psutil

from catalog.config import load
from catalog.domain.asset import Entry
from catalog.domain.copies import copy_row, flat
from catalog.domain.fixity import content_hash
from catalog.index.client import Line
from catalog.index.repository import Repository
from catalog.stores.local.root import LocalRoot
from catalog.stores.machine import machine_id
from catalog.work.progress import NoProgress
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

BIN = Path(sys.executable).parent
INDEX = f"bench-sync-{os.getpid()}"
PER_FOLDER = 1000


def _make(root: Path, files: int) -> None:
    """Small files, a thousand a folder, each with content of its own."""
    for number in range(files):
        folder = (
            root
            / f"{2000 + number // (12 * PER_FOLDER)}"
            / f"{number // PER_FOLDER % 12 + 1:02d}_Month"
        )
        if number % PER_FOLDER == 0:
            folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"2019-07-12 18-30-15_{number}.jpg"
        path.write_bytes(b"\xff\xd8\xff\xe0" + b"%08d" % number * 25)
        os.utime(path, (1_600_000_000 + number, 1_600_000_000 + number))


def _lines(repository: Repository, root: Path) -> Iterator[Line]:
    """Documents of the size that real ones have, one a file."""
    now = datetime.now(UTC)
    for path in sorted(root.rglob("*.jpg")):
        status = path.stat()
        relative = path.relative_to(root).as_posix()
        entry = Entry(
            relative,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_dev,
            status.st_ino,
            host=machine_id(),
        )
        digest = content_hash(path.read_bytes())
        yield {"create": {"_index": repository.alias, "_id": digest}}
        yield {
            "hash": digest,
            "size": status.st_size,
            "kind": "image",
            "type": "jpeg",
            "mime": "image/jpeg",
            "extension": "jpg",
            "captured": {
                "wall": "2019-07-12T18:30:15.000",
                "source": "exif:DateTimeOriginal",
                "confidence": "high",
            },
            "camera": {"make": "Apple", "model": "iPhone 12"},
            "width": 4032,
            "height": 3024,
            "phash": digest[:16],
            "place": {"city": "Ghent", "country": "Belgium"},
            "notes": ["made by a benchmark " + "x" * 400],
            **flat([copy_row("nas", entry, now, now)]),
        }


def _fill(repository: Repository, root: Path) -> None:
    batch: list[Line] = []
    for line in _lines(repository, root):
        batch.append(line)
        if len(batch) >= 4000:
            repository.bulk(batch)
            batch = []
    if batch:
        repository.bulk(batch)
    repository.refresh()


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _scan(repository: Repository) -> None:
    for _page in repository.scan_pages(source=["copies", "sidecars", "stack.id"]):
        pass


def _sync(root: Path, *flags: str) -> tuple[float, float, dict[str, int]]:
    """Seconds, peak memory of the process tree in MB, and the summary of a whole command."""
    command = [
        str(BIN / "sync_catalog_with_disk"),
        "--nas_root",
        str(root),
        "--index",
        INDEX,
        "--json",
        *flags,
    ]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = 0.0
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    output = b""
    while process.poll() is None:
        output = (output + (process.stdout.read() or b""))[-20_000:]
        with contextlib.suppress(psutil.Error):
            peak = max(peak, sum(p.memory_full_info().pss for p in _tree(process.pid)) / 1e6)
        time.sleep(0.05)
    seconds = time.perf_counter() - start
    output += process.stdout.read() or b""
    if process.returncode:
        raise click.ClickException(f"the sync ended with {process.returncode}")
    return seconds, peak, orjson.loads(output.splitlines()[-1])


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _start() -> None:
    subprocess.run([BIN / "catalog", "--version"], stdout=subprocess.DEVNULL, check=True)


def _row(name: str, seconds: float, memory: float = 0.0) -> None:
    click.echo(
        f"| {name:<46} | {seconds:>7.2f} | {memory:>9.0f} |"
        if memory
        else f"| {name:<46} | {seconds:>7.2f} |           |"
    )


@click.command()
@click.option("--files", default=100_000, show_default=True, help="Files in the store.")
@click.option(
    "--renamed", default=10_000, show_default=True, help="Files in the folders that are renamed."
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to work. Default: a temporary folder."
)
def main(files: int, renamed: int, folder: Path | None) -> None:
    """Measure a sync without changes, and one after a rename."""
    base = folder or Path(tempfile.mkdtemp(prefix="bench-sync-"))
    root = base / f"nas-{files}"
    workspace = Workspace(load(index=INDEX), NoProgress())
    repository = workspace.repository
    try:
        if not root.exists():
            _make(root, files)
        StoreBook(workspace, repository).claim("nas", LocalRoot(root))
        _fill(repository, root)
        _measure(repository, root, renamed)
    finally:
        for what in ("", "-events", "-stores", "-sources", "-decisions"):
            for index in repository.connection.request("GET", f"/{INDEX}{what}/_alias"):
                repository.connection.request("DELETE", f"/{index}")
        shutil.rmtree(root if folder else base)


def _measure(repository: Repository, root: Path, renamed: int) -> None:
    find = ["find", str(root), "-type", "f", "-printf", "%p %s %T@\n"]
    click.echo(f"| {'what':<46} | seconds | memory MB |\n|{'-' * 48}|--------:|----------:|")
    _row("start of the program (--version)", start := _timed(_start))
    listing = min(
        _timed(lambda: subprocess.run(find, stdout=subprocess.DEVNULL, check=True))
        for _ in range(3)
    )
    _row("limit: find -printf", listing)
    scan = min(_timed(lambda: _scan(repository)) for _ in range(2))
    _row("limit: one scan of the index", scan)
    if rclone := shutil.which("rclone"):
        command = [rclone, "check", "--size-only", str(root), str(root)]
        _row(
            "peer: rclone check --size-only",
            _timed(lambda: subprocess.run(command, stderr=subprocess.DEVNULL, check=True)),
        )
    seconds, memory, summary = _sync(root)
    assert summary["moved"] == summary["new"] == 0, summary
    _row("sync_catalog_with_disk, nothing changed", seconds, memory)
    folders = sorted(p for p in root.glob("*/*") if p.is_dir())[: renamed // PER_FOLDER]
    for path in folders:
        path.rename(path.with_name(f"{path.name} renamed"))
    again, peak, summary = _sync(root)
    assert summary["moved"] == len(folders) * PER_FOLDER, summary
    _row(f"sync, folders of {len(folders) * PER_FOLDER:,} files renamed", again, peak)
    click.echo(
        f"\nnothing changed / (listing + scan): {(seconds - start) / (listing + scan):.2f} (goal: "
        "3 at most)"
    )


if __name__ == "__main__":
    main()
