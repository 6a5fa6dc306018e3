"""The files of Elasticsearch are checked before each start, and read only where they changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.domain.names import printable
from catalog.engine import integrity
from catalog.engine.integrity import check_files, tree_digest
from catalog.errors import NodeError

FILES = {"bin/run": b"#!/bin/sh\n", "lib/a.jar": b"a" * 1000, "lib/sub/b.jar": b"b" * 10}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "dist/elasticsearch-9"
    for name, data in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(data)
    return made


@pytest.fixture
def expected() -> str:
    from hashlib import sha256

    return tree_digest({name: sha256(data).hexdigest() for name, data in FILES.items()})


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read."""
    paths: list[str] = []
    digest = integrity._digest

    def counting(path: str, mode: int) -> str:
        paths.append(path)
        return digest(path, mode)

    monkeypatch.setattr(integrity, "_digest", counting)
    return paths


def test_what_was_read_once_is_not_read_again(folder: Path, expected: str, read: list[str]):
    check_files(folder, expected)
    assert len(read) == len(FILES)
    check_files(folder, expected)
    assert len(read) == len(FILES)
    os.utime(folder / "lib/a.jar", (1, 1))
    check_files(folder, expected)
    assert read[len(FILES) :] == [f"{folder}/lib/a.jar"]
    (folder.parent / f"{folder.name}.seen.json").write_bytes(b"[{}")
    check_files(folder, expected)
    assert len(read) == 2 * len(FILES) + 1


def _edit(folder: Path) -> None:
    path = folder / "lib/a.jar"
    status = path.stat()
    path.write_bytes(b"x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_edit, "lib/a.jar"),
        (lambda folder: (folder / "lib/sub/b.jar").unlink(), "lib/sub/b.jar"),
        (lambda folder: (folder / "lib/c\x1b.jar").write_bytes(b""), "lib/c\x1b.jar"),
        (lambda folder: (folder / "plugins").symlink_to("/tmp"), "plugins"),
        (lambda folder: shutil.move(folder / "bin/run", folder / "bin/ran"), "bin/ran and 1 more"),
    ],
)
def test_a_file_that_is_not_that_of_the_archive_is_refused_for_good(
    folder: Path, expected: str, change: Callable[[Path], object], named: str
):
    check_files(folder, expected)
    change(folder)
    with pytest.raises(NodeError, match="are not those of its checked archive") as caught:
        check_files(folder, expected)
    assert f"({named})" in caught.value.message and printable(named)
    with pytest.raises(NodeError):  # and is not taken for known the next time
        check_files(folder, expected)


def test_files_that_were_never_seen_are_all_read(folder: Path, expected: str, read: list[str]):
    _edit(folder)
    with pytest.raises(NodeError) as caught:
        check_files(folder, expected)
    assert "(" not in caught.value.message and len(read) == len(FILES)
