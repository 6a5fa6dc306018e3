"""How right what is read from real files is, and what reading it costs beside ExifTool.

    python benchmarks/accuracy.py FOLDER --rounds 20

The folder holds photos and videos, and `truth.json`: by the path of each file what a careful reader
finds in it (`taken`, `off`, `lat`, `lon`, `model`, `w`, `h`, `dur`, `live_id`; `w2`, `h2` are
accepted as well; what is absent is not in the file).
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from catalog.domain.asset import Facts
from catalog.domain.capture_time import CaptureTime, choose, parse_offset
from catalog.domain.filetypes import HEAD_BYTES, recognise
from catalog.media.clips.reader import read_clip
from catalog.media.extract import read_facts
from catalog.media.findings import Findings
from catalog.media.request import Request
from catalog.media.source import MemorySource
from catalog.media.stills import read_still

Truth = dict[str, Any]
FIELDS = {
    "taken": "capture time, to the second",
    "off": "its offset",
    "lat": "position",
    "model": "camera model",
    "w": "size as shown",
    "dur": "duration",
    "live_id": "Live Photo id",
}
"""What is compared, by the key of the truth that says whether the file has it."""
UTC_CLOCK = "Z"
"""No offset, but that the file has a clock in UTC alone."""
DEGREES, SHARE = 1e-4, 0.02
"""By how much a position, and a duration, may differ."""


def _captured(facts: Facts) -> CaptureTime | None:
    captured, _notes = choose(facts.dates, datetime.now(UTC).replace(tzinfo=None))
    return None if captured is None or captured.source == "exif:DateTime" else captured


def _agrees(key: str, facts: Facts, truth: Truth) -> bool:
    captured, position = _captured(facts), facts.position
    if key == "taken":
        taken = datetime.fromisoformat(truth["taken"])
        return captured is not None and captured.wall.replace(microsecond=0) == taken
    if key == "off":
        return captured is not None and captured.offset_minutes == parse_offset(truth["off"])
    if key == "lat":
        lat, lon = float(truth["lat"]), float(truth["lon"])
        return position is not None and (
            max(abs(position.lat - lat), abs(position.lon - lon)) <= DEGREES
        )
    if key == "w":
        sides = ((facts.width, "w"), (facts.height, "h"))
        return all(side in (truth[name], truth.get(f"{name}2")) for side, name in sides)
    if key == "dur":
        return abs((facts.duration or 0.0) / float(truth["dur"]) - 1) <= SHARE
    return bool(facts.values.get(key) == truth[key])


def _compare(folder: Path, truths: dict[str, Truth]) -> tuple[Counter[tuple[str, str]], list[str]]:
    """How many files have a field and how many of them agree, by kind and field; what is wrong."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for name, truth in truths.items():
        facts = read_facts(Request(str(folder / name), look=False))
        stated = {key for key in FIELDS if key in truth and truth[key] != UTC_CLOCK}
        for key in stated:
            right = _agrees(key, facts, truth)
            counts.update([(facts.kind, key)] + [(facts.kind, f"{key} right")] * right)
            if not right:
                wrong.append(f"{name}: another {FIELDS[key]}")
        if "taken" not in truth and _captured(facts):
            wrong.append(f"{name}: a made-up capture time")
        if "lat" not in truth and facts.position:
            wrong.append(f"{name}: a made-up position")
    return counts, wrong


def _print(counts: Counter[tuple[str, str]]) -> None:
    click.echo("| field | photos | videos |\n|---|---|---|")
    for key, words in FIELDS.items():
        cells = [
            f"{counts[kind, f'{key} right']} of {counts[kind, key]}" if counts[kind, key] else ""
            for kind in ("image", "video")
        ]
        click.echo(f"| {words} | {cells[0]} | {cells[1]} |")


def _read(path: Path) -> None:
    data = path.read_bytes()
    filetype = recognise(data[:HEAD_BYTES], path.name)
    assert filetype is not None
    if filetype.kind == "video":
        read_clip(MemorySource(data), filetype, str(path), Findings())
    else:
        read_still(MemorySource(data), filetype, Findings())


def _ours(paths: list[Path], rounds: int) -> float:
    """CPU milliseconds a file of our readers; all they load is loaded before."""
    for path in paths:
        _read(path)
    before = time.process_time()
    for path in paths * rounds:
        _read(path)
    return (time.process_time() - before) / len(paths) / rounds * 1000


def _exiftool(paths: list[Path], rounds: int) -> float:
    """CPU milliseconds a file of one ExifTool for all of them, its start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["exiftool", "-j", "-q", "-n", *map(str, paths * rounds)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds / len(paths) / rounds * 1000


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--rounds", default=20, show_default=True, help="Times each file is read.")
def main(folder: Path, rounds: int) -> None:
    """Compare what is read from the files of a folder with their truth, and measure its cost."""
    truths: dict[str, Truth] = json.loads((folder / "truth.json").read_text("utf-8"))
    counts, wrong = _compare(folder, truths)
    _print(counts)
    click.echo("".join(f"\n{line}" for line in wrong))
    paths = [folder / name for name in truths]
    ours = _ours(paths, rounds)
    click.echo(f"\nmetadata only, one thread: {ours:.2f} ms of CPU a file")
    if shutil.which("exiftool"):
        theirs = _exiftool(paths, rounds)
        times = theirs / ours
        click.echo(f"exiftool, one process for all: {theirs:.2f} ms, {times:.1f} times as much")


if __name__ == "__main__":
    main()
