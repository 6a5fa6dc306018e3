"""A month with NAS and a service: people add, rename and delete on both sides, lines break,
runs are killed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import chance
import pytest
from chance import dice, times
from emulators.dropbox import Emulator, Made
from emulators.nextcloud import NEXTCLOUD
from emulators.nextcloud import Emulator as Nextcloud
from running import Lab, content_hash, jpeg, put, wait_for
from test_dropbox import check_true, in_dropbox
from test_webdav import cloud_of, in_cloud

from catalog.stores.paths import PRIVATE

DAYS = 30
NIGHT = (
    ("sync_catalog_with_disk",),
    ("sync_catalog_with_dropbox",),
    ("sync_nas_to_dropbox",),
    ("sync_dropbox_to_nas",),
)
KILLED = {
    7: (2, "files/upload*"),
    15: (3, "files/download"),
    22: (1, "files/get_metadata"),
}
"""Which command of the night is killed in which, and while it waits for what."""
IN_CLOUD = (
    ("catalog", "sync"),
    ("catalog", "sync", "cloud"),
    ("catalog", "mirror", "nas", "cloud"),
    ("catalog", "mirror", "cloud", "nas"),
)
KILLED_IN_CLOUD = {2: (2, "files/PUT"), 5: (3, "files/GET"), 7: (1, "files/GET")}
DAYS_IN_CLOUD = 8 if chance.seed is None else DAYS
"""A month in a long run."""
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


@pytest.fixture
def cloud(lab: Lab, tmp_path: Path) -> Iterator[Nextcloud]:
    with cloud_of(lab, tmp_path, NEXTCLOUD) as made:
        yield made


@dataclass
class Household:
    """Two folders, the people who use them, and every content they ever made."""

    lab: Lab
    far: Emulator | Nextcloud
    there: Callable[[], dict[str, str]]
    dice: random.Random
    made: set[str] = field(default_factory=set)
    number: int = 0

    def sides(self) -> tuple[dict[str, str], dict[str, str]]:
        """What lies on both sides, content hash by path."""
        return self.lab.stored(), self.there()

    def day(self) -> None:
        """What people do between two nights; no file is taken from both sides."""
        nas, far = self.sides()
        shared = sorted(set(nas.values()) & set(far.values()))
        self.dice.shuffle(shared)
        for _new in range(self.dice.randrange(4)):
            self.add(on_nas=True)
        for _new in range(self.dice.randrange(4)):
            self.add(on_nas=False)
        for digest in shared[: self.dice.randrange(3)]:
            self.rename_on_nas(_path(nas, digest))
        for digest in shared[3 : 3 + self.dice.randrange(3)]:
            path = _path(far, digest)
            self.far.move(f"/photos/{path}", f"/photos/{self.name()}")
        for digest in shared[6 : 6 + self.dice.randrange(2)]:
            (self.lab.root / _path(nas, digest)).unlink()
        for digest in shared[8 : 8 + self.dice.randrange(2)]:
            self.far.delete(f"/photos/{_path(far, digest)}")

    def name(self) -> str:
        """A name nobody uses yet."""
        self.number += 1
        return f"{self.dice.choice(['2019', 'Familie', 'Été/Plage'])}/Bild {self.number:03d}.jpg"

    def add(self, *, on_nas: bool) -> None:
        path, data = self.name(), jpeg(f"{self.number} {self.dice.random()}")
        self.made.add(content_hash(data))
        if on_nas:
            put(self.lab.root, {path: data})
        else:
            self.far.plant(f"/photos/{path}", data)

    def rename_on_nas(self, path: str) -> None:
        target: Path = self.lab.root / self.name()
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.lab.root / path).rename(target)


def _path(side: dict[str, str], digest: str) -> str:
    return next(path for path, found in side.items() if found == digest)


def killed(lab: Lab, far: Emulator | Nextcloud, command: Sequence[str], route: str) -> bool:
    """Start a command and kill it while it waits for an answer about a photo;
    whether it was still at work.
    """
    path = None if "upload" in route else "/photos/*.jpg"
    far.faults = [{"route": route, "path": path, "nth": 1, "action": "delay", "seconds": 5.0}]
    process = lab.start(*command, "--yes")
    wait_for(lambda: bool(far.faults.fired), process)
    was_at_work = process.poll() is None
    process.kill()
    process.communicate()
    return was_at_work


def live(
    home: Household,
    month: int,
    commands: Sequence[Sequence[str]],
    victims: Mapping[int, tuple[int, str]],
    days: int = DAYS,
) -> None:
    """A month, and what is to be at its end."""
    lab, far = home.lab, home.far
    fired = kills = 0
    for day in range(1, days + 1):
        home.day()
        victim, route = victims.get(day, (-1, ""))
        if route:
            home.add(on_nas=True)
            home.add(on_nas=False)
        for night, command in enumerate(commands):
            if victim == night:
                kills += killed(lab, far, command, route)
            far.faults = [
                {**rule, "seed": dice((month, day, night, n)).getrandbits(32)}
                for n, rule in enumerate(WEATHER)
            ]
            done = lab.run(*command, "--yes", "--quiet")
            assert done.status in (0, 3), f"day {day}: {command} ended with {done}"
            fired += len(far.faults.fired)
    far.faults = []
    for command in (*commands, *commands):  # the second time what the first one brought is known
        assert lab.run(*command, "--quiet").status == 0
    nas, there = home.sides()
    assert set(nas.values()) == home.made, "something was lost, or came from nowhere"
    assert len(nas) == len(home.made), "a content lies twice"
    assert there == nas
    assert len(lab.documents()) == len(home.made)
    assert lab.catalog("check").status == 0
    assert kills == len(victims)
    assert fired > 20 * days / DAYS
    far.clear_calls()
    for command in commands:  # and then there is nothing left to do
        assert lab.run(*command, "--quiet").status == 0


def begun(lab: Lab, home: Household) -> None:
    put(lab.source, {f"{n}.jpg": jpeg(f"first {n}") for n in range(12)})
    home.made |= {content_hash(jpeg(f"first {n}")) for n in range(12)}


@pytest.mark.chance
@pytest.mark.parametrize("month", range(times(1)))
def test_a_month_ends_with_both_sides_equal(lab: Lab, dropbox: Emulator, month: int):
    home = Household(lab, dropbox, lambda: in_dropbox(dropbox), dice(f"month {month}"))
    begun(lab, home)
    assert lab.upload("--dropbox").status == 0
    live(home, month, NIGHT, KILLED)
    check_true(lab, dropbox)
    assert [
        c.route
        for c in dropbox.calls
        if c.route in CHANGING or (c.route == "files/download" and not _is_marker(c))
    ] == []


@pytest.mark.chance
@pytest.mark.parametrize("month", range(times(1)))
def test_a_month_with_a_nextcloud_ends_with_both_sides_equal(
    lab: Lab, cloud: Nextcloud, month: int
):
    home = Household(lab, cloud, lambda: in_cloud(cloud, "photos"), dice(f"cloud {month}"))
    begun(lab, home)
    assert lab.upload().status == 0
    assert lab.catalog("store", "add", "cloud", "webdav:photos").status == 0
    for folder in ("2019", "Familie", "Été/Plage"):
        cloud.make_folder(f"/photos/{folder}")
    live(home, month, IN_CLOUD, KILLED_IN_CLOUD, DAYS_IN_CLOUD)
    assert {c.route for c in cloud.calls} <= {"files/PROPFIND", "files/OPTIONS", "files/GET"}
    read = {c.argument.path for c in cloud.calls if c.route == "files/GET"}
    assert read <= {f"/photos/{PRIVATE}/store.json"}


def _is_marker(call: Made) -> bool:
    return str(call.argument["path"]).endswith(f"/{PRIVATE}/store.json")
