"""Reading in other processes: whatever a file does to its reader,
the others are read and nothing is lost.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from chance import times
from confining import has_landlock, is_in_a_namespace, is_offline
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalog.domain.asset import Facts
from catalog.domain.fixity import content_hash, digests_of
from catalog.errors import CatalogError, GaveUp, UnreadableMedia, UnsupportedType
from catalog.media.request import Request
from catalog.work import workers
from catalog.work.workers import Limits, ReaderPool

SCRIPT = Path(__file__).with_name("misbehaving_worker.py")


def misbehave(patch: pytest.MonkeyPatch, script: Path = SCRIPT) -> None:
    """Let pools start the script in place of the reader's module."""
    real = subprocess.Popen

    def start(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        place = command.index("-m")
        assert command[place + 1] == "catalog.media.worker"
        return real([*command[:place], str(script), *command[place + 2 :]], **options)

    patch.setattr(workers.subprocess, "Popen", start)


def odd(count: int, limits: Limits) -> ReaderPool:
    """A pool whose readers do what names say; it is started here,
    so that other pools are none of that kind.
    """
    with pytest.MonkeyPatch.context() as patch:
        misbehave(patch)
        pool = ReaderPool(count, limits)
        assert ask(pool, "ok") == {"ok": "ok"}
        return pool


@pytest.fixture(scope="module")
def odd_pool() -> Iterator[ReaderPool]:
    """Two workers, each file limited to two seconds."""
    with odd(2, Limits(seconds=2.0)) as pool:
        yield pool


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Twelve small pictures."""
    paths = []
    for number in range(12):
        path = tmp_path / f"{number}.jpg"
        Image.effect_noise((64, 48), 20 + number).save(path)
        paths.append(path)
    return paths


def told(
    pool: ReaderPool, requests: Iterable[tuple[str, Request | None]]
) -> Iterator[tuple[str, Any]]:
    """What the misbehaving say, or why they do not."""
    for tag, result in pool.run(requests):
        yield tag, result.hash if isinstance(result, Facts) else result


def ask(pool: ReaderPool, *names: str) -> dict[str, Any]:
    """Tag to result; each tag must come back once."""
    found = list(told(pool, ((name, Request(f"/nowhere/{name}")) for name in names)))
    assert Counter(tag for tag, _result in found) == Counter(names)
    return dict(found)


def read(pool: ReaderPool, paths: list[Path]) -> dict[str, Any]:
    return dict(pool.run((path.name, Request(str(path))) for path in paths))


# --- bad files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sidecar", "reason"),
    [
        ("hang.xmp", "reading it took longer than 2 s"),
        ("die.xmp", "died"),
        ("exit.xmp", "status 7"),
    ],
)
def test_a_sidecar_that_ends_its_reader_does_not_keep_its_photo_out(
    odd_pool: ReaderPool, sidecar: str, reason: str
):
    request = Request("/nowhere/a.jpg", (f"/nowhere/{sidecar}",))
    ((_tag, said),) = told(odd_pool, [("a", request)])
    assert isinstance(said, str) and said.startswith("a.jpg ") and reason in said
    both = Request("/nowhere/crash.jpg", (f"/nowhere/{sidecar}",))
    ((_tag, error),) = odd_pool.run([("a", both)])
    assert isinstance(error, UnreadableMedia) and "signal 11" in str(error)


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("die.jpg", UnreadableMedia, "signal 9"),
        ("crash.jpg", UnreadableMedia, "signal 11"),
        ("exit.jpg", UnreadableMedia, "status 7"),
        ("hang.jpg", GaveUp, "longer than 2 s"),
        ("deaf.jpg", GaveUp, "longer than 2 s"),
        ("bad.jpg", UnreadableMedia, "it is bad"),
        ("strange.jpg", UnsupportedType, "it is strange"),
        ("misshapen.jpg", UnreadableMedia, "gave no answer to it"),
        ("other.jpg", UnreadableMedia, "gave no answer to it"),
        ("wanted.jpg", UnreadableMedia, "gave no answer to it"),
        ("garbage.jpg", UnreadableMedia, "gave no answer to it"),
        ("endless.jpg", UnreadableMedia, "gave no answer to it"),
        ("half.jpg", GaveUp, "longer than 2 s"),
    ],
)
def test_a_bad_file_has_a_reason_and_the_others_are_read(
    odd_pool: ReaderPool, name: str, kind: type, reason: str
):
    others = [f"ok-{n}.jpg" for n in range(20)]
    found = ask(odd_pool, *others[:7], name, *others[7:])
    assert type(found[name]) is kind
    assert reason in str(found[name])
    assert {k: v for k, v in found.items() if k != name} == {k: k for k in others}


@pytest.mark.parametrize("name", ["noise.jpg", "large.jpg"])
def test_what_a_reader_prints_and_how_much_it_says_does_not_matter(odd_pool: ReaderPool, name: str):
    found = ask(odd_pool, "ok-1", name, "ok-2")
    assert (found["ok-1"], found["ok-2"]) == ("ok-1", "ok-2")
    assert isinstance(found[name], str)


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no landlock")
@pytest.mark.parametrize(
    "behaviour", ["write", "overwrite", "cut", "remove", "rename", "mkdir", "link", "start"]
)
def test_a_reader_can_write_nothing(odd_pool: ReaderPool, tmp_path: Path, behaviour: str):
    (tmp_path / "old").write_text("old")
    request = Request(str(tmp_path / f"{behaviour}.jpg"))
    assert dict(told(odd_pool, [("", request)])) == {"": "PermissionError"}
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"old": "old"}
    look = Request(str(tmp_path / "look.jpg"))
    assert dict(told(odd_pool, [("", look)])) == {"": "done"}, "but read"


@pytest.mark.skipif(not is_offline(), reason="this kernel lets nobody keep it from the network")
@pytest.mark.parametrize("behaviour", ["connect", "listen"])
def test_a_reader_cannot_use_the_network(odd_pool: ReaderPool, tmp_path: Path, behaviour: str):
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "port").write_text(f"{server.getsockname()[1]}")
        request = Request(str(tmp_path / f"{behaviour}.jpg"))
        (result,) = (said for _tag, said in told(odd_pool, [("", request)]))
    assert result != "done" or (behaviour == "listen" and is_in_a_namespace())


@pytest.mark.parametrize("behaviour", ["die", "exit"])
def test_a_long_row_of_deadly_files_does_not_end_the_run(odd_pool: ReaderPool, behaviour: str):
    deadly = [f"{behaviour}-{n}" for n in range(25)]
    found = ask(odd_pool, *deadly, "ok")
    assert found["ok"] == "ok"
    assert all(isinstance(found[name], UnreadableMedia) for name in deadly)


BEHAVIOURS = st.lists(
    st.sampled_from(["ok", "ok", "ok", "die", "exit", "bad", "strange", "large", "noise", "none"]),
    max_size=25,
)


@settings(max_examples=times(40))
@given(BEHAVIOURS)
def test_every_file_comes_back_exactly_once_with_its_own_result(
    odd_pool: ReaderPool, behaviours: list[str]
):
    tags = [f"{behaviour}-{number}" for number, behaviour in enumerate(behaviours)]
    requests = ((tag, None if tag.startswith("none") else Request(f"/x/{tag}")) for tag in tags)
    found = list(told(odd_pool, requests))
    assert sorted(tag for tag, _result in found) == sorted(tags)
    kinds = {
        "ok": str,
        "noise": str,
        "large": str,
        "die": UnreadableMedia,
        "exit": UnreadableMedia,
        "bad": UnreadableMedia,
        "strange": UnsupportedType,
        "none": type(None),
    }
    for tag, result in found:
        assert type(result) is kinds[tag.partition("-")[0]]
        assert not isinstance(result, str) or result == tag or tag.startswith("large")


def test_two_files_that_hang_at_once_are_both_given_up(odd_pool: ReaderPool):
    found = ask(odd_pool, "hang-1", "hang-2", "hang-3", *(f"ok-{n}" for n in range(10)))
    assert sum(isinstance(r, GaveUp) for r in found.values()) == 3
    assert sum(isinstance(r, str) for r in found.values()) == 10


def test_requests_are_taken_only_a_few_ahead(odd_pool: ReaderPool):
    taken = []

    def endless() -> Iterator[tuple[int, Request]]:
        for number in range(10_000):
            taken.append(number)
            yield number, Request(f"/x/ok-{number}")

    results = odd_pool.run(endless())
    for _ in range(10):
        next(results)
    assert len(taken) <= 10 + 2 * workers.QUEUED * 2
    list(results)
    assert len(taken) == 10_000


def test_no_requests_give_no_results(odd_pool: ReaderPool):
    assert list(odd_pool.run([])) == []


def test_a_consumer_that_takes_its_time_loses_nothing(odd_pool: ReaderPool):
    pause = threading.Event()
    found = []
    for tag, result in told(odd_pool, ((f"ok-{n}", Request(f"/x/ok-{n}")) for n in range(12))):
        if not found:
            pause.wait(2.5)  # longer than one file may take
        found.append((tag, result))
    assert sorted(found) == sorted((f"ok-{n}", f"ok-{n}") for n in range(12))


# --- the pool itself ------------------------------------------------------------------------------


def children(of: int | None = None) -> list[psutil.Process]:
    found = psutil.Process(of).children(recursive=True)
    return [p for p in found if p.status() != psutil.STATUS_ZOMBIE]


def test_closing_ends_every_process_even_a_hanging_one():
    before = {p.pid for p in children()}
    with odd(2, Limits(seconds=300)) as pool:
        results = pool.run((name, Request(f"/x/{name}")) for name in ("ok-1", "hang-1", "hang-2"))
        assert next(results)[0] == "ok-1"
        mine = [p for p in children() if p.pid not in before]
        assert mine
    _gone, alive = psutil.wait_procs(mine, timeout=10)
    assert alive == []


def test_readers_end_with_their_parent():
    script = (
        "import sys; from catalog.work.workers import ReaderPool; from catalog.media.request "
        "import Request\n"
        "pool = ReaderPool(2); list(pool.run([(1, Request('/nowhere'))])); print('up', "
        "flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == "up\n"
        readers = children(parent.pid)
        assert readers
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    _gone, alive = psutil.wait_procs(readers, timeout=10)
    assert alive == []


def test_a_pool_whose_processes_all_die_goes_on(pictures: list[Path]):
    before = {p.pid for p in children()}
    with ReaderPool(2) as pool:
        assert all(isinstance(r, Facts) for r in read(pool, pictures[:3]).values())
        for process in [p for p in children() if p.pid not in before]:
            process.kill()
        found = read(pool, pictures)
    assert len(found) == 12
    assert sum(isinstance(r, Facts) for r in found.values()) >= 10
    assert all(isinstance(r, Facts | UnreadableMedia) for r in found.values())


def test_processes_that_cannot_be_started_are_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit(3)\n")
    misbehave(monkeypatch, broken)
    with ReaderPool(1) as pool, pytest.raises(CatalogError, match="cannot be started"):
        ask(pool, "ok")


@pytest.mark.parametrize("count", [1, 3])
def test_results_do_not_depend_on_order_or_number_of_workers(pictures: list[Path], count: int):
    with ReaderPool(count) as pool:
        forward, backward = read(pool, pictures), read(pool, pictures[::-1])
    assert forward == backward
    assert {n: f.hash for n, f in forward.items()} == {
        p.name: content_hash(p.read_bytes()) for p in pictures
    }


def test_a_picture_that_needs_more_memory_than_allowed_costs_only_its_look(
    pictures: list[Path], tmp_path: Path
):
    large = tmp_path / "large.png"
    Image.new("1", (20_000, 20_000)).save(large)
    with ReaderPool(1, Limits(memory=200 * 1024 * 1024)) as pool:
        found = read(pool, [*pictures[:4], large, *pictures[4:]])
    facts = found.pop("large.png")
    assert all(isinstance(r, Facts) for r in found.values())
    reason = facts.problem if isinstance(facts, Facts) else str(facts)
    assert "memory" in reason


def test_a_request_for_the_hash_alone_reads_no_picture(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture at all")
    with ReaderPool(1) as pool:
        ((_tag, result),) = pool.run([("a", Request(str(tmp_path / "a.jpg"), only_hash=True))])
    assert result == digests_of(b"\xff\xd8\xff\xe0 no picture at all")


def test_descriptors_do_not_leak_when_readers_die(odd_pool: ReaderPool):
    ask(odd_pool, "ok")
    before = len(os.listdir("/proc/self/fd"))
    ask(odd_pool, *(f"die-{n}" for n in range(10)), "ok")
    assert len(os.listdir("/proc/self/fd")) <= before + 4
