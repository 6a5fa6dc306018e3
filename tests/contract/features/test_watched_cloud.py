"""`catalog watch` of a folder of a server: what changes there is taken up, by its entity tags or by
looking at all of it, also after the server, or the index, was away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from emulators.nextcloud import DIALECTS, Emulator
from running import Done, Lab, content_hash, jpeg, many, put
from test_webdav import catalogued, cloud_of, in_cloud

from catalog.errors import IndexUnavailable
from catalog.features.reconcile import watch
from catalog.stores.webdav import kept_tree
from catalog.stores.webdav.kept_tree import KeptTree

Step = Callable[[], None]


@pytest.fixture(params=["nextcloud", "plain"])
def cloud(
    request: pytest.FixtureRequest, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Emulator]:
    monkeypatch.setattr(kept_tree, "POLL", 0.01)
    monkeypatch.setattr(watch, "_LONGPOLL_SECONDS", 0.02)
    with cloud_of(lab, tmp_path, DIALECTS[request.param]) as emulator:
        many(lab.source, 3)
        assert lab.upload().status == 0
        assert lab.catalog("store", "add", "cloud", "webdav:photos").status == 0
        assert lab.catalog("mirror", "nas", "cloud", "-q").status == 0
        yield emulator


def watched(lab: Lab, monkeypatch: pytest.MonkeyPatch, *steps: Step, **more: str) -> Done:
    """A watch that does one of the steps after each sync, and ends with the last one."""
    left, sync = [*steps], watch.run_sync

    def then_a_step(*words: object) -> object:
        try:
            return sync(*words)  # type: ignore[arg-type]
        finally:
            left.pop(0)()
            if not left:
                raise KeyboardInterrupt

    monkeypatch.setattr(watch, "run_sync", then_a_step)
    return lab.catalog("watch", "cloud", "--settle", "0s", **more)


def test_what_changes_on_the_server_is_taken_up(
    lab: Lab, cloud: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = sorted(in_cloud(cloud, "photos"))
    states: list[bool] = []

    def is_in_step() -> None:
        states.append(catalogued(lab, "cloud") == in_cloud(cloud, "photos"))

    def add() -> None:
        is_in_step()
        cloud.plant("/photos/new folder/new.jpg", jpeg("new"))

    def change() -> None:
        is_in_step()
        cloud.plant(f"/photos/{first}", jpeg("edited"))

    def rename() -> None:
        is_in_step()
        cloud.move(f"/photos/{second}", "/photos/new folder/renamed.jpg")

    def delete() -> None:
        is_in_step()
        cloud.delete(f"/photos/{third}")

    done = watched(lab, monkeypatch, add, change, rename, delete, is_in_step)
    assert done.status == 130, done.err
    assert states == [True] * 5
    found = catalogued(lab, "cloud")
    assert found[first] == content_hash(jpeg("edited"))
    assert {"new folder/new.jpg", "new folder/renamed.jpg"} <= found.keys()
    assert len(found) == 3 and third not in found


def test_a_nextcloud_in_which_nothing_changes_is_asked_for_one_tag(
    lab: Lab, cloud: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not cloud.dialect.clouded:
        pytest.skip("a plain server says nothing of what lies below a folder")
    wait, waits = KeptTree.wait, 0

    def counted(tree: KeptTree, seconds: int) -> bool:
        nonlocal waits
        waits += 1
        if waits == 3:
            raise KeyboardInterrupt
        cloud.clear_calls()
        changed = wait(tree, seconds)
        assert not changed and {call.route for call in cloud.calls} == {"files/PROPFIND"}
        assert {call.argument.path for call in cloud.calls} == {"/photos"}
        assert {call.argument.headers["depth"] for call in cloud.calls} == {"0"}
        return changed

    monkeypatch.setattr(KeptTree, "wait", counted)
    assert lab.catalog("watch", "cloud", "--settle", "0s").status == 130


def test_a_server_that_goes_away_is_waited_for_and_told_of_once(
    lab: Lab, cloud: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait, failed = KeptTree.wait, 0

    def counted(tree: KeptTree, seconds: int) -> bool:
        nonlocal failed
        try:
            return wait(tree, seconds)
        except Exception:
            failed += 1
            if failed == 3:
                cloud.start()
                cloud.plant("/photos/meanwhile.jpg", jpeg("meanwhile"))
            raise

    monkeypatch.setattr(KeptTree, "wait", counted)
    if not cloud.dialect.clouded:  # which is asked for nothing while it is waited for
        failed = 2

        def start_again() -> None:
            cloud.start()
            cloud.plant("/photos/meanwhile.jpg", jpeg("meanwhile"))

        done = watched(
            lab, monkeypatch, cloud.stop, start_again, int, CATALOG_WEBDAV_RETRY_SECONDS="0"
        )
    else:
        done = watched(lab, monkeypatch, cloud.stop, int, CATALOG_WEBDAV_RETRY_SECONDS="0")
    assert done.status == 130, done.err
    assert done.err.count("Error:") == 1, done.err
    assert failed >= 2
    assert catalogued(lab, "cloud")["meanwhile.jpg"] == content_hash(jpeg("meanwhile"))


def test_a_folder_that_is_gone_for_a_while_takes_nothing_from_the_catalog(
    lab: Lab, cloud: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = catalogued(lab, "cloud")

    def unmount() -> None:
        cloud.move("/photos", "/elsewhere")

    def mount() -> None:
        cloud.move("/elsewhere", "/photos")

    wait, failed = KeptTree.wait, 0

    def counted(tree: KeptTree, seconds: int) -> bool:
        nonlocal failed
        try:
            return wait(tree, seconds)
        except Exception:
            failed += 1
            mount()
            raise

    monkeypatch.setattr(KeptTree, "wait", counted)
    steps: tuple[Step, ...] = (unmount, int) if cloud.dialect.clouded else (unmount, mount, int)
    done = watched(lab, monkeypatch, *steps)
    assert done.status == 130 and done.err.count("Error:") == 1, done.err
    assert failed == (1 if cloud.dialect.clouded else 0)
    assert catalogued(lab, "cloud") == before


@pytest.mark.parametrize("store", ["cloud", "nas"])
def test_a_sync_that_was_stopped_is_tried_again_though_nothing_changes(
    lab: Lab, cloud: Emulator, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    monkeypatch.setattr(watch, "_FIRST_RETRY", 0.0)
    put(lab.root, {"by hand.jpg": jpeg("by hand")})
    cloud.plant("/photos/by hand.jpg", jpeg("by hand"))
    sync, stopped = watch.run_sync, 0

    def stopped_twice(*words: object) -> object:
        nonlocal stopped
        stopped += 1
        if stopped < 3:
            raise IndexUnavailable("It is not there.")
        sync(*words)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(watch, "run_sync", stopped_twice)
    done = lab.catalog("watch", store, "--settle", "0s")
    assert done.status == 130 and done.err.count("Error:") == 1, done.err
    assert catalogued(lab, store)["by hand.jpg"] == content_hash(jpeg("by hand"))
