"""Files that are written beside those whose places they take."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from catalog.filesystem.aside import PRIVATE, open_aside, replace_file


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    replace_file(tmp_path / "a.json", b"one")
    replace_file(tmp_path / "a.json", b"two")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.json": b"two"}


def test_where_it_cannot_be_brought_to_the_disk_the_file_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_file(tmp_path / "a.json", b"one")

    def full(_descriptor: int) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="full"):
            replace_file(tmp_path / "a.json", b"two")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.json": b"one"}


def test_nobody_else_can_read_a_private_file_at_any_moment(tmp_path: Path) -> None:
    with open_aside(tmp_path / "secret", PRIVATE) as (aside, _file):
        assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    replace_file(tmp_path / "secret", b"s", mode=PRIVATE, owner=os.getuid())
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_what_a_killed_program_left_goes_and_what_another_writes_stays(tmp_path: Path) -> None:
    left = tmp_path / ".a.json.01234567.part"
    left.write_bytes(b"left")
    with open_aside(tmp_path / "a.json") as (aside, _file):
        assert not left.exists()
        replace_file(tmp_path / "a.json", b"other")
        assert aside.exists()
