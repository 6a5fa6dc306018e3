"""How well look-alikes are found, and how fast, beside what else there is.

One command, tables as output.

    python benchmarks/look_alikes.py --scenes 300 --seed 1

First, recall and precision on pictures made by code with known groups (see scenes.py): pairs of
files, as `catalog duplicates` groups them (same-image and similar), beside ImageHash's phash
compared by brute force, and czkawka and imagededup where they are installed. Pairs of one burst
count neither as right nor as wrong. Then time and memory of finding the candidates among 100,000
and 1,000,000 synthetic hashes, all turns included, checked against brute force.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np
from PIL import Image
from scenes import ORIGINALS, TURNED, UPRIGHT, Made, make_look_alikes

from catalog.domain.asset import Facts
from catalog.domain.copies import timestamp
from catalog.domain.decisions import SAME_IMAGE, SIMILAR
from catalog.domain.document import AssetDocument, only
from catalog.domain.turns import TURNS, turn_hashes
from catalog.domain.turns import UPRIGHT as UPRIGHT_TURN
from catalog.features.lookalikes import sketches
from catalog.features.lookalikes.duplicates import make_comparer
from catalog.features.lookalikes.groups import find_groups
from catalog.features.lookalikes.ranking import DEFAULT_ORDER, picture_of
from catalog.features.lookalikes.relations import Judge
from catalog.features.lookalikes.sketches import Sketches, usual_distances
from catalog.index.documents import Origin, asset_document
from catalog.stores.local.store import LocalStore
from catalog.work.description import Describer, utc_now
from catalog.work.facts_reading import LocalReading, Wanted
from catalog.work.workers import ReaderPool
from catalog.work.workspace import OfflineGazetteer

Pair = frozenset[str]
Finder = Callable[[Path, list[Made]], set[Pair]]


Described = tuple[dict[str, AssetDocument], dict[str, str]]
"""The documents of files, and their paths in the folder, by content hash."""


def ours(folder: Path, _made: list[Made]) -> set[Pair]:
    """As the program does it: facts of every file, candidates, groups."""
    return grouped_pairs(*described(folder))


def described(folder: Path) -> Described:
    """What the catalog would know of the files."""
    store = LocalStore("files", folder, managed=False)
    documents: dict[str, AssetDocument] = {}
    paths: dict[str, str] = {}
    describer = Describer(OfflineGazetteer(()), "UTC", str(folder))
    with ReaderPool() as pool:
        entries = {entry.path: entry for entry in store.list()}
        for path, facts in LocalReading(pool, str(folder)).run(
            (p, Wanted(e)) for p, e in entries.items()
        ):
            if isinstance(facts, Facts):
                asset = describer.describe(facts, entries[path], utc_now())
                now = datetime.now(UTC)
                document = asset_document(asset, Origin(path, "", now))
                documents[facts.hash] = {"added": timestamp(now), **document}
                paths[facts.hash] = path
    return documents, paths


def grouped_pairs(documents: dict[str, AssetDocument], paths: dict[str, str]) -> set[Pair]:
    """The pairs of files that are in one group of a picture."""
    sketched = Sketches()
    for name, document in documents.items():
        sketched.add(name, only(document, [field.partition(".")[0] for field in sketches.FIELDS]))
    pairs = [(sketched.hashes[a], sketched.hashes[b]) for a, b in sketched.candidates(None, 10_000)]
    pictures = {name: picture_of(name, document) for name, document in documents.items()}
    compare = make_comparer(documents)
    found: set[Pair] = set()
    for group in find_groups(pictures, pairs, Judge(compare), order=DEFAULT_ORDER):
        if group.kind in (SAME_IMAGE, SIMILAR):
            names = [paths[member.picture.hash] for member in group.members]
            found |= {frozenset(pair) for pair in itertools.combinations(names, 2)}
    return found


def imagehash_within(distance: int) -> Finder:
    """ImageHash's phash of every file as it lies there, every pair compared."""

    def find(folder: Path, made: list[Made]) -> set[Pair]:
        import imagehash

        names, hashes = [], []
        for each in made:
            with Image.open(each.path) as picture:
                hashes.append(int(str(imagehash.phash(picture)), 16))
            names.append(str(each.path.relative_to(folder)))
        values = np.array(hashes, np.uint64)
        near = np.bitwise_count(values[:, None] ^ values[None, :]) <= distance
        return {
            frozenset((names[a], names[b]))
            for a, b in zip(*np.nonzero(np.triu(near, 1)), strict=True)
        }

    return find


def imagededup(folder: Path, _made: list[Made]) -> set[Pair]:
    """imagededup's PHash with its usual threshold."""
    from imagededup.methods import PHash  # type: ignore[import-not-found]

    found = PHash(verbose=False).find_duplicates(
        image_dir=str(folder), max_distance_threshold=10, recursive=True
    )
    return {frozenset((one, other)) for one, others in found.items() for other in others}


def czkawka(folder: Path, _made: list[Made]) -> set[Pair]:
    """czkawka with 8 x 8 Lanczos hashes, all pairs of each group it reports."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [
            "czkawka_cli",
            "image",
            "-d",
            str(folder),
            "-s",
            "10",
            "-c",
            "8",
            "-z",
            "Lanczos3",
            "-H",
            "-C",
            report.name,
        ]
        subprocess.run(command, check=False, capture_output=True)
        groups = json.loads(Path(report.name).read_text() or "[]")
    names = (
        [str(Path(member["path"]).relative_to(folder)) for member in group] for group in groups
    )
    return {frozenset(pair) for group in names for pair in itertools.combinations(group, 2)}


def peers() -> Iterable[tuple[str, Finder]]:
    """What else is installed."""
    yield from ((f"ImageHash phash, within {d} bits", imagehash_within(d)) for d in (8, 10))
    if find_spec("imagededup"):
        yield "imagededup PHash, within 10 bits", imagededup
    if shutil.which("czkawka_cli"):
        yield "czkawka, 8 x 8 Lanczos3", czkawka


# --- recall and precision -------------------------------------------------------------------------


def judged(found: set[Pair], folder: Path, made: list[Made]) -> dict[str, float]:
    """Recall for each way of rendering, of all upright and of all turned ones, and precision.

    Precision of the turned is that of the pairs in which one is turned.
    """
    by_name = {str(each.path.relative_to(folder)): each for each in made}
    originals = {each.scene: name for name, each in by_name.items() if each.how in ORIGINALS}
    wanted: dict[str, list[bool]] = defaultdict(list)
    for name, each in by_name.items():
        if each.how in (*UPRIGHT, *TURNED):
            wanted[each.how].append(frozenset((name, originals[each.scene])) in found)
    right: dict[str, list[bool]] = {"upright": [], "turned": []}
    for pair in found:
        one, other = (by_name[name] for name in pair)
        if one.how == other.how == "burst":
            continue
        kind = "turned" if {one.how, other.how} & set(TURNED) else "upright"
        right[kind].append(one.scene is not None and one.scene == other.scene)
    result = {how: sum(hits) / len(hits) for how, hits in wanted.items()}
    for kind, hows in (("upright", UPRIGHT), ("turned", TURNED)):
        hits = [hit for how in hows for hit in wanted[how]]
        result[f"{kind} recall"] = sum(hits) / len(hits)
        result[f"{kind} precision"] = sum(right[kind]) / len(right[kind]) if right[kind] else 1.0
    return result


def recall_table(folder: Path, scenes: int, seed: int) -> list[str]:
    """Ours and the peers on one corpus."""
    made = make_look_alikes(folder, scenes, seed)
    columns = [
        "upright recall",
        "upright precision",
        "turned recall",
        "turned precision",
        *UPRIGHT,
        *TURNED,
    ]
    lines = [
        f"{len(made):,} files, {scenes} scenes, seed {seed}",
        "",
        f"| | seconds | {' | '.join(columns)} |",
        f"|---|{'---|' * (len(columns) + 1)}",
    ]
    for name, find in (("catalog duplicates", ours), *peers()):
        began = time.perf_counter()
        found = find(folder, made)
        seconds = time.perf_counter() - began
        result = judged(found, folder, made)
        lines.append(
            f"| {name} | {seconds:.1f} | "
            f"{' | '.join(f'{result[column]:.3f}' for column in columns)} |"
        )
        print(lines[-1], file=sys.stderr)
    return lines


# --- many hashes ----------------------------------------------------------------------------------


def many_hashes(count: int, seed: int) -> Sketches:
    """Random hashes, of which a tenth are others with up to the usual distance changed,
    some of them turned.
    """
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
    sources, targets = rng.integers(0, count, count // 10), rng.permutation(count)[: count // 10]
    changed = np.zeros(len(sources), np.uint64)
    for _ in range(max(usual_distances(count))):
        changed |= np.uint64(1) << rng.integers(0, 64, len(sources), dtype=np.uint64)
    near = hashes[sources] ^ changed
    for number, turn in enumerate(TURNS):
        near[number :: 2 * len(TURNS)] = turn_hashes(near[number :: 2 * len(TURNS)], turn)
    hashes[targets] = near
    sketched = Sketches()
    for number, value in enumerate(hashes.tolist()):
        sketched.add(f"{number:064x}", {"phash": f"{value:016x}", "kind": "image"})
    return sketched


def brute_force(hashes: np.ndarray, rows: np.ndarray) -> set[tuple[int, int]]:
    """All pairs of some hashes with all others within the usual distance, in any turn."""
    found: set[tuple[int, int]] = set()
    upright, turned = usual_distances(len(hashes))
    for turn in TURNS:
        distance = turned if turn != UPRIGHT_TURN else upright
        others = turn_hashes(hashes, turn)
        for row in rows.tolist():
            for other in np.flatnonzero(
                np.bitwise_count(hashes[row] ^ others) <= distance
            ).tolist():
                if other != row:
                    found.add((min(row, other), max(row, other)))
    return found


def grouping_table(counts: Iterable[int], seed: int, sample: int) -> list[str]:
    """Time and memory, each count in a process of its own,
    and what brute force finds besides (of some of the hashes).
    """
    lines = ["| hashes | pairs | seconds | MB | missed |", "|---|---|---|---|---|"]
    for count in counts:
        command = [
            sys.executable,
            __file__,
            "--one",
            str(count),
            "--seed",
            str(seed),
            "--sample",
            str(sample),
        ]
        lines.append(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        )
        print(lines[-1], file=sys.stderr)
    return lines


def grouped(count: int, seed: int, sample: int) -> str:
    """One line of that table."""
    sketched = many_hashes(count, seed)
    began = time.perf_counter()
    pairs = sketched.by_look(*usual_distances(count))
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    hashes = sketched.phashes
    rows = np.random.default_rng(seed).permutation(count)[:sample]
    found = {(a, b) for a, b in pairs.tolist()}
    missed = len(brute_force(hashes, rows) - found)
    return (
        f"| {count:,} | {len(pairs):,} | {seconds:.1f} | {memory:,.0f} | {missed} of those of "
        f"{len(rows):,} hashes |"
    )


@click.command()
@click.option(
    "--scenes", default=300, show_default=True, help="Scenes; nine files are made of each."
)
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--count",
    "counts",
    multiple=True,
    type=int,
    default=(100_000, 1_000_000),
    show_default=True,
    help="Synthetic hashes.",
)
@click.option(
    "--sample", default=2000, show_default=True, help="Hashes that are checked by brute force."
)
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the pictures there.")
@click.option("--one", type=int, hidden=True)
def main(
    scenes: int,
    seed: int,
    counts: tuple[int, ...],
    sample: int,
    folder: Path | None,
    one: int | None,
) -> None:
    """Measure look-alikes."""
    if one is not None:
        print(grouped(one, seed, sample))
        return
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    if scenes:
        with tempfile.TemporaryDirectory() as temporary:
            print("\n".join(recall_table(folder or Path(temporary), scenes, seed)))
    if counts:
        print("\n".join(grouping_table(counts, seed, sample)))


if __name__ == "__main__":
    main()
