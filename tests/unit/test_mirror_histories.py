"""Two stores that a person changes as they like, mirrored in both directions in any order:
played on values alone.

Whatever happens, no content is lost, what a person did last is not undone, and it comes to an end.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chance import times
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.domain.copies import timestamp
from catalog.features.mirror.arrangement import Pairing, settle_names
from catalog.features.mirror.history import Move
from catalog.features.mirror.partners import Pair
from catalog.features.mirror.plan import Follow, Mirroring, survey_asset

STORES = ("nas", "dropbox")
PATHS = ["a.jpg", "a_1.jpg", "b.jpg", "c.jpg", "x/a.jpg"]


class World:
    """Files by store and path; what the index says of them; the renames it was told of;
    and a clock.
    """

    def __init__(self) -> None:
        self.files: dict[str, dict[str, str]] = {store: {} for store in STORES}
        self.rows: dict[str, dict[str, tuple[str, str]]] = {store: {} for store in STORES}
        self.moves: dict[str, list[Move]] = {}
        self.seconds = 0
        self.fresh = 0

    def now(self) -> str:
        self.seconds += 1
        return timestamp(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds))

    def known(self) -> set[str]:
        return {content for rows in self.rows.values() for content, _added in rows.values()}

    def record(self, store: str, *, load: bool) -> None:
        """A reconciliation; without `load` new contents are left alone."""
        files, rows = self.files[store], self.rows[store]
        known = self.known()
        gone = {p: c for p, (c, _added) in rows.items() if files.get(p) != c}
        come = {
            p: c for p, c in files.items() if rows.get(p, ("",))[0] != c and (load or c in known)
        }
        for path, content in sorted(come.items()):
            old = next((p for p, c in sorted(gone.items()) if c == content), None)
            added = self.now()
            if old is not None:
                del gone[old]
                self.moves.setdefault(content, []).append(Move(store, old, path, self.now()))
                if rows.get(old, ("",))[0] == content:
                    added = rows.pop(old)[1]
            rows[path] = (content, added)
        for path, content in gone.items():
            if rows.get(path, ("",))[0] == content:
                del rows[path]

    def plan(self, source: str, target: str) -> list[Mirroring]:
        assets = []
        for content in sorted(self.known()):
            copies = [
                {"store": s, "path": p, "size": 1, "state": "ok", "added": added}
                for s in STORES
                for p, (c, added) in self.rows[s].items()
                if c == content
            ]
            moves = self.moves.get(content, [])
            assets.append(survey_asset(content, copies, [], Pair(source, target), moves))
        taken = set(self.files["nas"]) | set(self.files["dropbox"])

        def number(_pairing: Pairing, path: str) -> str:
            found = next(p for n in range(1, 99) if (p := f"{path[:-4]}_{n}.jpg") not in taken)
            taken.add(found)
            return found

        names = settle_names([p for asset in assets for p in asset.pairings], str, number)
        found = [action for asset in assets for action in asset.needs(names).actions]
        return sorted(found, key=lambda a: not isinstance(a, Follow))

    def sync(self, source: str, target: str) -> int:
        for store in STORES:
            self.record(store, load=False)
        plan = self.plan(source, target)
        files, rows = self.files[target], self.rows[target]
        follows = [a for a in plan if isinstance(a, Follow)]
        for action in follows:
            assert files.pop(action.old) == action.hash
        for action in plan:
            path, number = action.goal, 0
            while path in files:
                number += 1
                path = f"{action.goal[:-4]}_{number}.jpg"
            files[path] = action.hash
            added = self.now()
            if isinstance(action, Follow):
                if rows[action.old][0] == action.hash:
                    added = rows.pop(action.old)[1]
                self.moves.setdefault(action.hash, []).append(
                    Move(target, action.old, path, self.now())
                )
            rows[path] = (action.hash, added)
        return len(plan)


changes = st.tuples(
    st.sampled_from(["new", "rename", "copy", "delete", "edit"]),
    st.sampled_from(STORES),
    st.sampled_from(PATHS),
    st.sampled_from(PATHS),
)
renames = st.tuples(
    st.just("rename"), st.sampled_from(STORES), st.sampled_from(PATHS), st.sampled_from(PATHS)
)
runs = st.tuples(st.sampled_from(["record", "sync"]), st.sampled_from(STORES))


def change(world: World, what: str, store: str, path: str, other: str) -> None:
    files = world.files[store]
    world.fresh += 1
    if (what == "new" and path not in files) or (what == "edit" and path in files):
        files[path] = f"content {world.fresh}"
    elif what == "rename" and path in files and other not in files:
        files[other] = files.pop(path)
    elif what == "copy" and path in files and other not in files:
        files[other] = files[path]
    elif what == "delete":
        files.pop(path, None)


def settle(world: World) -> None:
    """Bring everything in step; it must come to an end soon."""
    for _ in range(6):
        for store in STORES:
            world.record(store, load=True)
        if not world.sync("nas", "dropbox") + world.sync("dropbox", "nas"):
            return
    raise AssertionError("it does not come to an end")


@settings(max_examples=times(400))
@given(st.lists(st.one_of(changes, runs), max_size=25))
def test_it_comes_to_an_end_and_nothing_is_lost(history: list[tuple[str, ...]]):
    world = World()
    for what, store, *paths in history:
        if what == "record":
            world.record(store, load=True)
        elif what == "sync":
            world.sync(store, "dropbox" if store == "nas" else "nas")
        else:
            change(world, what, store, paths[0], paths[1])
    before = {content for files in world.files.values() for content in files.values()}
    settle(world)
    for store in STORES:
        assert before == set(world.files[store].values())
        assert {p: c for p, (c, _added) in world.rows[store].items()} == world.files[store]
    nas, dropbox = world.files.values()
    assert all(nas[path] == dropbox[path] for path in nas.keys() & dropbox.keys())
    if not any(what in ("copy", "delete") for what, *_rest in history):
        assert nas == dropbox, "there are two arrangements"


@settings(max_examples=times(600))
@given(
    st.lists(st.one_of(changes, renames, runs), max_size=14),
    st.sampled_from(STORES),
    st.sampled_from(PATHS),
    st.sampled_from([*PATHS, "y/new.jpg"]),
    st.lists(st.sampled_from(STORES), max_size=6),
)
def test_what_was_renamed_last_keeps_its_name(
    history: list[tuple[str, ...]], store: str, path: str, to: str, order: list[str]
):
    world = World()
    world.files = {s: {"a.jpg": "one", "b.jpg": "two"} for s in STORES}
    settle(world)
    for what, where, *paths in history:
        if what in ("record", "sync"):
            world.sync(where, "dropbox" if where == "nas" else "nas")
        else:
            change(world, what, where, paths[0], paths[1])
    settle(world)
    if path not in world.files[store] or any(to in files for files in world.files.values()):
        return
    content = world.files[store].pop(path)
    there = world.files["dropbox" if store == "nas" else "nas"]
    follows = list(there.values()).count(content) == 1 or there.get(path) == content
    world.files[store][to] = content
    for source in order:
        world.sync(source, "dropbox" if source == "nas" else "nas")
        assert world.files[store].get(to) == content
    settle(world)
    assert world.files[store].get(to) == content
    assert content in there.values()
    if follows:
        assert there.get(to) == content


@settings(max_examples=times(300))
@given(
    st.dictionaries(st.sampled_from(PATHS), st.sampled_from("XYZ")),
    st.dictionaries(st.sampled_from(PATHS), st.sampled_from("XYZ")),
)
def test_two_stores_that_meet_move_nothing_but_what_has_the_name_of_another_content(
    nas: dict[str, str], dropbox: dict[str, str]
):
    world = World()
    world.files = {"nas": dict(nas), "dropbox": dict(dropbox)}
    settle(world)
    both = [path for path in nas.keys() & dropbox.keys() if nas[path] != dropbox[path]]
    disputed = {content for path in both for content in (nas[path], dropbox[path])}
    for store, before in (("nas", nas), ("dropbox", dropbox)):
        kept = {path: content for path, content in before.items() if content not in disputed}
        assert kept.items() <= world.files[store].items()
        assert set(world.files[store].values()) == {*nas.values(), *dropbox.values()}
