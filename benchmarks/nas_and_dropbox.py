"""How fast NAS and Dropbox are brought in step, beside one call a file and, where installed,
rclone.

    python benchmarks/nas_and_dropbox.py

Dropbox is the emulator of the tests, as a program of its own on this machine; `--latency` is added
to each of its answers where the table says so, as a line to the real service has it. The index is
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import orjson
import psutil
from sync import _fill, _make, _tree

from catalog.config import load
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.credentials import Credentials
from catalog.stores.dropbox.store import DropboxStore
from catalog.stores.local.root import LocalRoot
from catalog.work.progress import NoProgress
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
BIN = Path(sys.executable).parent
INDEX = f"bench-dropbox-{os.getpid()}"
TOKEN = "benchmark"


@contextlib.contextmanager
def _account(base: Path, name: str, latency: float = 0.0) -> Iterator[dict[str, str]]:
    """A Dropbox account on this machine; the environment that leads to it."""
    ca_file = base / f"{name}.pem"
    command = [
        sys.executable,
        "-m",
        "tests.emulators.dropbox",
        "--root",
        str(base / name),
        "--port",
        "0",
        "--ca-file",
        str(ca_file),
        "--token",
        TOKEN,
    ]
    if latency:
        plan = base / f"{name}.json"
        plan.write_bytes(orjson.dumps([{"action": "delay", "seconds": latency}]))
        command += ["--faults", str(plan)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = process.stdout.readline().strip().rpartition(":")[2]
        try:
            yield {
                "HTTPS_PROXY": f"http://127.0.0.1:{port}",
                "NO_PROXY": "",
                "no_proxy": "",
                "CATALOG_INDEX": INDEX,
                "CATALOG_DBOX_FULL_TOKEN": TOKEN,
                "CATALOG_DROPBOX_CA_CERT": str(ca_file),
                "CATALOG_DROPBOX_ROOT": "/photos",
                "CATALOG_STATE_DIR": str(base / "state"),
            }
        finally:
            process.terminate()


def _run(
    environment: dict[str, str], program: str, *arguments: str
) -> tuple[float, float, dict[str, Any]]:
    """Seconds, peak memory of the process tree in MB, and the summary of a whole command."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [BIN / program, *arguments, "--json"],
            stdout=out,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        peak = 0.0
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                peak = max(peak, sum(p.memory_full_info().pss for p in _tree(process.pid)) / 1e6)
            time.sleep(0.05)
        seconds = time.perf_counter() - start
        assert process.stderr
        complaint = process.stderr.read().decode()
        if process.returncode:
            raise click.ClickException(
                f"{program} ended with {process.returncode}: {complaint[-2000:]}"
            )
        out.seek(0)
        return seconds, peak, orjson.loads(out.read().splitlines()[-1])


def _rclone(base: Path, environment: dict[str, str], *arguments: str) -> float | None:
    """Seconds of an rclone command on the account; None where it is not installed."""
    rclone = shutil.which("rclone")
    if rclone is None:
        return None
    config = base / "rclone.conf"
    token = orjson.dumps(
        {"access_token": TOKEN, "token_type": "bearer", "expiry": "2099-01-01T00:00:00Z"}
    ).decode()
    config.write_text(f"[box]\ntype = dropbox\nclient_id = x\nclient_secret = y\ntoken = {token}\n")
    certificate = environment["CATALOG_DROPBOX_CA_CERT"]
    variables = (
        {k: v for k, v in os.environ.items() if k != "SSL_CERT_DIR"}
        | environment
        | {"SSL_CERT_FILE": certificate}
    )
    command = [rclone, "--config", str(config), "--ca-cert", certificate, "--quiet", *arguments]
    return _timed(
        lambda: subprocess.run(command, env=variables, stdout=subprocess.DEVNULL, check=True)
    )


def _upload(connection: Connection, data: bytes, path: str) -> None:
    connection.call(lambda sdk: sdk.files_upload(data, path))


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(name: str, seconds: float | None, memory: float = 0.0) -> None:
    if seconds is not None:
        click.echo(f"| {name:<52} | {seconds:>7.2f} | {f'{memory:.0f}' if memory else '':>9} |")


@click.command()
@click.option("--files", default=10_000, show_default=True, help="Files known to both sides.")
@click.option("--small", default=1000, show_default=True, help="Small files that are sent.")
@click.option("--entries", default=100_000, show_default=True, help="Entries of a first listing.")
@click.option(
    "--latency",
    default=0.05,
    show_default=True,
    help="Seconds added to each answer where small files are sent.",
)
def main(files: int, small: int, entries: int, latency: float) -> None:
    """Measure sending, a sync with nothing to do, and a first listing."""
    base = Path(tempfile.mkdtemp(prefix="bench-dropbox-"))
    workspace = Workspace(load(index=INDEX), NoProgress())
    repository = workspace.repository
    click.echo(f"| {'what':<52} | seconds | memory MB |\n|{'-' * 54}|--------:|----------:|")
    try:
        _make(base / "nas", files)
        StoreBook(workspace, repository).claim("nas", LocalRoot(base / "nas"))
        _fill(repository, base / "nas")
        with _account(base, "known") as environment:
            environment |= {"CATALOG_NAS_ROOT": str(base / "nas")}
            _both_sides(base, environment, files)
        _small_files(base, small, latency)
        _first_listing(base, entries)
    finally:
        for what in ("", "-events", "-stores", "-sources", "-decisions"):
            for index in repository.connection.request("GET", f"/{INDEX}{what}/_alias"):
                repository.connection.request("DELETE", f"/{index}")
        shutil.rmtree(base)


def _both_sides(base: Path, environment: dict[str, str], files: int) -> None:
    seconds, memory, summary = _run(environment, "sync_nas_to_dropbox")
    assert summary["copied"] == files, summary
    _row(f"sync_nas_to_dropbox, {files:,} files to send", seconds, memory)
    for program in ("sync_nas_to_dropbox", "sync_dropbox_to_nas"):
        seconds, memory, summary = _run(environment, program)
        assert summary["copied"] == summary["failed"] == 0, summary
        _row(f"{program}, {files:,} files on both sides", seconds, memory)
    shutil.rmtree(base / "state")
    seconds, memory, _summary = _run(environment, "sync_nas_to_dropbox")
    _row("the same, without the kept listing", seconds, memory)
    nas = str(base / "nas")
    _row(
        "peer: rclone check (hashes)",
        _rclone(base, environment, "check", "--exclude", ".catalog/**", nas, "box:photos"),
    )
    _row(
        "peer: rclone sync, nothing to do",
        _rclone(base, environment, "sync", "--exclude", ".catalog/**", nas, "box:photos"),
    )


def _small_files(base: Path, count: int, latency: float) -> None:
    _make(base / "small", count)
    paths = sorted((base / "small").rglob("*.jpg"))
    with _account(base, "slow", latency) as environment:
        os.environ |= environment
        connection = Connection(
            Credentials(TOKEN), ca_cert=Path(environment["CATALOG_DROPBOX_CA_CERT"])
        )
        sample = paths[: max(1, count // 10)]

        def one_by_one() -> None:
            for number, path in enumerate(sample):
                _upload(connection, path.read_bytes(), f"/single/{number}.jpg")

        single = _timed(one_by_one) * count / len(sample)
        connection.close()
        _row(f"{count:,} files, one files_upload after the other *", single)
        workspace = Workspace(load(index=INDEX), NoProgress())
        _forget(workspace, base)
        StoreBook(workspace, workspace.repository).claim("nas", LocalRoot(base / "small"))
        _fill(workspace.repository, base / "small")
        environment |= {"CATALOG_NAS_ROOT": str(base / "small")}
        seconds, memory, summary = _run(environment, "sync_nas_to_dropbox", "--limit", str(count))
        assert summary["copied"] == count, summary
        _row(f"{count:,} files, sync_nas_to_dropbox *", seconds, memory)
        _row(
            f"{count:,} files, peer: rclone copy *",
            _rclone(base, environment, "copy", str(base / "small"), "box:rclone"),
        )
        click.echo(
            f"\none by one / ours: {single / seconds:.1f} (goal: 3 at least); * each answer "
            f"{latency * 1000:.0f} ms later\n"
        )


def _forget(workspace: Workspace, base: Path) -> None:
    """An empty index again."""
    repository = workspace.repository
    for what in ("", "-events", "-stores", "-sources", "-decisions"):
        for index in repository.connection.request("GET", f"/{INDEX}{what}/_alias"):
            repository.connection.request("DELETE", f"/{index}")
    repository.indexes.ensure()
    shutil.rmtree(base / "state", ignore_errors=True)


def _first_listing(base: Path, entries: int) -> None:
    from emulators.dropbox import Emulator, Plant

    with Emulator(base / "many") as emulator:
        emulator.plant_many(
            Plant(
                f"/photos/{n // 1000}/{n}.jpg",
                size=1000 + n,
                content_hash=f"{n:064x}",
                client_modified=n,
            )
            for n in range(entries)
        )
    click.echo(f"| {'what':<52} | seconds | memory MB |\n|{'-' * 54}|--------:|----------:|")
    with _account(base, "many") as environment:
        os.environ |= environment
        connection = Connection(
            Credentials(TOKEN), ca_cert=Path(environment["CATALOG_DROPBOX_CA_CERT"])
        )
        store = DropboxStore("dropbox", "/photos", connection, base / "listing")
        process = psutil.Process()
        for name in ("first listing", "listing again"):
            before = process.memory_info().rss
            peak = count = 0

            def listing() -> None:
                nonlocal peak, count
                for _entry in store.list():
                    count += 1
                    if count % 1000 == 1:
                        peak = max(peak, process.memory_info().rss)

            seconds = _timed(listing)
            assert count == entries
            _row(
                f"{name} of {entries:,} entries (memory: what it adds)",
                seconds,
                (peak - before) / 1e6,
            )
        _row(
            "peer: rclone lsf",
            _rclone(base, environment, "lsf", "-R", "--files-only", "box:photos"),
        )
        store.close()


if __name__ == "__main__":
    main()
