"""The catalog from Python: what is public, what it returns, that it is silent,
and several threads at once.
"""

from __future__ import annotations

import _thread
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running import MTIME, Lab, jpeg, put

import catalog

pytestmark = pytest.mark.node
PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
PROGRAMS = dict(re.findall(r"<!-- program (\w+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))


def photos(*numbers: int) -> dict[str, bytes]:
    return {f"{n}.jpg": jpeg(n, f"2019:07:{n + 1:02d} 18:30:15") for n in numbers}


@pytest.fixture
def settings(lab: Lab) -> dict[str, object]:
    """What leads to the lab's own catalog."""
    assert lab.node
    return {
        "nas_root": lab.root,
        "index": lab.index,
        "state_dir": lab.home / "state",
        "elasticsearch_url": lab.node.url,
        "elasticsearch_user": lab.node.user,
        "elasticsearch_password": lab.node.password,
    }


@pytest.fixture
def opened(settings: dict[str, object]) -> Iterator[catalog.Catalog]:
    with catalog.open_catalog(**settings) as found:
        yield found


def test_the_public_names_are_these() -> None:
    assert catalog.__all__ == [
        "Catalog",
        "CatalogError",
        "CatalogIndexError",
        "ConfigError",
        "Interrupted",
        "MediaError",
        "NodeError",
        "Outcome",
        "PlanRefused",
        "RunResult",
        "StoreError",
        "TransferError",
        "UsageError",
        "__version__",
        "open_catalog",
    ]
    assert all(getattr(catalog, name) is not None for name in catalog.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Workspace'"):
        _ = catalog.Workspace
    verbs = {name for name in dir(catalog.Catalog) if not name.startswith("_")}
    assert verbs == {
        "close",
        "search",
        "show",
        "status",
        "history",
        "runs",
        "stores",
        "shortfalls",
        "trash",
        "similar",
        "duplicates",
        "bad",
        "upload",
        "upload_into",
        "sync",
        "mirror",
        "verify",
        "export",
        "import_",
        "tag",
        "move_tagged",
        "scale",
        "set",
        "measure",
        "reread",
        "refile",
        "resolve",
        "forget",
        "prune",
        "restore_from_trash",
        "empty_trash",
        "undo",
    }


def test_its_types_are_shipped() -> None:
    assert (Path(catalog.__file__).parent / "py.typed").exists()


def test_a_folder_goes_into_any_store_and_pictures_are_made_larger(
    lab: Lab, settings: dict[str, object]
) -> None:
    raw, unsorted = lab.folder / "raw", lab.folder / "unsorted"
    unsorted.mkdir()
    put(raw, {"Unknown_1.jpg": jpeg("a")}, mtime=MTIME)
    put(lab.source, photos(1, 2))
    for name in ("shelf", "archive"):
        (lab.folder / name).mkdir()
        assert lab.catalog("store", "add", name, lab.folder / name).status == 0
    folders = {"raw_remote_dir": str(raw), "unsorted_remote_dir": str(unsorted)}
    with catalog.open_catalog(**settings, **folders) as c:
        planned = c.upload_into("shelf", lab.source, dryrun=True)
        assert planned.dry and planned.counts["planned"] == 2
        done = c.upload_into("shelf", lab.source, also="archive", recursive=True)
        assert (done.counts["new"], done.problems) == (2, 0)
        assert {store for asset in c.search() for store in asset.document["stores"]} == {
            "shelf",
            "archive",
        }
        assert c.scale(dryrun=True).counts["planned"] == 1 and not list(unsorted.iterdir())
        assert c.scale().counts["scaled"] == 1
    assert len(list(unsorted.iterdir())) == 1 and not list(raw.iterdir())


def test_a_life_of_a_catalog(
    lab: Lab, settings: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    put(lab.source, photos(1, 2, 3) | {"again/1.jpg": photos(1)["1.jpg"], "notes.txt": b"hello"})
    told: list[catalog.Outcome] = []
    with catalog.open_catalog(on_outcome=told.append, **settings) as c:
        planned = c.upload(lab.source, recursive=True, dryrun=True)
        assert (
            planned.dry
            and planned.run == ""
            and planned.counts["planned"] == 3
            and not lab.root.exists()
        )
        done = c.upload(lab.source, recursive=True)
        assert (done.counts["new"], done.counts["duplicate"], done.problems) == (3, 1, 0)
        assert done.journal is not None and done.journal.exists() and done.run in done.journal.name
        assert {(o.path, o.outcome) for o in told[-5:]} >= {
            ("1.jpg", "new"),
            ("again/1.jpg", "duplicate"),
        }
        assert [asset.taken[:10] for asset in c.search("taken:2019", sort="taken")] == [
            "2019-07-02",
            "2019-07-03",
            "2019-07-04",
        ]
        assert c.search("taken:2019", limit=1).count() == 3
        assert c.status().totals.assets == 3
        first = next(iter(c.search(sort="taken")))
        tagged = c.tag(first.hash, add="summer")
        assert (tagged.counts["changed"], c.search("tags:summer").count()) == (1, 1)
        assert c.undo(tagged.run).problems == 0 and c.search("tags:summer").count() == 0
        assert c.set(first.hash, values=["rating=4"]).counts["changed"] == 1
        assert c.show(first.hash).document["rating"] == 4
        assert {run.command for run in c.runs()} >= {
            "upload_to_nas_from_disk",
            "tag",
            "set",
            "undo",
        }
        assert c.sync().counts["unchanged"] == 3
        assert c.verify().counts["verified"] == 3
        assert [state.name for state in c.stores()] == ["nas"]
        assert len(c.duplicates().groups) == 0 and {shot.hash for shot in c.bad().shots} <= {
            a.hash for a in c.search()
        }
    assert capfd.readouterr() == ("", ""), "it is silent"


def test_what_stops_a_run_is_raised(
    lab: Lab, opened: catalog.Catalog, settings: dict[str, object]
) -> None:
    with pytest.raises(catalog.UsageError, match="There is no folder"):
        opened.upload(lab.folder / "nowhere")
    with pytest.raises(catalog.CatalogIndexError):
        opened.search().count()
    with pytest.raises(catalog.ConfigError, match="Unknown setting nas_rooot"):
        catalog.open_catalog(nas_rooot="x")
    put(lab.source, photos(1, 2, 3))

    def stop(_outcome: catalog.Outcome) -> None:
        _thread.interrupt_main()  # as Ctrl-C does

    with catalog.open_catalog(on_outcome=stop, **settings) as interrupted:
        put(lab.source, {"a.txt": b"told of in this thread"})
        with pytest.raises(catalog.Interrupted):
            interrupted.upload(lab.source)
    assert opened.upload(lab.source).counts["new"] + opened.search().count() >= 3
    lab.check_no_ghosts()


def test_several_threads_use_one_catalog_at_once(lab: Lab, opened: catalog.Catalog) -> None:
    folders = [lab.folder / f"card{n}" for n in range(4)]
    for number, folder in enumerate(folders):
        put(
            folder,
            {
                f"{number}/{n}.jpg": jpeg(
                    f"{number} {n}", f"2019:07:{n + 1:02d} 10:{number:02d}:00"
                )
                for n in range(6)
            },
        )
    with ThreadPoolExecutor(8) as pool:
        uploads = [pool.submit(opened.upload, folder, recursive=True) for folder in folders]
        assert [upload.result().counts["new"] for upload in uploads] == [6, 6, 6, 6]
        counts = pool.map(lambda n: opened.search(f"taken:2019-07-{n + 1:02d}").count(), range(6))
        assert list(counts) == [4] * 6
    assert len({upload.result().run for upload in uploads}) == 4
    lab.check_no_ghosts()


def test_the_programs_of_the_documentation_run(lab: Lab) -> None:
    assert set(PROGRAMS) == {"upload", "sync", "tag"}
    put(lab.source, photos(1, 2))

    def run(name: str, *arguments: object) -> str:
        command = [sys.executable, "-c", PROGRAMS[name], *map(str, arguments)]
        done = subprocess.run(
            command,
            env=lab.environment(),
            cwd=lab.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    said = run("upload", lab.source, lab.root)
    assert "2 new, 0 problems" in said and "2019-07-02T18:30:15" in said
    put(lab.root, {"new.jpg": jpeg("new")})
    assert "1 new" in run("sync", lab.root)
    assert run("tag", lab.root).splitlines() == ["3 tagged, 3 in all", "0 tagged"]
