"""A month with NAS and Dropbox: people add, rename and delete on both sides, lines break,
runs are killed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from chance import dice, times
from emulators.dropbox import Emulator, Made
from running import Lab, content_hash, jpeg, put, wait_for
from test_dropbox import check_true, in_dropbox

from catalog.stores.paths import PRIVATE

DAYS = 30
NIGHT = (
    "sync_catalog_with_disk",
    "sync_catalog_with_dropbox",
    "sync_nas_to_dropbox",
    "sync_dropbox_to_nas",
)
KILLED = {
    7: ("sync_nas_to_dropbox", "files/upload*"),
    15: ("sync_dropbox_to_nas", "files/download"),
    22: ("sync_catalog_with_dropbox", "files/get_metadata"),
}
"""Which command is killed in which night, and while it waits for what."""
WEATHER = [
    {"route": "files/*", "probability": 0.01, "action": "status", "status": 503},
    {"route": "files/*", "probability": 0.01, "action": "cut_request"},
    {"route": "files/*", "probability": 0.02, "action": "cut_reply"},
    {"route": "files/*", "probability": 0.01, "action": "status", "status": 429, "retry_after": 1},
]
"""One call in twenty goes wrong."""
CHANGING = {
    "files/upload",
    "files/upload_session/append_batch",
    "files/upload_session/finish_batch_v2",
    "files/move_v2",
    "files/move_batch_v2",
    "files/copy_v2",
    "files/copy_batch_v2",
    "files/delete_v2",
    "files/delete_batch",
}


@dataclass
class Household:
    """Two folders, the people who use them, and every content they ever made."""

    lab: Lab
    dropbox: Emulator
    chance: random.Random
    made: set[str] = field(default_factory=set)
    number: int = 0

    def sides(self) -> tuple[dict[str, str], dict[str, str]]:
        """What lies on both sides, content hash by path."""
        return self.lab.stored(), in_dropbox(self.dropbox)

    def day(self) -> None:
        """What people do between two nights; no file is taken from both sides."""
        nas, far = self.sides()
        shared = sorted(set(nas.values()) & set(far.values()))
        self.chance.shuffle(shared)
        for _new in range(self.chance.randrange(4)):
            self.add(on_nas=True)
        for _new in range(self.chance.randrange(4)):
            self.add(on_nas=False)
        for digest in shared[: self.chance.randrange(3)]:
            self.rename_on_nas(_path(nas, digest))
        for digest in shared[3 : 3 + self.chance.randrange(3)]:
            path = _path(far, digest)
            self.dropbox.move(f"/photos/{path}", f"/photos/{self.name()}")
        for digest in shared[6 : 6 + self.chance.randrange(2)]:
            (self.lab.root / _path(nas, digest)).unlink()
        for digest in shared[8 : 8 + self.chance.randrange(2)]:
            self.dropbox.delete(f"/photos/{_path(far, digest)}")

    def name(self) -> str:
        """A name nobody uses yet."""
        self.number += 1
        return f"{self.chance.choice(['2019', 'Familie', 'Été/Plage'])}/Bild {self.number:03d}.jpg"

    def add(self, *, on_nas: bool) -> None:
        path, data = self.name(), jpeg(f"{self.number} {self.chance.random()}")
        self.made.add(content_hash(data))
        if on_nas:
            put(self.lab.root, {path: data})
        else:
            self.dropbox.plant(f"/photos/{path}", data)

    def rename_on_nas(self, path: str) -> None:
        target: Path = self.lab.root / self.name()
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.lab.root / path).rename(target)


def _path(side: dict[str, str], digest: str) -> str:
    return next(path for path, found in side.items() if found == digest)


def killed(lab: Lab, dropbox: Emulator, command: str, route: str) -> bool:
    """Start a command and kill it while it waits for an answer about a photo;
    whether it was still at work.
    """
    path = None if "upload" in route else "/photos/*.jpg"
    dropbox.faults = [{"route": route, "path": path, "nth": 1, "action": "delay", "seconds": 5.0}]
    process = lab.start(command, "--yes")
    wait_for(lambda: bool(dropbox.faults.fired), process)
    was_at_work = process.poll() is None
    process.kill()
    process.communicate()
    return was_at_work


@pytest.mark.chance
@pytest.mark.parametrize("month", range(times(1)))
def test_a_month_ends_with_both_sides_equal(
    lab: Lab, dropbox: Emulator, monkeypatch: pytest.MonkeyPatch, month: int
):
    home = Household(lab, dropbox, dice(f"month {month}"))
    put(lab.source, {f"{n}.jpg": jpeg(f"first {n}") for n in range(12)})
    home.made |= {content_hash(jpeg(f"first {n}")) for n in range(12)}
    assert lab.upload("--dropbox").status == 0
    fired = kills = 0
    for day in range(1, DAYS + 1):
        home.day()
        victim, route = KILLED.get(day, ("", ""))
        if victim:
            home.add(on_nas=True)
            home.add(on_nas=False)
        for night, command in enumerate(NIGHT):
            if victim == command:
                kills += killed(lab, dropbox, command, route)
            dropbox.faults = [
                {**rule, "seed": dice((month, day, night, n)).getrandbits(32)}
                for n, rule in enumerate(WEATHER)
            ]
            status = lab.run(command, "--yes", "--quiet").status
            assert status in (0, 3), f"day {day}: {command} ended with {status}"
            fired += len(dropbox.faults.fired)
    dropbox.faults = []
    for command in NIGHT:
        assert lab.run(command, "--quiet").status == 0
    nas, far = home.sides()
    assert set(nas.values()) == home.made, "something was lost, or came from nowhere"
    assert len(nas) == len(home.made), "a content lies twice"
    assert far == nas
    check_true(lab, dropbox)
    assert len(lab.documents()) == len(home.made)
    assert lab.catalog("check").status == 0
    assert kills == len(KILLED)
    assert fired > 20
    dropbox.clear_calls()
    for command in NIGHT:  # and then there is nothing left to do
        assert lab.run(command, "--quiet").status == 0
    assert [
        c.route
        for c in dropbox.calls
        if c.route in CHANGING or (c.route == "files/download" and not _is_marker(c))
    ] == []


def _is_marker(call: Made) -> bool:
    return str(call.argument["path"]).endswith(f"/{PRIVATE}/store.json")
