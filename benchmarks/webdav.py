"""How fast a NAS is mirrored to a WebDAV server, beside rclone with as many transfers and checks.

    python benchmarks/webdav.py

The server is the emulator of the tests, as a program of its own on this machine, as a Nextcloud and
as a plain server; `--latency` is added to each of its answers where the table says so. The index is
the program's own node (or the one that the environment names).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import nas_and_dropbox as shared
from sync import _fill, _make

from catalog.config import load
from catalog.domain.fixity import ContentHasher
from catalog.stores.local.root import LocalRoot
from catalog.stores.webdav.access import Access
from catalog.stores.webdav.addresses import parse_address
from catalog.stores.webdav.connection import Login
from catalog.stores.webdav.store import WebdavStore
from catalog.work.progress import NoProgress
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

ROOT = Path(__file__).parents[1]
USER, PASSWORD = "ann", "benchmark"
TRANSFERS, CHECKERS = 4, 8
_BLOCK = 1 << 20


class Server:
    """The emulator, running: its address, and that of the files in it."""

    def __init__(self, address: str, dialect: str) -> None:
        self.dialect = dialect
        files = f"/remote.php/dav/files/{USER}"
        self.files = address + (files if dialect == "nextcloud" else "")

    @property
    def environment(self) -> dict[str, str]:
        """Settings that lead to it."""
        return {
            "CATALOG_INDEX": shared.INDEX,
            "CATALOG_WEBDAV_URL": self.files,
            "CATALOG_WEBDAV_USERNAME": USER,
            "CATALOG_WEBDAV_PASSWORD": PASSWORD,
            "CATALOG_TRANSFERS": str(TRANSFERS),
        }

    def rclone(self, base: Path, *arguments: str) -> float | None:
        """Seconds of an rclone command on it; None where rclone is not installed."""
        rclone = shutil.which("rclone")
        if rclone is None:
            return None
        obscured = subprocess.run(
            [rclone, "obscure", PASSWORD], capture_output=True, text=True, check=True
        ).stdout.strip()
        config = base / "rclone.conf"
        vendor = "nextcloud" if self.dialect == "nextcloud" else "other"
        config.write_text(
            f"[dav]\ntype = webdav\nurl = {self.files}\nvendor = {vendor}\nuser = {USER}\n"
            f"pass = {obscured}\n"
        )
        how = ["--transfers", str(TRANSFERS), "--checkers", str(CHECKERS), "--quiet"]
        command = [rclone, "--config", str(config), *how, *arguments]
        return shared._timed(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True))


@contextlib.contextmanager
def _serving(base: Path, dialect: str, latency: float = 0.0) -> Iterator[Server]:
    command = [sys.executable, "-m", "tests.emulators.nextcloud", "--root", str(base / "server")]
    command += ["--dialect", dialect, "--latency", str(latency)]
    command += ["--user", USER, "--password", PASSWORD]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Server(process.stdout.readline().split()[-1], dialect)
        finally:
            process.terminate()


@click.command()
@click.option("--small", default=1000, show_default=True, help="Small files that are sent.")
@click.option("--files", default=10_000, show_default=True, help="Files known to both sides.")
@click.option("--large", default=2048, show_default=True, help="MiB of the large file.")
@click.option(
    "--latency", default=0.05, show_default=True, help="Seconds added to each answer, with a *."
)
def main(small: int, files: int, large: int, latency: float) -> None:
    """Measure sending small files, a sync with nothing to do, and a large file."""
    base = Path(tempfile.mkdtemp(prefix="bench-webdav-"))
    workspace = Workspace(load(index=shared.INDEX), NoProgress())
    click.echo(f"| {'what':<52} | seconds | memory MB |\n|{'-' * 54}|--------:|----------:|")
    try:
        ratios = {name: _small(base, workspace, name, small, latency) for name in DIALECTS}
        _unchanged(base, workspace, files, latency)
        _large(base, large)
        for name, ratio in ratios.items():
            goal = {"nextcloud": 3, "plain": 1}[name]
            if ratio is not None:
                click.echo(f"rclone / ours, {name}: {ratio:.1f} (goal: {goal} at least)")
    finally:
        shared._forget(workspace, base)
        for what in ("", "-events", "-stores", "-sources", "-decisions"):
            connection = workspace.repository.connection
            for index in connection.request("GET", f"/{shared.INDEX}{what}/_alias"):
                connection.request("DELETE", f"/{index}")
        shutil.rmtree(base)


DIALECTS = ("nextcloud", "plain")


def _known(base: Path, workspace: Workspace, folder: str, count: int) -> dict[str, str]:
    """A NAS of small files that the index knows, and nothing else; the setting that leads to it."""
    shared._forget(workspace, base)
    if not (base / folder).exists():
        _make(base / folder, count)
    StoreBook(workspace, workspace.repository).claim("nas", LocalRoot(base / folder))
    _fill(workspace.repository, base / folder)
    return {"CATALOG_NAS_ROOT": str(base / folder), "CATALOG_STATE_DIR": str(base / "state")}


def _small(
    base: Path, workspace: Workspace, dialect: str, count: int, latency: float
) -> float | None:
    """rclone's seconds over ours; None where it is not installed."""
    nas = _known(base, workspace, f"small-{dialect}", count)
    with _serving(base, dialect, latency) as server:
        environment = server.environment | nas
        _added(environment)
        seconds, memory, summary = shared._run(environment, "catalog", "mirror", "nas", "cloud")
        assert summary["copied"] == count, summary
        shared._row(f"{count:,} files, catalog mirror, {dialect} *", seconds, memory)
        source = str(base / f"small-{dialect}")
        peer = server.rclone(base, "copy", "--exclude", ".catalog/**", source, "dav:rclone")
        shared._row(f"{count:,} files, peer: rclone copy, {dialect} *", peer)
        return None if peer is None else peer / seconds


def _added(environment: dict[str, str]) -> None:
    command: list[str | Path] = [shared.BIN / "catalog", "store", "add", "cloud", "webdav:Photos"]
    subprocess.run(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True
    )


def _unchanged(base: Path, workspace: Workspace, count: int, latency: float) -> None:
    nas = _known(base, workspace, "known", count)
    with _serving(base, "nextcloud", latency) as server:
        environment = server.environment | nas
        _added(environment)
        shared._run(environment, "catalog", "mirror", "nas", "cloud")
        shared._run(environment, "catalog", "mirror", "nas", "cloud")
        seconds, memory, summary = shared._run(environment, "catalog", "mirror", "nas", "cloud")
        assert summary["copied"] == 0, summary
        shared._row(f"catalog mirror, {count:,} files, nothing to do *", seconds, memory)
        arguments = ("sync_catalog_with_disk", "--store", "cloud")
        seconds, memory, summary = shared._run(environment, *arguments)
        assert summary["unchanged"] == count, summary
        shared._row(f"sync of {count:,} files, nothing changed *", seconds, memory)
        source = str(base / "known")
        peer = server.rclone(base, "sync", "--exclude", ".catalog/**", source, "dav:Photos")
        shared._row("peer: rclone sync, nothing to do *", peer)


def _large(base: Path, mebibytes: int) -> None:
    """One large file, by the store alone, in a process of its own."""
    source = base / "large.mov"
    with source.open("wb") as stream:
        for number in range(mebibytes):
            stream.write(number.to_bytes(8) * (_BLOCK // 8))
    target = base / "copied.mov"
    seconds = shared._timed(
        lambda: subprocess.run(
            ["dd", f"if={source}", f"of={target}", "bs=1M", "conv=fsync", "status=none"], check=True
        )
    )
    target.unlink()
    shared._row(f"{mebibytes:,} MiB: dd with fsync", seconds)
    with _serving(base, "nextcloud") as server:
        code = f"import webdav; webdav.send_large({str(source)!r}, {server.files!r})"
        started = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
        seconds, memory = map(float, started.stdout.split())
        shared._row(f"{mebibytes:,} MiB: put, in pieces", seconds, memory)
        peer = server.rclone(base, "copyto", str(source), "dav:rclone.mov")
        shared._row(f"{mebibytes:,} MiB: peer: rclone copyto", peer)


def send_large(source: str, files: str) -> None:
    """Put a file; print the seconds, and the most memory in MB that the process had."""
    import resource

    path = Path(source)
    hasher = ContentHasher()
    with path.open("rb") as stream:
        while piece := stream.read(_BLOCK):
            hasher.update(piece)
    address = parse_address(f"{files}/large")
    access = Access(Login(USER, PASSWORD), transfers=TRANSFERS)
    with tempfile.TemporaryDirectory() as state:
        connection = access.connection(address, "cloud")
        store = WebdavStore("cloud", address, connection, Path(state), is_new=True)

        def put() -> None:
            with path.open("rb") as stream:
                size = path.stat().st_size
                store.put("film.mov", stream, size, 1_600_000_000 * 10**9, hasher.hexdigest())

        seconds = shared._timed(put)
        store.close()
    click.echo(f"{seconds} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}")


if __name__ == "__main__":
    main()
