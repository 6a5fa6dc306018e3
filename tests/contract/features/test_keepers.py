"""What is proposed to be kept has all that the others have; where nothing has, nothing is proposed.

Through the real commands, with files made by code.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance
from running import Lab, clip, put
from test_look_alikes import photo, scene

from catalog.domain.fixity import content_hash

CAMERA = {0x10F: "Canon", 0x110: "EOS 80D"}
EXPOSURE = {0x829A: 0.01, 0x829D: 5.6, 0x8827: 200}


def shot(picture: Image.Image, taken: str = "2014:09:21 15:51:22", **more: Any) -> bytes:
    """A JPEG as a camera stores it; `software` names a program, `stated` a size in its EXIF."""
    exif = Image.Exif()
    for tag, value in CAMERA.items():
        exif[tag] = value
    if "software" in more:
        exif[0x131] = more["software"]
    inner = exif.get_ifd(0x8769)
    inner[0x9003] = taken
    inner |= EXPOSURE
    if "stated" in more:
        inner[0xA002], inner[0xA003] = more["stated"]
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=more.get("quality", 93), exif=exif)
    return stream.getvalue()


def bare(picture: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    """A file without any metadata."""
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def commented(data: bytes, size: int) -> bytes:
    """The same picture to the last bit, with a comment more."""
    return data[:2] + b"\xff\xfe" + (size + 2).to_bytes(2, "big") + b"x" * size + data[2:]


def stored(lab: Lab, files: dict[str, bytes]) -> dict[str, str]:
    """Upload some files; their content hashes by name."""
    put(lab.source, files)
    assert lab.upload().status == 0
    return {name: content_hash(data) for name, data in files.items()}


def proposals(lab: Lab, *arguments: object) -> list[dict[str, Any]]:
    """The groups, with the names of their members' sources for the hashes."""
    names = {h: d["original"]["name"] for h, d in lab.documents().items()}
    done = lab.catalog("duplicates", "--json", *arguments)
    assert done.status == 0, done.err
    return [
        {
            **group,
            "keeper": names.get(group["keeper"], ""),
            "members": {names[m["hash"]]: m["kind"] for m in group["members"]},
        }
        for group in done.lines[:-1]
    ]


def accepted(lab: Lab) -> Path:
    """The CSV of all groups, filled in as the proposals say: keep the keeper, drop the rest."""
    file = lab.home / "accepted.csv"
    assert lab.catalog("duplicates", "--csv", file, "-q").status == 0
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    for row in rows:
        row["decision"] = "keep" if row["hash"] == row["keeper"] else "drop"
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return file


def test_a_live_photo_is_kept_with_its_movie_and_its_plain_copy_goes(lab: Lab) -> None:
    still = photo(scene(1))
    files = stored_live(lab, still, commented(still, 30_000))
    (group,) = proposals(lab)
    assert group["kind"] == "same-image" and group["keeper"] == "IMG_1.jpg"
    assert "movie" in group["reason"]
    done = lab.catalog("resolve", accepted(lab), CATALOG_REMOVAL_COPIES="1")
    assert done.status == 0, done.err
    assert set(lab.stored().values()) == {files["live/IMG_1.jpg"], files["live/IMG_1.mov"]}


def stored_live(lab: Lab, still: bytes, copy: bytes) -> dict[str, str]:
    """A Live Photo, and a copy of its still."""
    put(lab.source, {"live/IMG_1.jpg": still, "copy/photo.jpg": copy})
    clip(lab.source / "live/IMG_1.mov", "2019-07-12T16:30:15.000000Z")
    assert lab.upload().status == 0
    names = ("live/IMG_1.jpg", "live/IMG_1.mov", "copy/photo.jpg")
    return {name: content_hash((lab.source / name).read_bytes()) for name in names}


def test_where_nothing_has_everything_nothing_is_proposed_and_nothing_goes(lab: Lab) -> None:
    """The copy alone says what took it, the other alone has the movie."""
    still = photo(scene(1), model="")
    with_facts = shot(scene(1), "2019:07:12 18:30:15", quality=75)
    files = stored_live(lab, still, with_facts)
    (group,) = proposals(lab)
    assert group["keeper"] == "" and group["reason"].startswith("no proposal: ")
    assert "the movie" in group["reason"] and "the camera" in group["reason"]
    text = lab.catalog("duplicates").out
    assert "no proposal" in text and "keep  " not in text
    before = lab.stored()
    assert lab.catalog("resolve", accepted(lab), CATALOG_REMOVAL_COPIES="1").status == 3
    assert lab.stored() == before and set(before.values()) == set(files.values())


def test_what_a_keeper_lacks_is_dropped_only_where_a_person_insists(lab: Lab) -> None:
    files = stored_live(lab, photo(scene(1)), photo(scene(1).resize((900, 600)), None))
    rows = [
        ["g" + "0" * 11, "similar", word, files[name], files["copy/photo.jpg"]]
        for name, word in (("copy/photo.jpg", "keep"), ("live/IMG_1.jpg", "drop"))
    ]
    file = lab.home / "said.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([["group", "kind", "decision", "hash", "keeper"], *rows])
    before = lab.stored()
    done = lab.catalog("resolve", file, CATALOG_REMOVAL_COPIES="1")
    assert done.status == 3 and "lacks the movie" in done.err and "--yes" in done.err
    assert lab.stored() == before
    assert lab.catalog("resolve", file, "--yes", CATALOG_REMOVAL_COPIES="1").status == 0
    assert set(lab.stored().values()) == {files["copy/photo.jpg"]}


def edits(seed: int, taken: str) -> dict[str, tuple[str, bytes]]:
    """Edits of a scene by what was done: file name and content."""
    plain = scene(seed, (900, 600))
    framed = Image.new("RGB", (930, 630), (90, 110, 100))
    framed.paste(plain, (15, 15))
    large = plain.resize((1800, 1200))
    return {
        "by name": (
            f"{seed}-edited.jpg",
            shot(ImageEnhance.Brightness(plain).enhance(1.35), taken),
        ),
        "by a program": (
            f"e{seed}.jpg",
            shot(ImageEnhance.Contrast(plain).enhance(1.3), taken, software="Adobe Lightroom 6.0"),
        ),
        "upscaled": (f"e{seed}.jpg", bare(large, quality=70)),
        "upscaled, with the camera's facts": (
            f"e{seed}.jpg",
            shot(large, taken, stated=(900, 600)),
        ),
        "less compressed, without facts": (f"e{seed}.jpg", bare(plain, quality=99)),
        "framed": (f"e{seed}.jpg", bare(framed)),
    }


def test_an_edit_never_beats_the_file_of_the_camera(lab: Lab) -> None:
    files: dict[str, bytes] = {}
    kinds = list(edits(0, ""))
    for seed, how in enumerate(kinds):
        taken = f"2014:09:2{seed} 15:51:22"
        name, data = edits(seed, taken)[how]
        files |= {f"{seed}.jpg": shot(scene(seed, (900, 600)), taken), f"z/{name}": data}
    stored(lab, files)
    found = {group["keeper"]: group["reason"] for group in proposals(lab)}
    assert set(found) == {f"{seed}.jpg" for seed in range(len(kinds))}, found


def test_of_two_that_a_camera_may_have_made_nothing_says_which_is_the_edit(lab: Lab) -> None:
    lighter = ImageEnhance.Brightness(scene(1)).enhance(1.3)
    stored(lab, {"a.jpg": shot(scene(1)), "b.jpg": shot(lighter)})
    (group,) = proposals(lab)
    assert group["keeper"] == "" and "nothing says which" in group["reason"]


# --- frames, pages and other parts ----------------------------------------------------------------


def frames(*seeds: int, size: tuple[int, int] = (240, 160)) -> list[Image.Image]:
    return [scene(seed, size) for seed in seeds]


def several(pictures: list[Image.Image], form: str) -> bytes:
    """An animation, or a file of several pages."""
    first, *others = pictures
    return bare(first, form, save_all=True, append_images=others)


def test_all_frames_count(lab: Lab) -> None:
    """A picture of the first frame does not stand for all of them, nor do other later frames."""
    files: dict[str, bytes] = {}
    for seed, (form, suffix) in enumerate((("GIF", "gif"), ("WEBP", "webp"), ("TIFF", "tif"))):
        one, two, three, four = frames(*range(10 * seed, 10 * seed + 4))
        files |= {
            f"all{seed}.{suffix}": several([one, two, three], form),
            f"first{seed}.png": bare(one, "PNG"),
            f"other{seed}.{suffix}": several([one, two, four], form),
        }
    hashes = stored(lab, files)
    documents, found = lab.documents(), proposals(lab)
    for seed, suffix in enumerate(("gif", "webp", "tif")):
        several_ = {f"all{seed}.{suffix}", f"other{seed}.{suffix}"}
        assert {documents[hashes[name]]["frames"] for name in several_} == {3}
        assert not any(several_ <= set(group["members"]) for group in found)
        (group,) = (group for group in found if f"first{seed}.png" in group["members"])
        assert group["keeper"] in several_, group["reason"]


def test_animations_that_agree_in_all_frames_are_one_picture(lab: Lab) -> None:
    stored(
        lab,
        {
            "a.webp": several(frames(1, 2, 3), "WEBP"),
            "b.gif": several(frames(1, 2, 3), "GIF"),
            "c.png": several(frames(1, 2, 3), "PNG"),
        },
    )
    (group,) = proposals(lab)
    assert set(group["members"]) == {"a.webp", "b.gif", "c.png"} and group["keeper"]


def with_xmp(data: bytes, properties: str) -> bytes:
    """A JPEG with an XMP packet."""
    packet = (
        b"http://ns.adobe.com/xap/1.0/\0"
        + (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
            'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
            f"{properties}/></rdf:RDF></x:xmpmeta>"
        ).encode()
    )
    return data[:2] + b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet + data[2:]


PACKETS = {
    "depth": 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Format="Linear"',
    "gain-map": 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"',
    "film": 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"',
}


def test_parts_of_the_file_are_kept(lab: Lab) -> None:
    files: dict[str, bytes] = {}
    for seed, (part, properties) in enumerate(PACKETS.items()):
        plain = shot(scene(seed), f"2014:09:2{seed} 15:51:22")
        files |= {
            f"{part}.jpg": with_xmp(plain, properties),
            f"x{seed}.jpg": commented(plain, 60_000),
        }
    stored(lab, files)
    found = proposals(lab)
    assert {group["keeper"] for group in found} == {f"{part}.jpg" for part in PACKETS}
    assert {group["kind"] for group in found} == {"same-image"}


def test_what_was_catalogued_before_is_not_known_until_it_is_measured(lab: Lab) -> None:
    files = stored(lab, {"a.jpg": shot(scene(1)), "small.jpg": bare(scene(1).resize((240, 160)))})
    old = {
        name: {k: v for k, v in document.items() if k not in ("frames", "parts")}
        for name, document in lab.documents().items()
    }
    lines = [
        json.dumps(part)
        for name, document in old.items()
        for part in ({"index": {"_index": lab.index, "_id": name}}, document)
    ]
    lab.ask(
        "POST",
        "_bulk?refresh=true",
        data="\n".join(lines) + "\n",
        headers={"content-type": "application/x-ndjson"},
    )
    (group,) = proposals(lab)
    assert group["keeper"] == "" and "catalog measure" in group["reason"]
    assert lab.catalog("measure", "--json").summary["measured"] == 2
    (group,) = proposals(lab)
    assert group["keeper"] == "a.jpg" and set(files) == set(group["members"])


# --- one picture, one group -----------------------------------------------------------------------


def test_all_forms_of_a_picture_are_one_group_also_beside_copies_of_other_metadata(
    lab: Lab,
) -> None:
    original = shot(scene(1))
    files = {
        "a.jpg": original,
        "b.jpg": commented(original, 100),
        "c.jpg": commented(original, 200),
        "small.jpg": bare(scene(1).resize((240, 160))),
        "turned.jpg": bare(scene(1).transpose(Image.Transpose.ROTATE_90)),
        "other.png": bare(scene(1), "PNG"),
    }
    stored(lab, files)
    (group,) = proposals(lab)
    assert group["members"] | {"a.jpg": "", "b.jpg": "", "c.jpg": ""} == {
        "a.jpg": "",
        "b.jpg": "",
        "c.jpg": "",
        "small.jpg": "similar",
        "turned.jpg": "similar",
        "other.png": "similar",
    }
    assert group["keeper"] in ("a.jpg", "b.jpg", "c.jpg")
    kinds = [group["members"][name] for name in ("a.jpg", "b.jpg", "c.jpg")]
    assert sorted(kinds) == ["same-image", "same-image", "similar"], "of the keeper, the group's"
    (group,) = proposals(lab, "--kind", "same-image")
    assert set(group["members"]) == {"a.jpg", "b.jpg", "c.jpg"}


def test_a_turned_copy_is_of_the_shot_of_a_burst_that_it_shows(lab: Lab) -> None:
    def moment(number: int) -> Image.Image:
        picture = scene(3, (600, 400))
        picture.paste((200, 40, 40), (200 + 30 * number, 150, 250 + 30 * number, 250))
        return picture

    files = {f"IMG_{n}.jpg": shot(moment(n), f"2014:09:21 15:51:2{n}") for n in range(3)} | {
        f"turned {n}.jpg": bare(moment(n).transpose(Image.Transpose.ROTATE_180)) for n in range(3)
    }
    stored(lab, files)
    found = [set(g["members"]) for g in proposals(lab) if g["kind"] == "similar"]
    assert sorted(map(sorted, found)) == [[f"IMG_{n}.jpg", f"turned {n}.jpg"] for n in range(3)]
    burst = next(g for g in proposals(lab) if g["kind"] == "burst")
    assert set(burst["members"]) == {f"IMG_{n}.jpg" for n in range(3)}


def test_pictures_with_little_contrast_are_found(lab: Lab) -> None:
    clear = np.asarray(scene(1, (600, 400)), np.float32)
    fog = Image.fromarray((200 + (clear - clear.mean()) * 0.25).astype(np.uint8))
    stored(
        lab,
        {
            "fog.jpg": shot(fog),
            "small.jpg": bare(fog.resize((300, 200))),
            "turned.png": bare(fog.transpose(Image.Transpose.ROTATE_90), "PNG"),
        },
    )
    (group,) = proposals(lab)
    assert set(group["members"]) == {"fog.jpg", "small.jpg", "turned.png"}


# --- damaged --------------------------------------------------------------------------------------


def test_a_picture_that_is_cut_short_groups_with_the_whole_one_which_is_kept(lab: Lab) -> None:
    whole = photo(scene(1, (640, 480)))
    put(
        lab.source,
        {
            "full.jpg": whole,
            "no-end.jpg": whole[:-2],
            "cut.jpg": whole[: len(whole) * 9 // 10],
        },
    )
    done = lab.upload("--json")
    assert done.status == 0
    (group,) = proposals(lab)
    assert set(group["members"]) == {"full.jpg", "no-end.jpg", "cut.jpg"}
    assert group["keeper"] == "full.jpg"
    told = {line["path"]: line["reason"] for line in done.lines[:-1]}
    assert told["full.jpg"] == ""
    assert "cut short" in told["cut.jpg"] and "cut short" in told["no-end.jpg"]
