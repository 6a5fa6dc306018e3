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
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import nas_and_dropbox as shared
import orjson
import psutil
from sync import _fill, _make, _tree

from catalog.config import load
from catalog.domain.fixity import ContentHasher
from catalog.stores.local.root import LocalRoot
from catalog.stores.local.store import LocalStore
from catalog.stores.webdav.access import Access
from catalog.stores.webdav.addresses import parse_address
from catalog.stores.webdav.connection import Login
from catalog.stores.webdav.store import WebdavStore
from catalog.work.progress import NoProgress
from catalog.work.store_book import StoreBook
from catalog.work.transfer import copy_between
from catalog.work.workspace import Workspace

ROOT = Path(__file__).parents[1]
USER, PASSWORD = "ann", "benchmark"
TRANSFERS, CHECKERS = 4, 8
LARGE = "film.mov"
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

    def rclone(self, base: Path, *arguments: str) -> Cost | None:
        """What an rclone command on it costs; None where rclone is not installed."""
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
        return _measured([rclone, "--config", str(config), *how, *arguments])


class Cost(NamedTuple):
    """What a command costs: seconds, those of CPU (user and system), the most anonymous memory of
    its processes in MB; and the last line that it said.
    """

    seconds: float
    cpu: float
    memory: float
    said: bytes = b""

    @property
    def summary(self) -> dict[str, Any]:
        """What a command of ours said last."""
        found: dict[str, Any] = orjson.loads(self.said)
        return found


def _measured(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Cost:
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, env={**os.environ, **(environment or {})})
        peak = 0.0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            peak = max(peak, sum(_anonymous(found) for found in _tree(process.pid)))
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        _pid, status, used = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise click.ClickException(f"{command} ended with {process.returncode}")
        out.seek(0)
        said = out.read().splitlines()[-1:]
    return Cost(seconds, used.ru_utime + used.ru_stime, peak, b"".join(said))


def _anonymous(process: psutil.Process) -> float:
    """MB that are its own, not those of files (RssAnon)."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1000
    return 0.0


def _ours(environment: dict[str, str], *arguments: str) -> Cost:
    program, *rest = arguments
    return _measured([shared.BIN / program, *rest, "--json"], environment)


def _row(name: str, costs: Sequence[Cost | None]) -> None:
    """The best of several runs."""
    found = [cost for cost in costs if cost is not None]
    if found:
        best = min(found)
        numbers = f"{best.seconds:>7.2f} | {best.cpu:>7.2f} | {best.memory:>9.0f}"
        click.echo(f"| {name:<54} | {numbers} |")


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
@click.option("--runs", default=3, show_default=True, help="Runs, of which the best counts.")
@click.option(
    "--latency", default=0.05, show_default=True, help="Seconds added to each answer, with a *."
)
def main(small: int, files: int, large: int, runs: int, latency: float) -> None:
    """Measure sending small files, a sync with nothing to do, and a large file."""
    base = Path(tempfile.mkdtemp(prefix="bench-webdav-"))
    workspace = Workspace(load(index=shared.INDEX), NoProgress())
    click.echo(f"| {'what':<54} | seconds |     CPU | memory MB |")
    click.echo(f"|{'-' * 56}|--------:|--------:|----------:|")
    try:
        ratios = {
            name: _small(base, workspace, name, (small, runs), latency)
            for name in DIALECTS
            if small
        }
        if files:
            _unchanged(base, workspace, (files, runs), latency)
        if large:
            _large(base, large, runs)
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
    shutil.rmtree(base / folder / ".catalog", ignore_errors=True)
    StoreBook(workspace, workspace.repository).claim("nas", LocalRoot(base / folder))
    _fill(workspace.repository, base / folder)
    return {"CATALOG_NAS_ROOT": str(base / folder), "CATALOG_STATE_DIR": str(base / "state")}


def _small(
    base: Path, workspace: Workspace, dialect: str, count_and_runs: tuple[int, int], latency: float
) -> float | None:
    """rclone's seconds over ours; None where it is not installed."""
    count, runs = count_and_runs
    ours, peers, many = [], [], []
    with _serving(base, dialect, latency) as server:
        for run in range(runs):
            environment = server.environment | _known(base, workspace, "small", count)
            _added(environment, f"Photos{run}")
            ours.append(_ours(environment, "catalog", "mirror", "nas", "cloud"))
            assert ours[-1].summary["copied"] == count, ours
            sent = ("copy", "--exclude", ".catalog/**", str(base / "small"))
            peers.append(server.rclone(base, *sent, f"dav:rclone{run}"))
            many.append(server.rclone(base, *sent, f"dav:many{run}", "--transfers", "8"))
        _row(f"{count:,} files, catalog mirror, {dialect} *", ours)
        _row(f"{count:,} files, peer: rclone copy, {dialect} *", peers)
        _row("the same, with --transfers 8 *", many)
    best = min(filter(None, peers), default=None)
    return None if best is None else best.seconds / min(ours).seconds


def _added(environment: dict[str, str], folder: str) -> None:
    command: list[str | Path] = [shared.BIN / "catalog", "store", "add", "cloud"]
    subprocess.run(
        [*command, f"webdav:{folder}"],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _unchanged(
    base: Path, workspace: Workspace, count_and_runs: tuple[int, int], latency: float
) -> None:
    count, runs = count_and_runs
    nas = _known(base, workspace, "known", count)
    mirror, sync = ("catalog", "mirror", "nas", "cloud"), ("catalog", "sync", "cloud")
    with _serving(base, "nextcloud", latency) as server:
        environment = server.environment | nas
        _added(environment, "Photos")
        _row(f"{count:,} files, catalog mirror *", [_ours(environment, *mirror)])
        _row("the first look at what was sent *", [_ours(environment, *mirror)])
        _row("the first sync of it *", [_ours(environment, *sync)])
        mirrored, synced, peers = [], [], []
        for _run in range(runs):
            mirrored.append(_ours(environment, *mirror))
            assert mirrored[-1].summary["copied"] == 0, mirrored
            synced.append(_ours(environment, *sync))
            assert synced[-1].summary["unchanged"] == count, synced
            same = ("sync", "--exclude", ".catalog/**", str(base / "known"), "dav:Photos")
            peers.append(server.rclone(base, *same))
        _row(f"catalog sync, {count:,} files, nothing changed *", synced)
        _row(f"catalog mirror, {count:,} files, nothing changed *", mirrored)
        _row("peer: rclone sync, nothing to do *", peers)
        version = [_ours(environment, "catalog", "status") for _run in range(runs)]
        _row("catalog status, which asks no server", version)


def _large(base: Path, mebibytes: int, runs: int) -> None:
    """One large file there and back, by the store alone, in a process of its own."""
    source, there = base / "large.mov", base / "there"
    there.mkdir()
    back, hasher = there / LARGE, ContentHasher()
    with source.open("wb") as stream:
        for number in range(mebibytes):
            block = number.to_bytes(8) * (_BLOCK // 8)
            hasher.update(block)
            stream.write(block)
    copied = ["dd", f"if={source}", f"of={back}", "bs=1M", "conv=fsync", "status=none"]
    digest = hasher.hexdigest()
    costs: dict[str, list[Cost | None]] = defaultdict(list)
    for _run in range(runs):
        costs["dd with fsync"].append(_measured(copied))
        back.unlink()
        with _serving(base, "nextcloud") as server:
            for what, call in (
                ("put, in pieces", f"send_large({str(source)!r}, {digest!r}, {server.files!r})"),
                ("fetched", f"fetch_large({str(there)!r}, {digest!r}, {server.files!r})"),
            ):
                code = f"import sys; sys.path[:0] = {sys.path!r}; import webdav; webdav.{call}"
                costs[what].append(_measured([sys.executable, "-c", code]))
            assert back.stat().st_size == source.stat().st_size
            back.unlink()
            sent = server.rclone(base, "copyto", str(source), "dav:rclone.mov")
            costs["peer: rclone copyto, there"].append(sent)
            costs["peer: rclone copyto, back"].append(
                server.rclone(base, "copyto", "dav:rclone.mov", str(back))
            )
            back.unlink(missing_ok=True)
        shutil.rmtree(base / "server", ignore_errors=True)
    for what, several in costs.items():
        _row(f"{mebibytes:,} MiB: {what}", several)


@contextlib.contextmanager
def _large_store(files: str) -> Iterator[WebdavStore]:
    address = parse_address(f"{files}/large")
    access = Access(Login(USER, PASSWORD), transfers=TRANSFERS)
    with tempfile.TemporaryDirectory() as state:
        connection = access.connection(address, "cloud")
        store = WebdavStore("cloud", address, connection, Path(state), is_new=True)
        with contextlib.closing(store):
            yield store


def send_large(source: str, digest: str, files: str) -> None:
    """Put a file, whose content hash is known to the catalog."""
    path = Path(source)
    with _large_store(files) as store, path.open("rb") as stream:
        store.put(LARGE, stream, path.stat().st_size, 1_600_000_000 * 10**9, digest)


def fetch_large(target: str, digest: str, files: str) -> None:
    """Bring it into a store of this machine, as a mirror does: proved by reading it once more."""
    with _large_store(files) as store:
        entry = store.stat(LARGE)
        assert entry is not None
        with contextlib.closing(LocalStore("here", Path(target))) as here:
            copy_between(store, entry, here, LARGE, digest)


if __name__ == "__main__":
    main()
