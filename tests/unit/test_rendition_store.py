"""The packed store of pictures: bounded, shared by programs, and never a truth."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from catalog.domain.fixity import content_hash
from catalog.features.renditions import store as module
from catalog.features.renditions.store import RenditionStore, clear_old_cache

NAMES = [content_hash(bytes([number])) for number in range(200)]
LIMIT = 1_000_000


def picture(number: int, size: int = 8000) -> bytes:
    return bytes([number]) * size


def database(folder: Path) -> Path:
    (found,) = folder.glob("*.sqlite")
    return found


def test_what_is_kept_is_found_by_content_and_side(tmp_path: Path):
    store = RenditionStore(tmp_path / "a" / "b", LIMIT)
    store.put(NAMES[0], 320, picture(1))
    store.put(NAMES[0], 640, picture(2))
    store.put(NAMES[0], 640, picture(3))
    assert (store.get(NAMES[0], 320), store.get(NAMES[0], 640)) == (picture(1), picture(3))
    assert store.get(NAMES[1], 320) is None
    assert store.lacking(NAMES[:3], 320) == NAMES[1:3]
    assert RenditionStore(tmp_path / "a" / "b", LIMIT).get(NAMES[0], 320) == picture(1)
    assert os.stat(tmp_path / "a" / "b").st_mode & 0o077 == 0, "whose pictures these are"


def test_it_takes_no_more_of_the_disk_than_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = RenditionStore(tmp_path, LIMIT)
    for day, name in enumerate(NAMES):
        monkeypatch.setattr(module, "_now", lambda day=day: day * 24)
        assert store.get(NAMES[0], 320) == (picture(0) if day else None), "it is used every day"
        store.put(name, 320, picture(day))
    assert store.get(NAMES[-1], 320) == picture(len(NAMES) - 1)
    assert store.get(NAMES[1], 320) is None, "the longest unused go first"
    assert LIMIT // 2 < store.size <= LIMIT and store.is_full
    store.close()
    assert database(tmp_path).stat().st_size <= LIMIT
    lower = RenditionStore(tmp_path, LIMIT // 4)
    assert lower.get(NAMES[-1], 320) is not None
    lower.close()
    assert database(tmp_path).stat().st_size <= LIMIT // 4, "a limit that is lowered gives back"


@pytest.mark.parametrize("limit", [0, 50_000])
def test_what_is_too_large_for_it_costs_nothing_that_is_kept(tmp_path: Path, limit: int):
    store = RenditionStore(tmp_path, LIMIT)
    store.put(NAMES[0], 320, picture(1))
    store.close()
    small = RenditionStore(tmp_path / "other", limit)
    small.put(NAMES[1], 320, picture(1, 50_001))
    assert small.get(NAMES[1], 320) is None
    store.put(NAMES[2], 320, picture(1, LIMIT))
    assert store.get(NAMES[0], 320) == picture(1)


@pytest.mark.parametrize("damage", ["no database at all", "middle", "cut"])
def test_a_damaged_database_is_begun_anew(tmp_path: Path, damage: str):
    store = RenditionStore(tmp_path, LIMIT)
    for number, name in enumerate(NAMES[:60]):
        store.put(name, 320, picture(number))
    store.close()
    path = database(tmp_path)
    data = bytearray(path.read_bytes())
    if damage == "middle":
        data[4096 : len(data)] = b"\xff" * (len(data) - 4096)
    path.write_bytes(
        damage.encode() * 1000
        if damage == "no database at all"
        else data[: len(data) // 2]
        if damage == "cut"
        else data
    )
    again = RenditionStore(tmp_path, LIMIT)
    for number, name in enumerate(NAMES[:60]):
        assert again.get(name, 320) in (None, picture(number))
    for number, name in enumerate(NAMES[:60]):
        again.put(name, 320, picture(number))
    assert [again.get(name, 320) for name in NAMES[:60]] == [picture(n) for n in range(60)]
    again.close()
    assert len(list(tmp_path.iterdir())) == 1, "the damaged one is gone"


def test_bytes_that_rotted_are_not_shown(tmp_path: Path):
    store = RenditionStore(tmp_path, LIMIT)
    store.put(NAMES[0], 320, picture(1))
    store.close()
    with sqlite3.connect(database(tmp_path)) as db:
        db.execute("UPDATE content SET data = ?", (picture(2),))
    db.close()
    assert store.get(NAMES[0], 320) is None
    assert store.lacking(NAMES[:1], 320) == NAMES[:1]


def test_pictures_of_another_version_are_not_shown_and_go(tmp_path: Path):
    store = RenditionStore(tmp_path, LIMIT)
    store.put(NAMES[0], 320, picture(1))
    store.close()
    path = database(tmp_path)
    path.rename(path.with_name(path.name.replace(f"-{module.VERSION}.", "-0.")))
    newer = tmp_path / f"pictures-{module.VERSION + 1}.0.sqlite"
    newer.write_bytes(b"of a newer program")
    assert store.get(NAMES[0], 320) is None
    assert {p.name for p in tmp_path.glob("*.sqlite")} == {path.name, newer.name}


def test_a_folder_that_cannot_be_had_is_no_error(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "shut").mkdir()
    inner = RenditionStore(tmp_path / "shut", LIMIT)
    inner.put(NAMES[1], 320, picture(1))
    inner.close()
    for folder in (tmp_path / "file", Path("/proc/nowhere")):
        store = RenditionStore(folder, LIMIT)
        store.put(NAMES[0], 320, picture(1))
        assert store.get(NAMES[0], 320) is None
        assert store.lacking(NAMES[:1], 320) == NAMES[:1]
        assert store.size == 0


READ_ONLY = """
import sys
from pathlib import Path
from catalog.media.confinement import confine
from catalog.features.renditions.store import RenditionStore
if not confine().files: sys.exit(77)
store = RenditionStore(Path(sys.argv[1]), 1_000_000)
store.put("aa" * 32, 320, b"new")
print(store.get("aa" * 32, 320), store.size >= 0)
"""


def test_a_folder_that_is_read_only_is_no_error(tmp_path: Path):
    store = RenditionStore(tmp_path, LIMIT)
    store.put(NAMES[0], 320, picture(1))
    store.close()
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    if done.returncode == 77:
        pytest.skip("nothing here keeps a process from writing")
    assert done.stdout.split() == ["None", "True"] and not done.stderr


FILL = """
import sys
from pathlib import Path
from catalog.features.renditions.store import RenditionStore
store = RenditionStore(Path(sys.argv[1]), int(sys.argv[2]))
for number in range(60):
    name = f"{int(sys.argv[3]):02x}{number:02x}" * 16
    store.put(name, 320, name.encode() * 100)
    found = store.get(name, 320)
    assert found in (None, name.encode() * 100), "bytes of another"
"""


def test_several_programs_and_threads_fill_one_store(tmp_path: Path):
    limit = 700_000
    programs = [
        subprocess.Popen([sys.executable, "-c", FILL, str(tmp_path), str(limit), str(n)])
        for n in range(3)
    ]
    store = RenditionStore(tmp_path, limit)

    def fill(first: int) -> None:
        for number in range(first, first + 40):
            store.put(NAMES[number], 320, picture(number))
            assert store.get(NAMES[number], 320) in (None, picture(number))

    threads = [threading.Thread(target=fill, args=(n * 40,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [program.wait(100) for program in programs] == [0, 0, 0]
    assert store.size <= limit
    store.close()
    with sqlite3.connect(database(tmp_path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        counts = "SELECT (SELECT count(*) FROM picture), (SELECT count(*) FROM content)"
        pictures, contents = db.execute(counts).fetchone()
    db.close()
    assert 0 < pictures == contents


def test_what_earlier_programs_kept_one_by_one_goes_and_nothing_else(tmp_path: Path):
    for inner, name in (
        ("ab", f"{NAMES[0]}-512-1.jpg"),
        ("ab", f"{NAMES[0]}-512-1.jpg.12ab.part"),
        ("cd", f"{NAMES[1]}-1600-1.jpg"),
        ("cd", "IMG_1.jpg"),
        ("holiday", f"{NAMES[1]}-1600-1.jpg"),
    ):
        (tmp_path / inner).mkdir(exist_ok=True)
        (tmp_path / inner / name).touch()
    clear_old_cache(tmp_path)
    clear_old_cache(tmp_path / "missing")
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"cd/IMG_1.jpg", f"holiday/{NAMES[1]}-1600-1.jpg"}
    assert not (tmp_path / "ab").exists()
