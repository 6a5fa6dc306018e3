"""Look-alikes, bad shots and decisions through the real commands and a real index."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter
from running import Lab, clip, ended, put

from catalog.domain.fixity import content_hash


def scene(seed: int, size: tuple[int, int] = (480, 320)) -> Image.Image:
    """A picture with something in it; another seed, another picture."""
    rng = np.random.default_rng(seed)
    large = Image.fromarray(rng.integers(30, 220, (5, 7, 3), dtype=np.uint8)).resize(
        size, Image.Resampling.BICUBIC
    )
    small = Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)).resize(
        size, Image.Resampling.BICUBIC
    )
    grain = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    return Image.blend(Image.blend(large, small, 0.3), grain, 0.12)


def photo(
    picture: Image.Image,
    taken: str | None = "2019:07:12 18:30:15",
    form: str = "JPEG",
    quality: int = 90,
    **tags: Any,
) -> bytes:
    """A file; without `taken` it has no metadata at all."""
    exif = Image.Exif()
    if taken:
        exif[0x010F], exif[0x0110] = "Acme", tags.get("model", "Shot 1")
        exif.get_ifd(0x8769)[0x9003] = taken
    stream = io.BytesIO()
    picture.save(stream, form, quality=quality, exif=exif if taken else b"")
    return stream.getvalue()


@pytest.fixture
def library(lab: Lab) -> dict[str, str]:
    """An upload of two scenes in several renderings, and of what resembles nothing;
    content hash by name.
    """
    one, two = scene(1), scene(2)
    files = {
        "one.jpg": photo(one),
        "small/one.jpg": photo(one.resize((240, 160)), None),
        "turned/one.jpg": photo(one.transpose(Image.Transpose.ROTATE_270), None, quality=80),
        "web/one.webp": photo(one, None, "WEBP", 70),
        "two.jpg": photo(two, "2020:01:01 10:00:00"),
        "three.jpg": photo(scene(3), "2021:01:01 10:00:00"),
        "grey.jpg": photo(Image.new("RGB", (300, 200), (90, 90, 90)), None),
        "white.jpg": photo(Image.new("RGB", (300, 200), (250, 250, 250)), None),
    }
    with_tag = photo(two, "2020:01:01 10:00:00")
    files["bare/two.jpg"] = with_tag[:2] + b"\xff\xfe\x00\x08hello\x00"[:10] + with_tag[2:]
    put(lab.source, files)
    assert lab.upload().status == 0
    return {name: content_hash(data) for name, data in files.items()}


def groups(lab: Lab, *arguments: object) -> list[dict[str, Any]]:
    done = lab.catalog("duplicates", "--json", *arguments)
    assert done.status == 0, done.err
    return done.lines[:-1]


def decide(
    lab: Lab,
    decisions: Sequence[tuple[str, str]],
    *,
    keeper: str,
    kind: str = "similar",
    path: str = "",
) -> Path:
    """A CSV as a spreadsheet program saves it: `,`, and the columns in another order."""
    file = lab.home / "decisions.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["decision", "hash", "comment", "keeper", "kind", "group", "path"])
        writer.writerows(
            [word, digest, "mine", keeper, kind, "0" * 12, path] for digest, word in decisions
        )
    return file


# --- finding --------------------------------------------------------------------------------------


def test_duplicates_are_grouped_by_kind_with_a_keeper(lab: Lab, library: dict[str, str]) -> None:
    found = groups(lab)
    assert {g["kind"]: {m["hash"] for m in g["members"]} for g in found} == {
        "same-image": {library["two.jpg"], library["bare/two.jpg"]},
        "similar": {
            library[n] for n in ("one.jpg", "small/one.jpg", "turned/one.jpg", "web/one.webp")
        },
    }
    similar = next(g for g in found if g["kind"] == "similar")
    assert similar["keeper"] == library["one.jpg"] == similar["members"][0]["hash"]
    turned = {m["hash"]: m["turned"] for m in similar["members"]}
    assert turned[library["turned/one.jpg"]] == "90"
    assert {t for digest, t in turned.items() if digest != library["turned/one.jpg"]} == {""}
    assert all(m["paths"][0].startswith("nas:") for g in found for m in g["members"])
    assert [g["kind"] for g in groups(lab, "--kind", "same-image")] == ["same-image"]
    assert groups(lab, "taken:2020 ext:jpg", "--kind", "similar") == []


def test_the_summary_and_what_a_person_reads(lab: Lab, library: dict[str, str]) -> None:
    done = lab.catalog("duplicates", "--json")
    assert (
        done.summary["groups"],
        done.summary["similar"],
        done.summary["same-image"],
        done.summary["files"],
    ) == (2, 1, 1, 4)
    text = lab.catalog("duplicates").out
    assert "similar: as the camera made it" in text
    assert "turned 90" in text
    assert text.splitlines()[-1].startswith(
        "2 groups (1 same-image, 1 similar). Beside the keepers: 4 files"
    )
    assert lab.catalog("duplicates", "taken:1990").out == "No duplicates.\n"


def test_several_copies_in_one_store_are_exact(lab: Lab, library: dict[str, str]) -> None:
    (stored,) = (p for p, digest in lab.stored().items() if digest == library["three.jpg"])
    album = lab.root / "Best" / "three.jpg"
    album.parent.mkdir()
    album.write_bytes((lab.root / stored).read_bytes())
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--yes").status == 0
    (group,) = groups(lab, "--kind", "exact")
    assert [m["paths"] for m in group["members"]] == [[f"nas:{stored}"], ["nas:Best/three.jpg"]]
    drop = decide(
        lab,
        [(library["three.jpg"], "drop")],
        keeper=library["three.jpg"],
        kind="exact",
        path="nas:Best/three.jpg",
    )
    assert "1 of 2 verified copies" in lab.catalog("resolve", drop).err
    assert album.exists()
    assert lab.catalog("resolve", drop, CATALOG_REMOVAL_COPIES="1").status == 0
    assert not album.exists() and (lab.root / stored).exists()
    assert groups(lab, "--kind", "exact") == []


def test_copies_in_one_store_go_with_the_group_of_their_picture(
    lab: Lab, library: dict[str, str]
) -> None:
    """One table, of which the rows are of two kinds."""
    one, small = library["one.jpg"], library["small/one.jpg"]
    (stored,) = (p for p, digest in lab.stored().items() if digest == one)
    put(lab.root, {"Best/one.jpg": (lab.root / stored).read_bytes()})
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--yes").status == 0
    table = lab.home / "table.csv"
    assert lab.catalog("duplicates", "--csv", table).status == 0
    rows = list(csv.DictReader(table.read_text("utf-8-sig").splitlines(), delimiter=";"))
    mine = [row for row in rows if row["keeper"] == one]
    assert [(row["kind"], row["hash"], row["path"]) for row in mine[:2]] == [
        ("similar", one, ""),
        ("exact", one, "nas:Best/one.jpg"),
    ]
    assert {row["kind"] for row in mine[2:]} == {"similar"}
    words = ["keep", *("drop" if row["path"] or row["hash"] == small else "" for row in mine[1:])]
    with table.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, mine[0], delimiter=";")
        writer.writeheader()
        writer.writerows({**row, "decision": word} for row, word in zip(mine, words, strict=True))
    assert lab.catalog("resolve", table, CATALOG_REMOVAL_COPIES="1").status == 0
    left = lab.stored()
    assert left[stored] == one and small not in left.values() and "Best/one.jpg" not in left


def test_similar_asks_for_one_picture_in_the_catalog_or_outside(
    lab: Lab, library: dict[str, str]
) -> None:
    done = lab.catalog("similar", library["one.jpg"], "--json")
    assert {line["hash"]: line["kind"] for line in done.lines[:-1]} == {
        library[n]: "similar" for n in ("small/one.jpg", "turned/one.jpg", "web/one.webp")
    }
    outside = lab.home / "found somewhere.png"
    scene(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(outside)
    found = {
        line["hash"]: line["turned"]
        for line in lab.catalog("similar", outside, "--json").lines[:-1]
    }
    assert found[library["one.jpg"]] == "mirrored"
    assert len(found) == 4
    assert "Nothing in the catalog looks like" in lab.catalog("similar", _saved(lab, scene(77))).out
    assert lab.catalog("similar", library["one.jpg"][:12]).out.count("the same picture") == 3
    copy = _saved(lab, scene(1), "copy.jpg")
    copy.write_bytes((lab.source / "one.jpg").read_bytes())
    assert lab.catalog("similar", copy).out.startswith("the same bytes "), (
        "is it in the catalog? yes"
    )


def _saved(lab: Lab, picture: Image.Image, name: str = "other.png") -> Path:
    path = lab.home / name
    picture.save(path)
    return path


@pytest.mark.parametrize(
    ("what", "status", "words"),
    [
        ("nowhere.jpg", 1, "nowhere.jpg"),
        ("text.jpg", 2, "no photo or video"),
        ("flat.png", 2, "too little in the picture"),
    ],
)
def test_what_cannot_be_compared_is_told(
    lab: Lab, library: dict[str, str], what: str, status: int, words: str
) -> None:
    (lab.home / "text.jpg").write_text("no picture")
    Image.new("RGB", (200, 100), (10, 90, 200)).save(lab.home / "flat.png")
    done = lab.catalog("similar", what)
    assert (done.status, done.out) == (status, "")
    assert words in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--within", "5x"], ["--kind", "twins"], ["--distance", "99"], ["taken:["]]
)
def test_duplicates_refuses_what_it_does_not_understand(
    lab: Lab, library: dict[str, str], arguments: list[str]
) -> None:
    assert lab.catalog("duplicates", *arguments).status == 2


def test_more_look_alikes_than_a_page_of_hits(lab: Lab) -> None:
    """Nothing stops at ten."""
    base = scene(5)
    put(lab.source, {f"{n}.jpg": photo(base, None, quality=60 + n) for n in range(30)})
    assert lab.upload().status == 0
    digest = content_hash((lab.source / "7.jpg").read_bytes())
    assert lab.catalog("similar", digest, "--json").summary["found"] == 29
    (group,) = groups(lab)
    assert len(group["members"]) == 30


# --- deciding -------------------------------------------------------------------------------------


def test_the_csv_of_duplicates_filled_in_is_followed_and_taken_back(
    lab: Lab, library: dict[str, str]
) -> None:
    assert lab.catalog("tag", library["small/one.jpg"], "--add", "holiday").status == 0
    file = lab.home / "duplicates.csv"
    assert lab.catalog("duplicates", "--csv", file, "-q").status == 0
    assert lab.catalog("duplicates", "--csv", file).status == 2, "nothing is overwritten"
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    for row in rows:
        row["decision"] = "keep" if row["hash"] == row["keeper"] else "drop"
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    before, stored = lab.documents(), lab.stored()
    assert lab.catalog("resolve", file, "--dryrun", CATALOG_REMOVAL_COPIES="1").status == 0
    assert (lab.documents(), lab.stored()) == (before, stored)

    done = lab.catalog("resolve", file, "--json", CATALOG_REMOVAL_COPIES="1")
    assert (done.status, done.summary["dropped"], done.summary["kept"]) == (0, 4, 2)
    after = lab.documents()
    assert after.keys() == before.keys() - {r["hash"] for r in rows if r["decision"] == "drop"}
    assert after[library["one.jpg"]]["tags"] == ["holiday"]
    assert set(lab.stored().values()) == set(after)
    told = [
        e for e in lab.documents("events").values() if e["action"] in ("trash", "forget", "inherit")
    ]
    assert {e["reason_kind"] for e in told} == {"same-image", "similar"} and all(
        e["reason"] for e in told
    )
    assert groups(lab) == []

    assert lab.catalog("undo", done.summary["run"]).status == 0
    assert lab.stored() == stored
    restored = lab.documents()
    for document in (*before.values(), *restored.values()):
        document.pop("updated")
        document["copies"] = [
            {k: v for k, v in row.items() if k not in ("verified", "mtime")}
            for row in document["copies"]
        ]
    assert restored == before


def test_a_keeper_without_enough_good_copies_keeps_its_duplicates(
    lab: Lab, library: dict[str, str]
) -> None:
    drop = decide(lab, [(library["small/one.jpg"], "drop")], keeper=library["one.jpg"])
    before = lab.stored()
    done = lab.catalog("resolve", drop)
    assert (done.status, lab.stored()) == (3, before)
    assert "1 of 2 verified copies answer" in done.err and "removal_copies" in done.err
    (keeper,) = (p for p, digest in before.items() if digest == library["one.jpg"])
    (lab.root / keeper).write_bytes(b"rotten")
    done = lab.catalog("resolve", drop, CATALOG_REMOVAL_COPIES="1")
    assert done.status == 3 and "has other content" in done.err
    assert library["small/one.jpg"] in lab.stored().values()


def test_not_a_duplicate_is_never_asked_again_until_it_is_taken_back(
    lab: Lab, library: dict[str, str]
) -> None:
    done = lab.catalog(
        "resolve",
        decide(lab, [(library["small/one.jpg"], "not-duplicate")], keeper=library["one.jpg"]),
        "--json",
    )
    assert (done.status, done.summary["apart"]) == (0, 1)
    similar = next(g for g in groups(lab) if g["kind"] == "similar")
    assert not {library["one.jpg"], library["small/one.jpg"]} <= {
        m["hash"] for m in similar["members"]
    }
    (decision,) = lab.documents("decisions").values()
    assert decision["kind"] == "not-duplicate" and {decision["hash"], decision["other"]} == {
        library["one.jpg"],
        library["small/one.jpg"],
    }
    (told,) = (e for e in lab.documents("events").values() if e["action"] == "decide")
    assert told["reason_kind"] == "not-duplicate"
    assert lab.catalog("undo", done.summary["run"]).status == 0
    assert lab.documents("decisions") == {}
    assert len(next(g for g in groups(lab) if g["kind"] == "similar")["members"]) == 4


def test_bad_rows_are_refused_by_line_and_the_others_done(
    lab: Lab, library: dict[str, str]
) -> None:
    rows = [
        ("nonsense", "drop"),
        (library["small/one.jpg"], "drop"),
        ("0" * 64, "drop"),
        (library["web/one.webp"], "burn"),
    ]
    done = lab.catalog(
        "resolve",
        decide(lab, rows, keeper=library["one.jpg"]),
        "--json",
        CATALOG_REMOVAL_COPIES="1",
    )
    assert done.status == 3
    told = {line["path"]: (line["outcome"], line["reason"]) for line in done.lines[:-1]}
    assert told["line 2"][0] == told["line 5"][0] == "refused"
    assert "burn" in told["line 5"][1]
    assert told["0" * 64] == ("failed", "it is not in the catalog")
    assert library["small/one.jpg"] not in lab.documents()
    missing = lab.home / "no.csv"
    assert lab.catalog("resolve", missing).status == 2
    missing.write_text("a,b\n1,2\n")
    assert lab.catalog("resolve", missing).status == 2


def test_more_than_meant_wants_yes(lab: Lab, library: dict[str, str]) -> None:
    drop = decide(
        lab,
        [(library[n], "drop") for n in ("small/one.jpg", "web/one.webp")],
        keeper=library["one.jpg"],
    )
    more = {"CATALOG_MOVE_LIMIT": "1", "CATALOG_REMOVAL_COPIES": "1"}
    assert lab.catalog("resolve", drop, **more).status == 4
    assert len(lab.documents()) == len(library)
    assert lab.catalog("resolve", drop, "--yes", **more).status == 0
    assert len(lab.documents()) == len(library) - 2


def test_a_part_of_a_shot_does_not_go_alone(lab: Lab) -> None:
    data = photo(scene(1))
    put(
        lab.source,
        {
            "IMG_1.jpg": data,
            "IMG_1.png": photo(scene(1), "2019:07:12 18:30:15", "PNG"),
            "other.jpg": photo(scene(1).resize((900, 600)), None),
        },
    )
    assert lab.upload().status == 0
    digest, keeper = content_hash(data), content_hash((lab.source / "other.jpg").read_bytes())
    documents = lab.documents()
    stacks = {d.get("stack", {}).get("id") for d in documents.values()}
    assert len(stacks) == 2, "the still and its PNG are one shot"
    done = lab.catalog(
        "resolve", decide(lab, [(digest, "drop")], keeper=keeper), CATALOG_REMOVAL_COPIES="1"
    )
    assert done.status == 3 and "is of the same shot, and would be left alone" in done.err
    assert lab.documents().keys() == documents.keys()


def test_a_live_photo_goes_with_its_movie(lab: Lab) -> None:
    put(
        lab.source,
        {"IMG_1.jpg": photo(scene(1)), "other.jpg": photo(scene(1).resize((900, 600)), None)},
    )
    clip(lab.source / "IMG_1.mov", "2019-07-12T16:30:15.000000Z")
    assert lab.upload().status == 0
    digests = {
        name: content_hash((lab.source / name).read_bytes())
        for name in ("IMG_1.jpg", "IMG_1.mov", "other.jpg")
    }
    assert lab.documents()[digests["IMG_1.mov"]]["stack"]["role"] == "live"
    before = lab.stored()
    drop = decide(lab, [(digests["IMG_1.jpg"], "drop")], keeper=digests["other.jpg"])
    done = lab.catalog("resolve", drop, "--json", "--yes", CATALOG_REMOVAL_COPIES="1")
    assert done.status == 0
    assert set(lab.documents()) == set(lab.stored().values()) == {digests["other.jpg"]}
    assert lab.catalog("undo", done.summary["run"]).status == 0
    assert lab.stored() == before and set(lab.documents()) == set(digests.values())


def test_the_same_decisions_again_are_done_already(lab: Lab, library: dict[str, str]) -> None:
    rows = [(library["small/one.jpg"], "drop"), (library["web/one.webp"], "not-duplicate")]
    file = decide(lab, rows, keeper=library["one.jpg"])
    first = lab.catalog("resolve", file, "--json", CATALOG_REMOVAL_COPIES="1")
    again = lab.catalog("resolve", file, "--json", CATALOG_REMOVAL_COPIES="1")
    assert (first.status, again.status) == (0, 0)
    assert (first.summary["dropped"], again.summary["dropped"], again.summary["unchanged"]) == (
        1,
        0,
        1,
    )
    assert lab.catalog("undo", again.summary["run"]).status == 2, "the second run changed nothing"
    assert {d["run"] for d in lab.documents("decisions").values()} == {first.summary["run"]}


def test_two_runs_at_once_never_drop_both_of_a_pair(lab: Lab, library: dict[str, str]) -> None:
    one, small = library["one.jpg"], library["small/one.jpg"]
    files = []
    for number, (gone, kept) in enumerate(((small, one), (one, small))):
        path = decide(lab, [(gone, "drop")], keeper=kept)
        files.append(path.rename(path.with_name(f"{number}.csv")))
    runs = [lab.start("catalog", "resolve", file, CATALOG_REMOVAL_COPIES="1") for file in files]
    assert sorted(ended(run).status for run in runs) == [0, 3]
    assert len({one, small} & lab.documents().keys()) == 1
    assert len({one, small} & set(lab.stored().values())) == 1


def test_what_a_killed_run_left_goes_with_the_next(
    lab: Lab, library: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.features.removal import trash as trashing

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> str:
        raise Killed

    file = decide(lab, [(library["small/one.jpg"], "drop")], keeper=library["one.jpg"])
    lab.variables["CATALOG_REMOVAL_COPIES"] = "1"
    with monkeypatch.context() as patched:
        patched.setattr(trashing, "_take", killed)
        with pytest.raises(Killed):
            lab.catalog("resolve", file)
    assert library["small/one.jpg"] in lab.stored().values()
    assert lab.catalog("resolve", file).status == 0
    assert library["small/one.jpg"] not in lab.stored().values()
    assert lab.catalog("trash", "list", "--json").summary["files"] == 1
    assert library["small/one.jpg"] not in lab.documents()


def test_a_copy_that_a_killed_run_had_no_longer_recorded_goes_with_the_next(
    lab: Lab, library: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.features.removal import trash as trashing

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> str:
        raise Killed

    one = library["one.jpg"]
    (stored,) = (path for path, digest in lab.stored().items() if digest == one)
    put(lab.root, {"second.jpg": (lab.root / stored).read_bytes()})
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root).status == 0
    file = decide(lab, [(one, "drop")], keeper=one, kind="exact", path="nas:second.jpg")
    lab.variables["CATALOG_REMOVAL_COPIES"] = "1"
    with monkeypatch.context() as patched:
        patched.setattr(trashing, "_take", killed)
        with pytest.raises(Killed):
            lab.catalog("resolve", file)
    assert "second.jpg" in lab.stored()
    assert lab.catalog("resolve", file).status == 0
    assert "second.jpg" not in lab.stored() and one in lab.stored().values()


def test_a_copy_that_cannot_go_keeps_the_others(lab: Lab, library: dict[str, str]) -> None:
    archive = lab.folder / "archive"
    archive.mkdir()
    assert lab.catalog("store", "add", "archive", archive).status == 0
    assert lab.catalog("mirror", "nas", "archive", "--nas_root", lab.root).status == 0
    (rotten,) = (p for p, digest in lab.stored().items() if digest == library["small/one.jpg"])
    (archive / rotten).write_bytes(b"something else")
    before = lab.stored()
    file = decide(lab, [(library["small/one.jpg"], "drop")], keeper=library["one.jpg"])
    assert lab.catalog("resolve", file, "--dryrun").status == 3
    done = lab.catalog("resolve", file)
    assert done.status == 3 and "has other content now" in done.err
    assert lab.stored() == before


def test_of_a_group_without_keeper_nothing_goes_by_accident(
    lab: Lab, library: dict[str, str]
) -> None:
    file = decide(
        lab, [(library["small/one.jpg"], "drop"), (library["one.jpg"], "drop")], keeper=""
    )
    done = lab.catalog("resolve", file)
    assert done.status == 3 and "no keeper is named" in done.err
    assert library["one.jpg"] in lab.documents()
    assert lab.catalog("resolve", file, "--yes").status == 0
    assert library["one.jpg"] not in lab.documents()


# --- bad shots ------------------------------------------------------------------------------------


def test_bad_shots_are_listed_by_their_scores(lab: Lab, library: dict[str, str]) -> None:
    put(
        lab.source,
        {
            "blurred.jpg": photo(
                scene(9).filter(ImageFilter.GaussianBlur(14)), "2022:01:01 10:00:00"
            )
        },
    )
    assert lab.upload().status == 0
    done = lab.catalog("bad", "--json")
    found = {line["hash"]: line["faults"] for line in done.lines[:-1]}
    blurred = content_hash((lab.source / "blurred.jpg").read_bytes())
    assert found == {
        blurred: ["blurred"],
        library["grey.jpg"]: ["blank"],
        library["white.jpg"]: ["blank"],
    }
    assert done.summary["blank"] == 2 and done.summary["unmeasured"] == 0
    assert [line["hash"] for line in lab.catalog("bad", "--blurred", "--json").lines[:-1]] == [
        blurred
    ]
    assert lab.catalog("bad", "--blank", "taken:2022").out == "Nothing found.\n"
    assert "blurred (focus" in lab.catalog("bad", "--blurred").out
    (path,) = lab.catalog("bad", "--blurred", "--paths").out.splitlines()
    assert content_hash(Path(path).read_bytes()) == blurred
    more = json.dumps({"blurred_focus": 1e9})
    assert len(lab.catalog("bad", "--blurred", "--json", CATALOG_BAD_SHOTS=more).lines) > 4
    kept = decide(lab, [(blurred, "keep")], keeper="", kind="bad")
    assert lab.catalog("resolve", kept).status == 0
    assert lab.catalog("bad", "--blurred").out == "Nothing found.\n"
    dropped = decide(lab, [(library["grey.jpg"], "drop")], keeper="", kind="bad")
    assert lab.catalog("resolve", dropped).status == 0
    assert library["grey.jpg"] not in lab.documents()
    assert lab.catalog("trash", "list", "--json").summary["files"] == 1


def test_what_an_earlier_version_did_not_record_is_measured(
    lab: Lab, library: dict[str, str]
) -> None:
    before = lab.documents()
    older = {
        "sharpness": 1.0,
        "brightness": 90.0,
        "contrast": 30.0,
        "blank": False,
        "blurred": False,
    }
    lines = []
    for digest, document in before.items():
        old = {k: v for k, v in document.items() if k not in ("look", "phash_inner")} | {
            "quality": older
        }
        lines += [json.dumps({"index": {"_index": lab.index, "_id": digest}}), json.dumps(old)]
    lab.ask(
        "POST",
        "_bulk?refresh=true",
        data="\n".join(lines) + "\n",
        headers={"content-type": "application/x-ndjson"},
    )
    assert {g["kind"] for g in groups(lab)} == {"same-image"}, (
        "nothing is proved without small pictures"
    )
    assert f"{len(before)} pictures were catalogued by an earlier version" in lab.catalog("bad").err
    assert (
        f"Dry run: {len(before)} files would be measured; nothing was changed."
        in lab.catalog("measure", "--dryrun").out
    )
    (gone,) = (p for p, digest in lab.stored().items() if digest == library["three.jpg"])
    (lab.root / gone).rename(lab.home / "aside.jpg")
    done = lab.catalog("measure", "--json")
    assert (done.status, done.summary["measured"], done.summary["failed"]) == (
        3,
        len(before) - 1,
        1,
    )
    (lab.home / "aside.jpg").rename(lab.root / gone)
    assert lab.catalog("measure", "--json").summary["measured"] == 1
    after = lab.documents()
    for document in (*before.values(), *after.values()):
        document.pop("updated")
    assert after == before
    assert lab.catalog("measure", "--json").summary["files"] == 0
