"""Every command that writes, killed at any moment: run again, it ends as if it had not been; and so
does what takes it back.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import chance
import pytest
import zygote
from chance import dice
from emulators.dropbox import Emulator
from emulators.nextcloud import DIALECTS, NEXTCLOUD
from emulators.nextcloud import Emulator as Nextcloud
from kills import Ended, Far, Snapshot, Zygote, contents, differences, holdings, outcome
from line import Line
from running import MTIME, Lab, clear, clip, jpeg, many, put
from scenarios import (
    SCENARIOS,
    Arguments,
    Scenario,
    edit,
    evaluated,
    films,
    forgettable,
    mixed,
    photos,
    start,
    stocked,
    stored,
)
from test_webdav import cloud_of

from catalog.cli.program import COMMANDS

# --- what is killed -------------------------------------------------------------------------------

FURTHER: dict[str, Scenario] = {}
"""Commands that write and have no dry run, and others that are worth it besides."""


def further(name: str) -> Callable[[Scenario], Scenario]:
    def register(prepare: Scenario) -> Scenario:
        FURTHER[name] = prepare
        return prepare

    return register


@further("upload_to_nas_from_disk (move)")
def _move(lab: Lab, _dropbox: Emulator) -> Arguments:
    """Photos of which some are known, some of one second, one with a movie, and sidecars."""
    stocked(lab, 1, 4)
    mixed(lab.source)
    many(lab.source / "many", 20)
    put(lab.source, {"LIVE.JPG": jpeg("live", "2018:01:02 03:04:05")})
    put(lab.source, {"late/1.jpg": photos(1)["1.jpg"], "2.aae": b"edits"}, mtime=1_300_000_000)
    clip(lab.source / "LIVE.MOV")
    lab.variables["CATALOG_WORKERS"] = "2"
    return (lab.source, "-r", "--move")


@further("rebuild")
def _rebuild(lab: Lab, _dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2, 3)
    marker = (lab.root / ".catalog/store.json").read_bytes()
    root = lab.root.rename(lab.folder / "kept")
    clear(lab)
    root.rename(lab.root)
    assert (lab.root / ".catalog/store.json").read_bytes() == marker
    return (lab.root,)


def archived(lab: Lab) -> None:
    """A second disk, on which a copy is damaged."""
    stocked(lab, 1, 2, 3)
    shelf = lab.folder / "shelf"
    shelf.mkdir()
    assert lab.catalog("store", "add", "shelf", shelf).status == 0
    assert lab.catalog("mirror", "nas", "shelf", "-q").status == 0


@further("verify")
def _verify(lab: Lab, _dropbox: Emulator) -> Arguments:
    archived(lab)
    path = lab.folder / "shelf" / stored(lab, photos(2)["2.jpg"])
    status, data = path.stat(), bytearray(path.read_bytes())
    data[-20] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    lab.age(path)
    return ("--repair",)


@further("store add")
def _add(lab: Lab, _dropbox: Emulator) -> Arguments:
    stocked(lab, 1)
    (lab.folder / "shelf").mkdir()
    return ("shelf", lab.folder / "shelf")


@further("store remove")
def _remove(lab: Lab, _dropbox: Emulator) -> Arguments:
    archived(lab)
    return ("shelf", "--forget-copies")


@further("trash empty")
def _empty(lab: Lab, _dropbox: Emulator) -> Arguments:
    hashes = forgettable(lab)
    assert lab.catalog("forget", *hashes[:2], "--with-files", "-q").status == 0
    return ("--yes", "--last-copies")


def converted(lab: Lab) -> Path:
    """The report of films of a folder that are converted, of which two have one stem."""
    archive, staging = lab.folder / "archive", lab.folder / "staging"
    films(archive, "2019/one.mp4", "2019/x.mp4", "2019/x.MOV")
    lab.variables |= {
        "CATALOG_REINGEST_PRESET": "ultrafast",
        "CATALOG_HOME_ZONE": "Europe/Brussels",
    }
    report = evaluated(lab, "videos", archive)
    edit(report, {"": {"action": "convert"}})
    process = ("reingest", "process-videos", report, "--staging", staging, "--larger", "-q")
    assert lab.run(*process).status == 0
    processed = report.with_name("videos_processed.csv")
    edit(processed, {"": {"overwrite": "1"}})
    return processed


@further("replace_archived_media (folder)")
def _replace(lab: Lab, _dropbox: Emulator) -> Arguments:
    return (converted(lab), "--larger")


@further("replace_archived_media (undo)")
def _replace_undo(lab: Lab, _dropbox: Emulator) -> Arguments:
    processed = converted(lab)
    words = ("reingest", "replace-archived-media", processed, "--larger", "-q")
    assert lab.run(*words).status == 0
    return (processed, "--undo")


@further("export")
def _export(lab: Lab, _dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2)
    return (lab.folder / "all.ndjson.gz", "--force")


@further("evaluate_image_files")
def _evaluate(lab: Lab, _dropbox: Emulator) -> Arguments:
    put(lab.folder / "archive", {f"2019/{name}.jpg": jpeg(name) for name in "abc"})
    return (lab.folder / "archive", "--report", lab.folder / "images.csv", "--yes")


@further("evaluate_duplicates")
def _evaluate_duplicates(lab: Lab, _dropbox: Emulator) -> Arguments:
    put(lab.folder / "archive", {f"2019/{name}.jpg": jpeg("a") for name in "abc"})
    return (lab.folder / "archive", "--report", lab.folder / "duplicates.csv", "--yes")


def clouded(lab: Lab) -> None:
    """A Nextcloud that holds what the NAS does, and then what was done in either since."""
    stocked(lab, 1, 2, 3)
    assert lab.catalog("store", "add", "cloud", "webdav:Photos").status == 0
    assert lab.catalog("mirror", "nas", "cloud", "-q").status == 0


@further("mirror (cloud)")
def _mirror_cloud(lab: Lab, cloud: Nextcloud) -> Arguments:
    clouded(lab)
    moved = lab.root / stored(lab, photos(1)["1.jpg"])
    moved.rename(lab.root / "renamed.jpg")
    put(lab.source, photos(5, 6, 7))
    assert lab.upload().status == 0
    assert lab.catalog("sync", "-q").status == 0
    gone = stored(lab, photos(2)["2.jpg"])
    cloud.delete(f"/Photos/{gone}")
    cloud.plant("/Photos/in the way.jpg", jpeg("there"), modified=int(MTIME))
    return ("nas", "cloud")


@further("upload (move, cloud)")
def _upload_cloud(lab: Lab, cloud: Nextcloud) -> Arguments:
    clouded(lab)
    mixed(lab.folder / "camera")
    for path in sorted(p for p in (lab.folder / "camera").rglob("*") if p.is_file()):
        name = path.relative_to(lab.folder / "camera")
        cloud.plant(f"/Phone/{name}", path.read_bytes(), modified=int(MTIME))
    return ("webdav:Phone", "-r", "--move", "--store", "cloud")


CLOUDS = ("mirror (cloud)", "upload (move, cloud)")
PLAIN = (
    () if chance.seed is None else tuple(name.replace("cloud", "plain cloud") for name in CLOUDS)
)
"""The same on a plain server, in a long run."""
FURTHER |= {plain: partial(FURTHER[name]) for plain, name in zip(PLAIN, CLOUDS, strict=False)}
ELSEWHERE = {
    "review": "what its page decides is carried out by resolve",
    "watch": "it runs sync_catalog_with_disk, until it is stopped",
    "backup": "snapshots need a real node: tests/e2e/test_transfer.py",
    "restore": "snapshots need a real node: tests/e2e/test_transfer.py",
    "engine": "the node itself: tests/e2e/test_node.py",
    "dropbox": "a login writes one file, at once",
    "config": "it writes one file, at once",
    "serve": "it writes at most who owns the catalog: tests/e2e/test_serve.py",
    "user": "it writes one record, at once",
    "token": "it writes one record, at once",
    "evaluate_video_files": "it writes its report as the evaluation of images does",
}
"""Commands that write, and are not killed here."""
READS_ONLY = {
    "search",
    "similar",
    "duplicates",
    "bad",
    "show",
    "status",
    "copies",
    "check",
    "history",
    "doctor",
    "images_in_directory",
    "list_all_file_types",
    "check_old_catalog_structure",
    "check_copies",
    "clean_exact_duplicate_entries_from_catalog",
}
IN_DROPBOX = {
    "upload",
    "upload_to_nas_from_disk",
    "upload_to_dropbox_from_dropbox",
    "sync_catalog_with_dropbox",
    "sync_nas_to_dropbox",
    "sync_dropbox_to_nas",
    "import_old_catalog",
}
"""Whose scenarios need an account."""
LEAVES_NOTHING_TO_UNDO = {
    "sync",
    "sync_catalog_with_disk",  # what it saw
    "sync_catalog_with_dropbox",
    "undo",
    "measure",
    "trash empty",
    "export",
    "evaluate_image_files",
    "evaluate_duplicates",
    "process_duplicates",  # in a folder that is no store: --undo
    "replace_archived_media (folder)",
    "replace_archived_media (undo)",
    "store add",
    "rebuild",
    "import",
    "scaler",  # it touches no store, and asks no index
}


MAY_REMOVE = {"trash empty", "scaler"}
"""What removes files for good; what is left of a scaled one is its larger picture."""
SETTLES = {"scaler"}
"""What puts a broken file aside: the next run has no problem with it any more."""
MORE_ROUNDS = {"scaler": 50, "mover": 50}
"""How often a command is killed in a long run, where that is not what all are."""
BRINGS_FILES = {
    "upload",
    *CLOUDS,
    *PLAIN,
    "upload_to_nas_from_disk",
    "upload_to_nas_from_disk (move)",
    "upload_to_dropbox_from_dropbox",
    "import_old_catalog",
    "mirror",
    "mover",
    "sidecars write",
    "sync_nas_to_dropbox",
    "sync_dropbox_to_nas",
    "trash restore",
    "reingest replace-archived-media",
    "delete_ids",
    "forget",
}
"""Of which a file may lie in a store, or have given way there, and not be recorded yet."""


def distinct() -> Iterator[str]:
    """The commands, each under one of its names."""
    seen: list[Scenario] = []
    for name, prepare in sorted({**SCENARIOS, **FURTHER}.items()):
        if prepare not in seen:
            seen.append(prepare)
            yield name


def test_every_command_that_writes_is_killed_here_or_elsewhere() -> None:
    killed = {name.split()[0] for name in (*SCENARIOS, *FURTHER)}
    assert not killed & READS_ONLY and not killed & ELSEWHERE.keys()
    assert killed | READS_ONLY | ELSEWHERE.keys() == COMMANDS.keys()


# --- killing --------------------------------------------------------------------------------------

ROUNDS = 1 if chance.seed is None else int(os.environ.get("KILLS", "20"))
"""How often each command is killed, and its undo: in all some 60 times, or 1,100 in a long run."""


@pytest.fixture(scope="module")
def commands() -> Iterator[Zygote]:
    with closing(Zygote()) as made:
        yield made


@pytest.fixture
def cloud(lab: Lab, tmp_path: Path) -> Iterator[Nextcloud]:
    with cloud_of(lab, tmp_path, NEXTCLOUD) as made:
        yield made


@pytest.fixture
def plain_cloud(lab: Lab, tmp_path: Path) -> Iterator[Nextcloud]:
    with cloud_of(lab, tmp_path, DIALECTS["plain"]) as made:
        yield made


@pytest.fixture
def line(lab: Lab) -> Iterator[Line]:
    assert lab.node is not None
    with closing(Line(lab.node)) as made:
        yield made


NODE = "node"
"""Besides those of `zygote`: who is killed while the command goes on."""


@dataclass(frozen=True)
class Trial:
    """A command in a lab, from a state that can be had again; `line` is its way to the node."""

    commands: Zygote
    lab: Lab
    line: Line
    far: Far | None
    command: Sequence[object]

    def kill_and_repeat(self, name: str, rounds: int) -> Snapshot:
        """Kill it, run it again, and compare: so often. What it comes to undisturbed."""
        rolled, before = dice(name), Snapshot(self.lab, self.far)
        with closing(before):
            before.restore()
            had = contents(self.lab, self.far)
            done = self._run()
            assert done.status in (0, 3) and done.moments, done
            wanted, after = outcome(self.lab, self.far), Snapshot(self.lab, self.far)
            for _round in range(rounds):
                who = rolled.choice((*zygote.WHO, NODE))
                at = rolled.randrange(1, done.moments + 1)
                kill = self._kill_node if who == NODE else self._kill
                where = f"{name}: {kill(before, who, at, rolled)} of {done.moments}"
                if name not in MAY_REMOVE:
                    lost = had - contents(self.lab, self.far)
                    assert not lost, f"{where}: {lost} is lost"
                is_whole = not differences(outcome(self.lab, self.far), wanted)
                again = self._run()
                # of what a file holds that could not be read, the run thought otherwise
                further = [("journal", "+")] if who in (zygote.WORKERS, NODE) else []
                now = outcome(self.lab, self.far)
                found = differences(now, wanted, further)
                if who == zygote.WORKERS and holdings(now) == holdings(wanted):
                    found = ""  # what could be read came first, and got the names
                # where all was done before, there may be nothing of the name any more
                is_alike = again.status == done.status or (name in SETTLES and not again.status)
                if found or not (is_whole or is_alike):
                    pytest.fail(f"{where}\n{again}\n{found}")
            return after

    def kill_and_take_back(self, name: str, rounds: int) -> None:
        """Kill it, take back what it did, and compare with what was before: so often."""
        rolled, before = dice(f"undo of a killed {name}"), Snapshot(self.lab, self.far)
        with closing(before):
            before.restore()
            wanted = self._kept()
            journals = self.lab.home / "state/journal"
            known = {*journals.glob("*")}
            done = self._run()
            assert done.status in (0, 3) and done.moments, done
            for _round in range(rounds):
                at = rolled.randrange(1, done.moments + 1)
                where = f"{name}: {self._kill(before, zygote.GROUP, at, rolled)} of {done.moments}"
                back = None
                for journal in {*journals.glob("*")} - known:
                    undo = ("catalog", "undo", journal.stem, "--yes")
                    back = self.commands.run(self.lab, undo)
                found = differences(self._kept(), wanted)
                assert not found, f"{where}\n{back}\n{found}"

    def _kept(self) -> dict[str, set[object]]:
        """The files, but for what lies in the trash or is told by a report."""
        found = outcome(self.lab, self.far)
        apart = ("/.catalog/", "desk/", "staging/", "failsafe/")
        return {
            what: {row for row in found[what] if not any(name in str(row) for name in apart)}
            for what in ("files", "far")
        }

    def _kill(self, before: Snapshot, who: str, at: int, rolled: random.Random) -> str:
        """Kill somebody at a moment, or at an earlier one if the command had fewer this time; whom,
        and when.
        """
        before.restore()
        killed = self.commands.run(self.lab, self.command, who, at)
        if who == zygote.WORKERS and not killed.workers:  # there were none: then all of it
            return self._kill(before, zygote.GROUP, at, rolled)
        if killed.status != -9 and not killed.workers:
            assert at > killed.moments > 0, f"nothing was killed: {killed}"
            return self._kill(before, who, rolled.randrange(1, killed.moments + 1), rolled)
        return f"{who} killed at {at}"

    def _kill_node(self, before: Snapshot, _who: str, _at: int, rolled: random.Random) -> str:
        """Kill the node at a request, while the command goes on; when."""
        address = {"CATALOG_ELASTICSEARCH_URL": self.line.address.url}
        self.line.requests = 0
        before.restore()
        moments = self._run(**address).moments or 1
        if not self.line.requests:  # it asks no index: then the command itself
            return self._kill(before, zygote.GROUP, rolled.randrange(1, moments + 1), rolled)
        at = rolled.randrange(1, self.line.requests + 1)
        before.restore()
        self.line.die(at, rolled)
        killed = self._run(**address)
        assert self.line.has_died, f"nothing was killed: {killed}"
        return f"node killed at request {at}, {killed.status}, where it could be"

    def _run(self, **more: str) -> Ended:
        done = self.commands.run(self.lab, self.command, **more)
        assert "Traceback" not in done.err, done.err
        return done


@pytest.mark.chance
@pytest.mark.parametrize("name", list(distinct()))
def test_what_is_killed_and_run_again_ends_as_if_it_had_not_been(
    name: str, lab: Lab, line: Line, commands: Zygote, request: pytest.FixtureRequest
) -> None:
    trial = prepared(name, lab, line, commands, request)
    rounds = ROUNDS if chance.seed is None else max(ROUNDS, MORE_ROUNDS.get(name, 0))
    with closing(trial.kill_and_repeat(name, rounds)) as after:
        if name in LEAVES_NOTHING_TO_UNDO:
            return
        after.restore()
        run = last_run(lab)
        back = replace(trial, command=("catalog", "undo", run, "--yes"))
        back.kill_and_repeat(f"undo of {name}", ROUNDS).close()
        before = outcome(lab, trial.far)
        again = commands.run(lab, (*back.command, "--json"))
        assert json.loads(again.out.splitlines()[-1])["undone"] == 0, "nothing is left to do"
        assert differences(outcome(lab, trial.far), before) == ""


@pytest.mark.chance
@pytest.mark.parametrize("name", sorted(BRINGS_FILES))
def test_what_is_killed_and_taken_back_leaves_nothing(
    name: str, lab: Lab, line: Line, commands: Zygote, request: pytest.FixtureRequest
) -> None:
    trial = prepared(name, lab, line, commands, request)
    trial.kill_and_take_back(name, ROUNDS)


def prepared(
    name: str, lab: Lab, line: Line, commands: Zygote, request: pytest.FixtureRequest
) -> Trial:
    """A command in a lab that it has much to do in."""
    lab.variables |= {"CATALOG_WORKERS": "1", "CATALOG_NAS_ROOT": str(lab.root)}
    service = "cloud" if "cloud" in name else "dropbox" if name.split()[0] in IN_DROPBOX else ""
    service = "plain_cloud" if name in PLAIN else service
    far = request.getfixturevalue(service) if service else None
    arguments = {**SCENARIOS, **FURTHER}[name](lab, far)
    program, *part = name.partition(" (")[0].split()
    return Trial(commands, lab, line, far, (*start(program, part), *arguments))


def last_run(lab: Lab) -> str:
    """The run that was last in the history."""
    return max(event["run"] for event in lab.documents("events").values())
