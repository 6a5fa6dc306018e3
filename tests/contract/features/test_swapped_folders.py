"""Folders that are swapped for links at random moments, while commands work in them: no foreign
byte is written, moved or lost, and no byte of ours.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import chance
import pytest
from folder_swaps import is_possible, swapping
from running import Done, Lab, hashes, jpeg, put, tree

from catalog.domain.fixity import content_hash

PRUNE = "delete_from_directory_if_in_catalog"
PHOTOS = 16
FEWEST = 24
"""Swaps that each round makes at least; ten times as many in each of the twenty of a long run."""
ENDS = {0, 1, 2, 3, 4}
"""How a command may end: 1 and 2 where what it names was refused before, and so is not there."""
OWN = (".catalog", ".catalog/tmp", ".catalog/trash")
OLD_NAME = f"elsewhere-{'0123456789abcdef' * 2}"
"""What a folder of a killed run on another machine would be called."""


class Household:
    """Folders of ours, each with one of somebody else that looks the same but for its bytes."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.other = lab.folder / "other"
        self.victims = lab.folder / "victims"
        self.aside = lab.folder / "aside"
        self.files: dict[str, bytes] = {}
        for number in range(PHOTOS):
            taken = f"2019:{number % 3 + 6:02d}:12 18:30:{number:02d}"
            self.files[f"{number % 4}/IMG_{number:02d}.jpg"] = jpeg(number, taken)
        for name in list(self.files)[::3]:
            self.files[f"{name}.xmp"] = f"<x>{name}</x>".encode()
        self.other.mkdir()

    @property
    def ours(self) -> set[str]:
        """What must never be lost."""
        return {content_hash(data) for data in self.files.values()}

    @property
    def places(self) -> list[Path]:
        """The folders that hold what is ours; what a mishap left aside does not count."""
        return [self.lab.source, self.lab.root, self.other]

    def fill(self) -> None:
        """Put all files into the source."""
        put(self.lab.source, self.files)

    def found(self) -> set[str]:
        return {
            digest for place in self.places if place.is_dir() for digest in hashes(place).values()
        }

    def folders(self, *roots: Path) -> list[Path]:
        """The folders in some roots, without those of the catalog itself."""
        found = (p for root in roots for p in root.rglob("*") if p.is_dir() and not p.is_symlink())
        return sorted(p for p in found if ".catalog" not in p.parts)

    def own_folders(self, *roots: Path) -> list[Path]:
        """The folders of the catalog itself."""
        for root in roots:
            for name in OWN:
                (root / name).mkdir(exist_ok=True)
        return [root / name for root in roots for name in OWN]

    def pairs(self, folders: Iterable[Path]) -> list[tuple[Path, Path]]:
        """Each folder with the link that takes its place at times."""
        for folder in (self.victims, self.aside):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        return [(folder, self._link(number, folder)) for number, folder in enumerate(folders)]

    def _link(self, number: int, folder: Path) -> Path:
        victim, link = self.victims / f"{number}", self.aside / f"{number}"
        victim.mkdir()
        for path in sorted(folder.rglob("*")):
            foreign = victim / path.relative_to(folder)
            if path.is_dir():
                foreign.mkdir(parents=True)
            elif path.is_file():
                status = path.stat()
                foreign.write_bytes(b"F" * status.st_size)
                os.utime(foreign, ns=(status.st_mtime_ns, status.st_mtime_ns))
        for name in (OLD_NAME, f"tmp/{OLD_NAME}", "20200101T000000Z"):
            put(victim / name, {"IMG_00.jpg": b"foreign"}, 0)
        for path in sorted(victim.rglob("*"), reverse=True):
            if path.is_dir():
                os.utime(path, (0, 0))
        link.symlink_to(victim)
        return link


def sync(lab: Lab, *more: object) -> Done:
    return lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--json", "--yes", *more)


def mirror(lab: Lab) -> Done:
    return lab.catalog("mirror", "nas", "other", "--nas_root", lab.root, "--json", "--yes")


def prune(lab: Lab) -> Done:
    return lab.run(PRUNE, lab.source, "-r", "--nas_root", lab.root, "--json", "--yes")


def last_run(lab: Lab) -> str:
    return max(path.stem for path in (lab.home / "state" / "journal").glob("*.jsonl"))


def undo(lab: Lab, run: str) -> Done:
    return lab.catalog("undo", run, "--nas_root", lab.root, "--json", "--yes")


@pytest.fixture
def household(lab: Lab) -> Household:
    if not is_possible(lab.folder):
        pytest.skip("this file system cannot exchange two names in one step")
    return Household(lab)


class Life:
    """What is done in a household, while its folders are swapped."""

    def __init__(self, household: Household, seed: object) -> None:
        self.household = household
        self.dice = chance.dice(seed)
        self.swaps = 0

    def during(self, folders: Sequence[Path], *commands: Callable[[], Done]) -> None:
        """Do some commands while folders are swapped, and look at what became of the files."""
        household = self.household
        pairs = household.pairs(folders)
        before = tree(household.victims)
        with swapping(pairs, self.dice.getrandbits(32)) as swaps:
            done = [command() for command in commands]
        self.swaps += swaps.count
        assert tree(household.victims) == before, done
        assert household.ours <= household.found(), done
        assert {each.status for each in done} <= ENDS, done

    def settle(self, command: Callable[[], Done]) -> None:
        """The same command to its end, when nothing is swapped any more."""
        done = command()
        assert done.status == 0, (done.out, done.err)


@pytest.mark.chance
@pytest.mark.time_limit(60)
@pytest.mark.parametrize("own", [False, True], ids=["folders", "own folders"])
@pytest.mark.parametrize("round_", range(chance.times(1)))
def test_whatever_is_swapped_nothing_foreign_is_touched_and_nothing_of_ours_is_lost(
    household: Household, own: bool, round_: int
) -> None:
    lab, life = household.lab, Life(household, f"swaps {own} {round_}")
    put(lab.source, {"first.jpg": jpeg("first", "2019:06:01 10:00:00")})
    assert lab.upload("--move").status == 0
    assert lab.catalog("store", "add", "other", household.other).status == 0
    household.fill()

    def targets(*roots: Path) -> list[Path]:
        stores = [root for root in roots if root != lab.source]
        return household.own_folders(*stores) if own else household.folders(*roots)

    # upload --move
    life.during(targets(lab.source, lab.root), lambda: lab.upload("--move"))
    run = last_run(lab)
    life.settle(lambda: lab.upload("--move"))
    assert hashes(lab.source) == {}

    # sync, of files that were renamed
    for number, path in enumerate(sorted(lab.root.glob("2019/*/*.jpg"))[::4]):
        path.rename(path.with_name(f"renamed {number}.jpg"))
    life.during(targets(lab.root), lambda: sync(lab), lambda: sync(lab))
    life.settle(lambda: sync(lab))

    # mirror
    life.during(targets(lab.root, household.other), lambda: mirror(lab), lambda: mirror(lab))
    life.settle(lambda: mirror(lab))
    assert household.ours <= set(hashes(household.other).values())

    # delete what is in the catalog
    household.fill()
    life.during(targets(lab.source, lab.root), lambda: prune(lab))
    assert household.ours <= set(hashes(lab.root).values())
    life.settle(lambda: prune(lab))
    assert hashes(lab.source) == {}

    # forget with files, restore
    some = [content_hash(household.files[name]) for name in list(household.files)[::2]]
    assets = [digest for digest in some if digest in lab.documents()]
    roots = (lab.root, household.other)
    life.during(
        targets(*roots),
        lambda: lab.catalog("forget", "--with-files", "--yes", *assets, "--json"),
    )
    forgotten = last_run(lab)
    life.during(targets(*roots), lambda: undo(lab, forgotten))
    life.during(targets(*roots), lambda: lab.catalog("trash", "restore", forgotten))
    life.during(targets(*roots), lambda: lab.catalog("trash", "empty", "--yes"))

    # undo of the upload
    for name in household.files:
        (lab.source / name).parent.mkdir(exist_ok=True)
    life.during(targets(lab.source, lab.root), lambda: undo(lab, run))
    while life.swaps < chance.times(FEWEST):
        life.during(targets(lab.root), lambda: sync(lab))
