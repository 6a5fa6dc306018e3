"""The review as a service: what is decided is done at once, and it ends in good order."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import Lab, jpeg, put, wait_for
from web_program import log_in


@contextmanager
def serving(lab: Lab) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A review of two photos that is being served, and a client that is logged in."""
    put(lab.source, {"a.jpg": jpeg("a", size=600), "b.jpg": jpeg("b", size=300)})
    assert lab.upload().status == 0
    found = sorted(lab.documents().values(), key=lambda document: -document["width"])
    members = [{"hash": d["hash"], "paths": [f"nas:{path}" for path in d["paths"]]} for d in found]
    group = {"kind": "similar", "keeper": found[0]["hash"], "reason": "largest", "members": members}
    (lab.home / "groups.jsonl").write_text(json.dumps(group))
    process = lab.start("catalog", "review", "--groups", "groups.jsonl", "--serve", "--json")
    with process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert (told["event"], told["groups"]) == ("serving", 1)
            with log_in(told["login"]) as client:
                yield process, client
        except BaseException:
            process.kill()
            raise


def ask(client: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    """The parsed answer to what the page posts."""
    return client.post(f"/review/{path}", json=body).json()


def drop_the_smaller(lab: Lab, client: httpx.Client) -> dict[str, Any]:
    """What the program answers to the decision to drop the smaller photo."""
    page = client.get("/review/").text
    keeper, smaller = (
        d["hash"] for d in sorted(lab.documents().values(), key=lambda d: -d["width"])
    )
    group = page.partition('"groups":[{"id":"')[2][:12]
    decision = {
        "group": group,
        "kind": "similar",
        "decision": "drop",
        "hash": smaller,
        "path": "",
        "keeper": keeper,
    }
    (answer,) = ask(client, "decisions", {"decisions": [decision]})["answers"]
    return dict(answer)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_0_where_nothing_was_decided(lab: Lab, number: signal.Signals) -> None:
    with serving(lab) as (process, _client):
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    summary = json.loads(out.splitlines()[-1])
    assert (summary["event"], summary["files"], "run" in summary) == ("summary", 0, False)


def test_what_was_decided_is_one_run_with_its_journal(lab: Lab) -> None:
    lab.variables["CATALOG_REMOVAL_COPIES"] = "1"
    with serving(lab) as (process, client):
        assert drop_the_smaller(lab, client)["outcome"] == "done"
        assert ask(client, "done", {}) == {"done": True}
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    line, summary = map(json.loads, out.splitlines()[-2:])
    assert (line["action"], line["outcome"], line["store"]) == ("drop", "dropped", "nas")
    assert (summary["dropped"], summary["failed"]) == (1, 0)
    rows = [
        json.loads(row)
        for row in (lab.home / "state" / "journal" / f"{summary['run']}.jsonl")
        .read_text()
        .splitlines()
    ]
    assert (rows[0]["action"], rows[0]["state"], rows[0]["command"]) == ("run", "started", "review")
    assert (rows[-1]["action"], rows[-1]["state"], rows[-1]["status"]) == ("run", "done", 0)
    assert len(lab.documents()) == 1
    events = lab.documents("events").values()
    assert {e.get("by") for e in events if e["run"] == summary["run"]} == {getpass.getuser()}
    assert f"  by {getpass.getuser()}  run" in lab.catalog("history", "--run", summary["run"]).out
    assert lab.catalog("undo", summary["run"]).status == 0
    assert len(lab.documents()) == 2


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 3), (signal.SIGTERM, 0)])
def test_decisions_that_failed_do_not_make_its_end_by_the_system_a_failure(
    lab: Lab, number: signal.Signals, status: int
) -> None:
    with serving(lab) as (process, client):
        answer = drop_the_smaller(lab, client)
        assert answer["outcome"] == "failed" and "1 of 2 verified copies" in answer["reason"]
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert json.loads(out.splitlines()[-1])["failed"] == 1
    assert len(lab.documents()) == 2


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_can_be_ended_before_there_is_anything_to_serve(
    lab: Lab, number: signal.Signals, status: int
) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    groups = lab.home / "groups"
    os.mkfifo(groups)
    with lab.start("catalog", "review", "--groups", groups, "--serve") as process:
        writer = opened(groups, process)
        process.send_signal(number)
        _out, err = process.communicate(timeout=60)
        os.close(writer)
    assert process.returncode == status, err


def opened(fifo: Path, reader: subprocess.Popen[str]) -> int:
    """The end to write to, once the other one is read from: a signal in the moment before is only
    looked at when the read is over.
    """
    found: list[int] = []

    def is_read() -> bool:
        with contextlib.suppress(OSError):
            found.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        return bool(found)

    wait_for(is_read, reader)
    waits_in = Path(f"/proc/{reader.pid}/wchan")  # "0" where the kernel does not tell
    wait_for(lambda: waits_in.read_text() == "0" or "pipe_read" in waits_in.read_text(), reader)
    return found[0]
