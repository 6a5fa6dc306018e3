"""A month with NAS and a service: people add, rename, edit, tag and delete on both sides, lines
break, runs are killed.
"""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import chance
import pytest
from chance import dice, times
from emulators.dropbox import Emulator, Made
from emulators.nextcloud import DIALECTS
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
    22: (1, "files/download"),
}
"""Which command of the night is killed in which, and while it waits for what."""
MOVER = ("mover",)
IN_CLOUD = (
    ("catalog", "sync"),
    ("catalog", "sync", "cloud"),
    ("catalog", "mirror", "nas", "cloud"),
    ("catalog", "mirror", "cloud", "nas"),
    MOVER,
    ("catalog", "mirror", "cloud", "nas"),
)
KILLED_IN_CLOUD = {2: (2, "files/PUT"), 3: (3, "files/GET"), 5: (1, "files/GET")}
DAYS_IN_CLOUD = 5 if chance.seed is None else DAYS
"""A month in a long run."""
CLOUDS = ("nextcloud",) if chance.seed is None else ("nextcloud", "plain")
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


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[Nextcloud]:
    with cloud_of(lab, tmp_path, DIALECTS[request.param]) as made:
        yield made


@dataclass
class Household:
    """Two folders, the people who use them, and every content they ever made; what was said of
    which: in the catalog, and to the server, where that has tags.
    """

    lab: Lab
    far: Emulator | Nextcloud
    there: Callable[[], dict[str, str]]
    dice: random.Random
    made: set[str] = field(default_factory=set)
    number: int = 0
    tags: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    labels: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    edits: set[str] = field(default_factory=set)

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
            self.labels.pop(digest, None)
        for digest in shared[10 : 10 + self.dice.randrange(2)]:
            self.edit_on_nas(self.lab.root / _path(nas, digest))
        for digest in shared[11 : 11 + self.dice.randrange(2)]:
            edited = self.edit()
            self.far.plant(f"/photos/{_path(far, digest)}", edited)
            if digest in self.labels:  # a server tags files, whatever they hold
                self.labels[content_hash(edited)] = self.labels.pop(digest)
        self.tag(shared)

    def name(self) -> str:
        """A name nobody uses yet."""
        self.number += 1
        return f"{self.dice.choice(['2019', 'Familie', 'Été/Plage'])}/Bild {self.number:03d}.jpg"

    def make(self) -> bytes:
        """A content that was not there before."""
        data = jpeg(f"{len(self.made)} {self.dice.random()}")
        self.made.add(content_hash(data))
        return data

    def edit(self) -> bytes:
        """A content for a file that had another: to the catalog a photo of its own."""
        data = self.make()
        self.edits.add(content_hash(data))
        return data

    def add(self, *, on_nas: bool) -> None:
        path, data = self.name(), self.make()
        if on_nas:
            put(self.lab.root, {path: data})
        else:
            self.far.plant(f"/photos/{path}", data)

    def rename_on_nas(self, path: str) -> None:
        target: Path = self.lab.root / self.name()
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.lab.root / path).rename(target)

    def edit_on_nas(self, path: Path) -> None:
        """Another content; every other time with the time of the one before."""
        status = path.stat()
        path.write_bytes(self.edit())
        if self.dice.randrange(2):
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def tag(self, shared: Sequence[str]) -> None:
        """Say something of one photo in the catalog, and of another to the server if that has tags;
        now and then what `mover` goes by.
        """
        if not isinstance(self.far, Nextcloud) or not shared:
            return
        one, other = self.dice.choice(shared), self.dice.choice(shared)
        there = {digest: path for path, digest in self.there().items()}
        word = self.dice.choice(["beach", "Été"])
        self.tags[one].add(word)
        assert self.lab.catalog("tag", one, "--add", word, "-q").status == 0
        category = self.dice.choice(["cats", "dogs"])
        if other not in there:
            return
        if not self.far.dialect.clouded:
            assert self.lab.catalog("tag", other, "--add", f"ai:{category}", "-q").status == 0
        else:
            self.far.tag(f"/photos/{there[other]}", word, f"ai:{category}")
            self.labels[other].add(word)


def _path(side: dict[str, str], digest: str) -> str:
    return next(path for path, found in side.items() if found == digest)


def killed(lab: Lab, far: Emulator | Nextcloud, command: Sequence[str], route: str) -> bool:
    """Start a command and kill it while it waits for an answer about a photo;
    whether it was still at work.
    """
    path = "/photos/*.jpg" if "download" in route or "GET" in route else None
    far.faults = [{"route": route, "path": path, "nth": 1, "action": "delay", "seconds": 5.0}]
    process = lab.start(*command, "--yes")
    wait_for(lambda: bool(far.faults.fired), process)
    was_at_work = process.poll() is None
    process.kill()
    process.communicate()
    while far.under_way:  # what it had sent may still be done: but not on another day
        time.sleep(0.005)
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
            yes = () if command == MOVER else ("--yes",)
            done = lab.run(*command, *yes, "--quiet")
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
@pytest.mark.time_limit(300 if chance.seed is None else 1500)
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
@pytest.mark.time_limit(300 if chance.seed is None else 1500)
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
    lab.variables |= {
        "CATALOG_IMAGES_ROOT_DIR": "photos",
        "CATALOG_UNSORTED_REMOTE_DIR": "photos/2019",
        "CATALOG_PARENT_TAG_VALUE": "ai",
    }
    live(home, month, IN_CLOUD, KILLED_IN_CLOUD, DAYS_IN_CLOUD)
    check_tags(home)
    asks = {"files/PROPFIND", "files/OPTIONS", "files/GET", "systemtags/PROPFIND", "files/REPORT"}
    assert {c.route for c in cloud.calls} <= asks
    read = {c.argument.path for c in cloud.calls if c.route == "files/GET"}
    assert all(path.endswith(f"/{PRIVATE}/store.json") for path in read)


def check_tags(home: Household) -> None:
    """What was said of photos is there; what the mover goes by is followed."""
    assert isinstance(home.far, Nextcloud)
    documents = home.lab.documents()
    for digest, words in home.tags.items():
        assert words <= set(documents[digest].get("tags", [])), digest
    paths = {digest: path for path, digest in home.there().items()}
    records = home.far.files()
    for digest, words in home.labels.items():
        assert words <= set(records[f"/photos/{paths[digest]}"].tags), digest
    sorted_ones = 0
    for digest, path in paths.items():
        document = documents[digest]
        followed = {*document.get("tags", []), *records[f"/photos/{path}"].tags}
        assert not path.startswith("2019/") or not [t for t in followed if t.startswith("ai:")]
        folder = path.partition("/")[0]
        if folder in ("cats", "dogs") and digest not in home.edits:
            assert folder in document["albums"]
            sorted_ones += 1
    assert sorted_ones, "nothing was put in order"


def _is_marker(call: Made) -> bool:
    return str(call.argument["path"]).endswith(f"/{PRIVATE}/store.json")
