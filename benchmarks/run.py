"""How fast, beside what the machine can do and what a user would otherwise run.

One command, a table as output.

    python benchmarks/run.py --files 1000 --seed 1

Everything is measured in one run on one corpus (made by code, see corpus.py), with warm caches.
Ratios are what counts.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import click
import psutil
from corpus import Profile, make_corpus
from PIL import Image, ImageOps, JpegImagePlugin

from catalog.config import load
from catalog.domain.filetypes import BY_NAME
from catalog.domain.fixity import content_hash
from catalog.index import migration, schema
from catalog.index.repository import Repository
from catalog.media.findings import Findings
from catalog.media.source import MemorySource
from catalog.media.stills import read_still
from catalog.work.progress import NoProgress
from catalog.work.workspace import Workspace

CORES = len(os.sched_getaffinity(0))
BIN = Path(sys.executable).parent
INDEX = f"bench-{os.getpid()}"
REBUILT = 20_000


@dataclass
class Row:
    """One line of the table; `rate` is files a second of wall time, `cpu` milliseconds a file,
    `memory` MB at most.
    """

    name: str
    files: int
    seconds: float
    cpu: float = 0.0
    memory: float = 0.0

    @property
    def rate(self) -> float:
        """Files a second."""
        return self.files / self.seconds


@contextmanager
def _measured(row: Row) -> Iterator[None]:
    before = _cpu()
    start = time.perf_counter()
    yield
    row.seconds = time.perf_counter() - start
    row.cpu = (_cpu() - before) / max(row.files, 1) * 1000


def _cpu() -> float:
    return sum(
        u.ru_utime + u.ru_stime
        for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _threads(
    name: str, paths: list[Path], work: Callable[[bytes], object], attempts: int = 3
) -> Row:
    """The work alone, with as many threads as cores; the fastest of some attempts."""
    best = Row(name, len(paths), float("inf"))
    for _attempt in range(attempts):
        row = Row(name, len(paths), 0.0)
        with _measured(row), ThreadPoolExecutor(CORES) as pool:
            list(pool.map(lambda p: work(p.read_bytes()), paths))
        best = min(best, row, key=lambda r: r.seconds)
    return best


def _decode(data: bytes) -> None:
    picture = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    picture.draft("L", (picture.width // 8, picture.height // 8))
    picture.load()


def _command(
    name: str,
    files: int,
    command: list[str],
    environment: dict[str, str] | None = None,
    ok: tuple[int, ...] = (0, 3),
) -> Row:
    """A whole process, with the memory of its tree (sum of proportional set sizes, sampled)."""
    row = Row(name, files, 0.0)
    with _measured(row):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
        )
        watcher = threading.Thread(target=_watch, args=(process.pid, row), daemon=True)
        watcher.start()
        _out, errors = process.communicate()
    watcher.join()
    if process.returncode not in ok:
        raise click.ClickException(
            f"{name} ended with {process.returncode}: {errors.decode()[-500:]}"
        )
    return row


def _watch(pid: int, row: Row) -> None:
    """Keep the largest sum of the tree's proportional set sizes."""
    while True:
        try:
            root = psutil.Process(pid)
            tree = [root, *root.children(recursive=True)]
            if root.status() == psutil.STATUS_ZOMBIE:
                return
            row.memory = max(row.memory, sum(p.memory_full_info().pss for p in tree) / 1e6)
        except psutil.NoSuchProcess:
            if not psutil.pid_exists(pid):
                return
        time.sleep(0.1)


def _naive(data: bytes) -> None:
    """What is usually written first: one digest, the EXIF of Pillow,
    and a full decode for ImageHash.
    """
    import imagehash

    hashlib.sha256(data).hexdigest()
    with Image.open(io.BytesIO(data)) as picture:
        picture.getexif().get_ifd(0x8769)
        imagehash.phash(ImageOps.exif_transpose(picture))


def _is_whole_jpeg(path: Path) -> bool:
    try:
        _decode(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _metadata(name: str, paths: list[Path]) -> Row:
    """Our readers of metadata alone, in this process, one thread; the files are read by them,
    too.
    """
    row = Row(name, len(paths), 0.0)
    with _measured(row):
        for path in paths:
            read_still(MemorySource(path.read_bytes()), BY_NAME["jpeg"], Findings())
    return row


def _limits(corpus: Path) -> tuple[list[Row], list[Path]]:
    everything = sorted(p for p in corpus.rglob("*") if p.is_file())
    jpegs = [
        p
        for p in everything
        if p.suffix.lower() in (".jpg", ".jpeg") and p.stat().st_size > 4096 and _is_whole_jpeg(p)
    ]
    rows = [
        _threads("limit: read", everything, lambda _data: None),
        _threads("limit: content hash", everything, content_hash),
        _threads("limit: scaled decode (JPEG)", jpegs, _decode),
    ]
    return rows, jpegs


def _ours(corpus: Path, files: int, work: Path, environment: dict[str, str]) -> list[Row]:
    """The commands, into an empty catalog and again."""
    upload = [
        str(BIN / "upload_to_nas_from_disk"),
        "-r",
        "-q",
        "--nas_root",
        str(work / "nas"),
        "--index",
        INDEX,
    ]
    copy = work / "moved"
    rows = [
        _command(
            "facts (images_in_directory)",
            files,
            [str(BIN / "images_in_directory"), "-r", str(corpus)],
            environment,
        ),
        _command("upload, empty catalog", files, [*upload, str(corpus)], environment),
        _command("upload again, unchanged", files, [*upload, str(corpus)], environment),
    ]
    shutil.copytree(corpus, copy)
    rows.append(_command("upload again, from elsewhere", files, [*upload, str(copy)], environment))
    return rows


def _rebuild(environment: dict[str, str]) -> Row:
    """The index brought to a newer schema: every document read, and written to a new index,
    by the program's own code.
    """
    os.environ.update(environment)
    workspace = Workspace(load(index=INDEX), NoProgress())
    source = workspace.repository
    models = [hit["_source"] for page in source.scan_pages() for hit in page]
    target = Repository(source.connection, f"{INDEX}-rebuilt")
    target.indexes.ensure()
    for start in range(0, REBUILT, 1000):
        lines = []
        for number in range(start, start + 1000):
            digest = hashlib.sha256(str(number).encode()).hexdigest()
            lines += [
                {"create": {"_index": target.alias, "_id": digest}},
                models[number % len(models)] | {"hash": digest},
            ]
        target.bulk(lines)
    target.refresh()
    schema.SCHEMA_VERSION += 1
    migration.UPGRADES[schema.SCHEMA_VERSION - 1] = {}
    row = Row("rebuild (index to a newer schema)", REBUILT, 0.0)
    with _measured(row):
        target.indexes.ensure()
    return row


def _peers(corpus: Path, files: int, jpegs: list[Path]) -> list[Row]:
    rows = []
    if importlib.util.find_spec("imagehash"):
        rows.append(_threads("peer: full decode and ImageHash (JPEG)", jpegs, _naive, attempts=1))
    if shutil.which("exiftool"):
        rows.append(
            _command(
                "peer: exiftool -r -j",
                files,
                ["exiftool", "-r", "-j", "-q", str(corpus)],
                ok=(0, 1),
            )
        )
    if shutil.which("sha256sum"):
        script = f"find {corpus} -type f -print0 | xargs -0 -P {CORES} -n 50 sha256sum"
        rows.append(_command(f"peer: sha256sum, {CORES} processes", files, ["sh", "-c", script]))
    return rows


def _print(rows: list[Row]) -> None:
    click.echo(f"| {'what':<36} | files/s | seconds | CPU ms/file | memory MB |")
    click.echo(f"|{'-' * 38}|--------:|--------:|------------:|----------:|")
    for row in rows:
        memory = f"{row.memory:.0f}" if row.memory else ""
        click.echo(
            f"| {row.name:<36} | {row.rate:>7,.0f} | {row.seconds:>7.2f} | {row.cpu:>11.2f} | "
            f"{memory:>9} |"
        )


def _print_goals(rows: list[Row]) -> None:
    by_name = {r.name: r for r in rows}
    decode = by_name["limit: scaled decode (JPEG)"].rate
    facts, first = by_name["facts (images_in_directory)"], by_name["upload, empty catalog"]
    goals = [
        ("facts / scaled decode", facts.rate / decode, ">= 0.80"),
        ("upload / scaled decode", first.rate / decode, ">= 0.60"),
        (
            "upload again, unchanged / first",
            by_name["upload again, unchanged"].seconds / first.seconds,
            "<= 0.25",
        ),
        (
            "upload again, from elsewhere / first",
            by_name["upload again, from elsewhere"].seconds / first.seconds,
            "<= 0.25",
        ),
    ]
    hashes = by_name["limit: content hash"]
    for name, row in by_name.items():
        if name.startswith("peer: exiftool"):
            ours = by_name["metadata only, one thread (JPEG)"]
            goals.append(("exiftool CPU / ours, metadata only", row.cpu / ours.cpu, ">= 8"))
        if name.startswith("peer: full decode"):
            goals.append(("facts / full decode and ImageHash", facts.rate / row.rate, ">= 4"))
        if name.startswith("peer: sha256sum"):
            goals.append(("content hash / sha256sum", hashes.rate / row.rate, ">= 3"))
    click.echo(f"\n| {'ratio':<36} | measured | goal    |\n|{'-' * 38}|---------:|---------|")
    for name, value, goal in goals:
        click.echo(f"| {name:<36} | {value:>8.2f} | {goal:<7} |")


@click.command()
@click.option("--files", default=1000, show_default=True, help="Files in the corpus.")
@click.option("--seed", default=1, show_default=True, help="Seed of the corpus.")
@click.option(
    "--profile",
    type=click.Choice(get_args(Profile)),
    default="mixed",
    show_default=True,
    help="See corpus.py.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where to keep the corpus; else a temporary folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def main(files: int, seed: int, profile: Profile, folder: Path | None, as_json: bool) -> None:
    """Measure reading, facts and uploads on a corpus made by code, beside limits and peers."""
    with tempfile.TemporaryDirectory(prefix="catalog-bench-") as temporary:
        work = Path(temporary)
        work.chmod(0o755)
        corpus = (folder or work / "corpus") / f"{profile}-{files}-{seed}"
        make_corpus(corpus, files, seed, profile)
        environment = {
            **os.environ,
            "CATALOG_STATE_DIR": str(work / "state"),
            "CATALOG_NODE_HOME": str(work / "node"),
        }
        environment |= {k: v for k, v in os.environ.items() if k.startswith("CATALOG_")}
        engine = str(BIN / "catalog")
        subprocess.run(
            [engine, "engine", "start", "-q"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        try:
            rows, jpegs = _limits(corpus)
            rows.append(_metadata("metadata only, one thread (JPEG)", jpegs))
            rows += _ours(corpus, files, work, environment)
            rows += [_rebuild(environment), *_peers(corpus, files, jpegs)]
        finally:
            if "CATALOG_NODE_HOME" not in os.environ:
                subprocess.run(
                    [engine, "engine", "stop"],
                    env=environment,
                    check=False,
                    stdout=subprocess.DEVNULL,
                )
    if as_json:
        click.echo(json.dumps([vars(r) for r in rows]))
    else:
        _print(rows)
        _print_goals(rows)


if __name__ == "__main__":
    main()
