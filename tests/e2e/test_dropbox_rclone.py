"""The Dropbox emulator, started as a program, under a client that knows nothing of it: rclone."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

RCLONE = shutil.which("rclone")
REPOSITORY = Path(__file__).parents[2]
TOKEN = "a-token-for-rclone"


def missing() -> str:
    """Why these tests cannot run; in CI, where rclone must be, nothing excuses them."""
    return "" if RCLONE or os.environ.get("CI") else "rclone is not installed"


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@dataclass(frozen=True)
class Rclone:
    """rclone with the emulator as the remote `emu:`; `folder` holds what it copies."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, fails: bool = False) -> str:
        assert RCLONE, "rclone is not installed"
        command = [
            RCLONE,
            "--ca-cert",
            str(self.folder / "ca.pem"),
            "--retries",
            "1",
            "--dropbox-chunk-size",
            "1M",
            *arguments,
        ]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert bool(done.returncode) == fails, done.stderr
        return done.stdout if not fails else done.stderr

    def names(self, path: str = "") -> list[str]:
        return sorted(self.run("lsf", "--recursive", "--files-only", f"emu:{path}").splitlines())


@pytest.fixture
def rclone(tmp_path: Path) -> Iterator[Rclone]:
    command = [
        sys.executable,
        "-m",
        "tests.emulators.dropbox",
        "--root",
        str(tmp_path / "account"),
        "--token",
        TOKEN,
    ]
    command += ["--ca-file", str(tmp_path / "ca.pem")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().removeprefix("ready ").strip()
            token = {
                "access_token": TOKEN,
                "token_type": "bearer",
                "expiry": "2999-01-01T00:00:00Z",
            }
            (tmp_path / "rclone.conf").write_text(
                "[emu]\ntype = dropbox\nclient_id = emulator-app\nclient_secret = "
                f"emulator-secret\ntoken = {json.dumps(token)}\n"
            )
            kept = {
                name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ
            }
            yield Rclone(
                tmp_path,
                kept
                | {
                    "HTTPS_PROXY": address.replace("https:", "http:"),
                    "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
                    "RCLONE_CONFIG": str(tmp_path / "rclone.conf"),
                    "RCLONE_CACHE_DIR": str(tmp_path / "cache"),
                },
            )
        finally:
            process.terminate()
            assert process.wait(20) == 0


@pytest.fixture
def photos(rclone: Rclone) -> Path:
    """Some files: small, empty, in chunks, with names of every kind."""
    random_bytes = random.Random(7).randbytes
    folder = rclone.folder / "photos"
    sizes = {
        "2020/a.jpg": 1000,
        "2020/empty.txt": 0,
        "2021/Überfahrt, Café 日本 😀.jpg": 2000,
        "2021/deep/er/chunks.mov": 4 * 1024 * 1024 + 123_457,
        "2021/with space & (brackets) 'quoted'.png": 10,
    }
    for name, size in sizes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random_bytes(size))
        os.utime(path, (1_500_000_000, 1_500_000_000))
    return folder


def names_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_copy_and_check_both_ways(rclone: Rclone, photos: Path) -> None:
    rclone.run("copy", str(photos), "emu:Photos")
    assert rclone.names("photos") == names_of(photos)
    rclone.run("check", str(photos), "emu:Photos")
    rclone.run("check", "--download", str(photos), "emu:Photos")
    rclone.run("copy", "emu:Photos", str(rclone.folder / "back"))
    for name in names_of(photos):
        assert (rclone.folder / "back" / name).read_bytes() == (photos / name).read_bytes()
        assert (rclone.folder / "back" / name).stat().st_mtime == 1_500_000_000
    (photos / "2020/a.jpg").write_bytes(b"x" * 1000)
    assert "1 differences found" in rclone.run("check", str(photos), "emu:Photos", fails=True)


def test_sync_deletes_and_replaces(rclone: Rclone, photos: Path) -> None:
    rclone.run("sync", str(photos), "emu:")
    (photos / "2020/a.jpg").unlink()
    (photos / "2020/empty.txt").write_bytes(b"no longer")
    (photos / "new").mkdir()
    (photos / "new/one.jpg").write_bytes(b"one")
    rclone.run("sync", str(photos), "emu:")
    assert rclone.names() == names_of(photos)
    rclone.run("check", "--download", str(photos), "emu:")


def test_moving_and_copying_on_the_server(rclone: Rclone, photos: Path) -> None:
    rclone.run("copy", str(photos), "emu:one")
    rclone.run("moveto", "emu:one/2020/a.jpg", "emu:one/2020/b.jpg")
    rclone.run("move", "emu:one/2021", "emu:moved")
    rclone.run("copy", "emu:moved", "emu:copied")
    assert rclone.names("one") == ["2020/b.jpg", "2020/empty.txt"]
    rclone.run("check", "--download", str(photos / "2021"), "emu:moved")
    rclone.run("check", "--download", str(photos / "2021"), "emu:copied")
    (photos / "text").write_text("0123456789")
    rclone.run("copyto", str(photos / "text"), "emu:text")
    assert rclone.run("cat", "emu:text", "--offset", "3", "--count", "4") == "3456"


def test_purge_and_about(rclone: Rclone, photos: Path) -> None:
    rclone.run("copy", str(photos), "emu:a/b")
    rclone.run("copy", str(photos), "emu:keep")
    used = sum((photos / name).stat().st_size for name in names_of(photos))
    assert json.loads(rclone.run("about", "--json", "emu:"))["used"] == 2 * used
    rclone.run("purge", "emu:a")
    assert rclone.run("lsf", "emu:").splitlines() == ["keep/"]
    assert "directory not found" in rclone.run("lsf", "emu:a", fails=True)
