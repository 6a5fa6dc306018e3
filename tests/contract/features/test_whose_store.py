"""Whose store is this? A marker names its catalog, and an index that does not know that catalog
leaves the store alone.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from emulators.dropbox import Emulator
from running import Done, Lab, jpeg, put, tree

from catalog.index.stores import StoreRecords
from catalog.stores import marker
from catalog.stores.local.root import LocalRoot


class Killed(BaseException):
    """The program ends at this moment."""


@pytest.fixture
def one(lab: Lab) -> Lab:
    """A catalog with a NAS."""
    put(lab.source, {f"{n}.jpg": jpeg(n, f"2019:0{n}:12 18:30:15") for n in range(1, 4)})
    put(lab.source, {"2019/4.jpg": jpeg(4, "2019:04:12 18:30:15")})
    assert lab.upload().status == 0
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)
    return lab


def fresh(lab: Lab) -> Lab:
    """The same folders as another index sees them: of another HOME, another user, a new laptop."""
    return replace(lab, index=f"{lab.index}-fresh", variables=dict(lab.variables))


def marked(root: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((root / ".catalog" / "store.json").read_bytes())
    return found


def forget_whose(lab: Lab, *roots: Path) -> None:
    """As the version before left it: neither markers nor the index say anything of a catalog."""
    for root in roots:
        about = marked(root)
        del about["catalog"]
        (root / ".catalog" / "store.json").write_text(json.dumps(about) + "\n")
    lines: list[dict[str, Any]] = []
    for name, record in lab.documents("stores").items():
        record.pop("catalog", None)
        lines += [{"index": {"_index": f"{lab.index}-stores", "_id": name}}, record]
    data = "".join(f"{json.dumps(line)}\n" for line in lines)
    headers = {"content-type": "application/x-ndjson"}
    assert not lab.ask("POST", "_bulk?refresh=true", data=data, headers=headers)["errors"]


def whose(lab: Lab) -> str:
    """The id of a catalog, which the oldest record of its stores holds, or ""."""
    records = sorted(lab.documents("stores").values(), key=lambda record: str(record["added"]))
    named = [str(record["catalog"]) for record in records if "catalog" in record]
    return named[0] if named else ""


def check_refused(done: Done) -> None:
    assert done.status == 4, done.out + done.err
    told = done.err.replace("\n", " ")
    for way in ("catalog rebuild", "catalog restore", "catalog import", "elasticsearch_url"):
        assert way in told, told
    assert "--index" not in told


def test_marker_index_and_record_name_one_catalog(one: Lab) -> None:
    own = whose(one)
    assert own and marked(one.root)["catalog"] == own
    assert one.documents("stores")["nas"]["catalog"] == own
    assert one.run("sync_catalog_with_disk").status == 0 and whose(one) == own


COMMANDS = [
    ("upload_to_nas_from_disk", "SOURCE", "-r"),
    ("upload_to_nas_from_disk", "SOURCE", "-r", "--dryrun"),
    ("upload_to_nas_from_disk", "SOURCE", "-r", "--move"),
    ("import_old_catalog", "SOURCE", "2019"),
    ("catalog", "store", "add", "nas", "ROOT"),
    ("catalog", "store", "add", "other", "ROOT"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_fresh_index_does_not_adopt_a_store_of_another_catalog(
    one: Lab, command: tuple[str, ...]
) -> None:
    other, places = fresh(one), {"SOURCE": one.source, "ROOT": one.root}
    before = tree(one.root), tree(one.source)
    check_refused(other.run(*(places.get(word, word) for word in command)))  # type: ignore[arg-type]
    assert (tree(one.root), tree(one.source)) == before
    assert other.documents() == {} and other.documents("stores") == {}
    assert one.upload("--dryrun").status == 0


def test_doctor_and_the_list_of_stores_say_whose_it_is(one: Lab) -> None:
    other = fresh(one)
    done = other.catalog("doctor")
    assert "another catalog" in done.out + done.err and "catalog rebuild" in done.out + done.err
    about = marked(one.root)
    (one.root / ".catalog" / "store.json").write_text(json.dumps({**about, "catalog": "f" * 32}))
    (listed,) = one.catalog("store", "list", "--json").lines
    assert listed["state"] == "other catalog"


def test_a_rebuild_into_a_fresh_index_takes_the_catalog_over(one: Lab) -> None:
    other, before = fresh(one), marked(one.root)
    check_refused(other.upload())
    done = other.catalog("rebuild", one.root)
    assert done.status == 0, done.err
    assert marked(one.root) == before and whose(other) == whose(one)
    assert other.documents().keys() == one.documents().keys()
    assert other.upload("--json").summary["new"] == 0
    assert one.upload("--json").summary["new"] == 0


def test_a_rebuild_into_an_index_with_stores_of_its_own_takes_the_store_over(one: Lab) -> None:
    other = fresh(one)
    (one.folder / "mine").mkdir()
    assert other.catalog("store", "add", "mine", one.folder / "mine").status == 0
    done = other.catalog("rebuild", one.root)
    assert done.status == 0 and "names this one now" in done.err
    assert marked(one.root)["catalog"] == whose(other) != whose(one)
    assert other.catalog("rebuild", one.root).err.count("names this one now") == 0
    refused = one.upload()
    check_refused(refused)
    assert f"catalog store add nas {one.root} --force" in refused.err.replace("\n", " ")
    taken = one.catalog("store", "add", "nas", one.root, "--force")
    assert taken.status == 0 and "names this one now" in taken.err
    assert marked(one.root)["catalog"] == whose(one) and one.upload().status == 0


def test_an_import_makes_a_fresh_index_know_the_catalog(one: Lab) -> None:
    other, export = fresh(one), one.home / "export.ndjson"
    assert one.catalog("export", export).status == 0
    check_refused(other.upload())
    assert other.catalog("import", export, "--dryrun").status == 0
    check_refused(other.upload())
    assert other.catalog("import", export).status == 0
    assert whose(other) == whose(one)
    done = other.upload("--json")
    assert done.status == 0 and done.summary["new"] == 0


def test_an_import_into_a_catalog_of_its_own_keeps_its_id_and_knows_both(one: Lab) -> None:
    other, export = fresh(one), one.home / "export.ndjson"
    (one.folder / "mine").mkdir()
    assert other.catalog("store", "add", "mine", one.folder / "mine").status == 0
    assert one.catalog("export", export).status == 0
    assert other.catalog("import", export).status == 0
    done = other.upload("--json")
    assert done.status == 0 and done.summary["new"] == 0
    assert marked(one.root)["catalog"] == whose(one) and one.upload().status == 0
    assert other.run("sync_catalog_with_disk", "--store", "mine").status == 0
    catalogs = {record["catalog"] for record in other.documents("stores").values()}
    assert catalogs == {whose(one), marked(one.folder / "mine")["catalog"]} and len(catalogs) == 2


def test_an_index_from_before_it_had_an_id_knows_its_stores_by_theirs(one: Lab) -> None:
    """As an old backup or export brings it back, once a newer program has written the marker."""
    own = whose(one)
    before = marked(one.root)
    forget_whose(one)
    assert whose(one) == "" and marked(one.root) == before
    done = one.upload("--json")
    assert done.status == 0 and done.summary["new"] == 0
    assert whose(one) == own and marked(one.root) == before


def test_stores_marked_before_are_taken_over_once_and_told(one: Lab) -> None:
    archive = one.folder / "archive"
    archive.mkdir()
    assert one.catalog("store", "add", "archive", archive).status == 0
    forget_whose(one, one.root, archive)
    before = {root: marked(root) for root in (one.root, archive)}
    assert one.upload("--dryrun").err.count("names this one now") == 0
    done = one.catalog("mirror", "nas", "archive")
    assert done.status == 0 and done.err.count("names this one now") == 2
    for root in before:
        assert marked(root) == {**before[root], "catalog": whose(one)}
    for again in (one.catalog("mirror", "nas", "archive"), one.upload()):
        assert again.status == 0 and "names this one now" not in again.err


def test_a_fresh_index_takes_a_store_over_that_names_no_catalog_and_says_so(one: Lab) -> None:
    forget_whose(one, one.root)
    other = fresh(one)
    done = other.upload()
    assert done.status == 0 and done.err.count("names this one now") == 1
    assert marked(one.root)["catalog"] == whose(other)
    assert one.upload().status == 0, "the index that knew it before is not locked out"


def test_a_store_that_cannot_be_written_to_is_used_as_it_is_and_told_once(
    one: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_whose(one, one.root)
    before = marked(one.root)

    def claim(_root: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(marker, "claim_scratch", claim)
    done = one.run("sync_catalog_with_disk")
    assert done.status == 0 and done.err.count("Read-only file system") == 1
    again = one.run("sync_catalog_with_disk")
    assert again.status == 0 and "Read-only" not in again.err
    assert marked(one.root) == before
    monkeypatch.undo()
    done = one.run("sync_catalog_with_disk")
    assert done.status == 0 and marked(one.root)["catalog"] == whose(one)


def test_two_catalogs_on_one_elasticsearch_keep_to_their_stores(one: Lab) -> None:
    other = fresh(one)
    other.root = one.folder / "second nas"
    other.variables["CATALOG_NAS_ROOT"] = str(other.root)
    for lab in (one, other):
        archive = lab.folder / f"archive of {lab.index}"
        archive.mkdir()
        assert lab.upload().status == 0
        assert lab.catalog("store", "add", "archive", archive).status == 0
        assert lab.catalog("mirror", "nas", "archive").status == 0
    assert whose(one) != whose(other)
    for lab in (one, other):
        assert lab.upload("--json").summary["new"] == 0
        assert lab.catalog("mirror", "nas", "archive", "--json").summary["copied"] == 0
        assert lab.run("sync_catalog_with_disk", "--store", "archive").status == 0
    check_refused(one.run("upload_to_nas_from_disk", one.source, "--nas_root", other.root))


STEPS = [
    (LocalRoot, "mark"),
    (StoreRecords, "write"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step"), STEPS, ids=[step for _owner, step in STEPS])
@pytest.mark.parametrize("was", ["new", "marked before"])
def test_no_kill_locks_anybody_out(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, was: str, owner: type, step: str, after: bool
) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    if was == "marked before":
        assert lab.upload().status == 0
        forget_whose(lab, lab.root)
    real, kills = getattr(owner, step), list[str]()

    def killed(*arguments: Any, **options: Any) -> Any:
        if after:
            real(*arguments, **options)
        kills.append(step)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, killed)
        with pytest.raises(Killed):
            lab.upload()
    assert kills == [step]
    done = lab.upload("--json")
    assert done.status == 0, done.err
    assert done.summary["new"] + done.summary["duplicate"] == 1 and len(lab.documents()) == 1
    assert marked(lab.root)["catalog"] == whose(lab)
    check_refused(fresh(lab).upload())


def test_a_folder_in_dropbox_belongs_to_its_catalog_as_well(one: Lab, dropbox: Emulator) -> None:
    assert one.run("sync_nas_to_dropbox").status == 0
    other = fresh(one)
    put(one.folder / "new", {"new.jpg": jpeg("new")})
    other.root = one.folder / "second nas"
    other.variables["CATALOG_NAS_ROOT"] = str(other.root)
    for flags in (("--dropbox",), ("--dropbox", "--dryrun")):
        check_refused(other.upload(*flags, source=one.folder / "new"))
    check_refused(other.run("sync_catalog_with_dropbox"))
    assert one.run("sync_nas_to_dropbox", "--json").summary["copied"] == 0
    assert other.catalog("rebuild", "dropbox").status == 0
    assert other.documents().keys() == one.documents().keys()
