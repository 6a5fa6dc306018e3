"""One video made into another: looked at, converted aside, and checked through and through before
anybody sees it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from catalog.domain.amounts import size_text
from catalog.domain.asset import Entry, Facts
from catalog.domain.capture_time import CaptureTime, offset_of_wall
from catalog.domain.names import printable, to_text
from catalog.domain.video import Clip, ConversionNeeds, problem_of
from catalog.errors import ConversionFailed, MediaError, StoreFull
from catalog.features.reingest.videos.checks import difference, statement_difference
from catalog.media.extract import open_regular
from catalog.media.request import Request
from catalog.media.video import ffmpeg
from catalog.media.video.conversion import (
    Conversion,
    arguments,
    decode_arguments,
    instant_of,
    texts,
)
from catalog.media.video.probe import BRIEF, WHOLE
from catalog.work.description import utc_now
from catalog.work.progress import Progress
from catalog.work.workers import ReaderPool
from catalog.work.workspace import Workspace

T = TypeVar("T")
_CONTAINER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """A conversion: of which file beneath which `root`, with which facts and capture time, what
    must be encoded, and whether it may grow."""

    source: Path
    root: str
    facts: Facts
    captured: CaptureTime | None
    needs: ConversionNeeds
    larger: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A converted file that was checked: its system path, facts, and streams."""

    path: Path
    facts: Facts
    clip: Clip


@dataclass(frozen=True)
class Converter:
    """Converts videos with one ffmpeg; files are read by the processes of a pool.

    `progress` is told how far a film is.
    """

    workspace: Workspace
    pool: ReaderPool
    program: ffmpeg.Ffmpeg
    progress: Progress

    def streams(self, path: Path, much: str = BRIEF, root: str = "") -> Clip:
        """The streams of a video; no link beneath a root is followed. Raises MediaError."""
        request = Request(os.fspath(path), size=path.lstat().st_size, streams=much, root=root)
        return _one(self.pool.streams([(None, request)]))

    def facts(self, path: Path, root: str = "") -> Facts:
        """The facts of a file; no link beneath a root is followed. Raises MediaError."""
        kinds = self.workspace.settings.checksums
        request = Request(os.fspath(path), size=path.lstat().st_size, checksums=kinds, root=root)
        found = _one(self.pool.run([(None, request)]))
        assert isinstance(found, Facts)
        return found

    def convert(self, wish: Wish, target: Path) -> Made:
        """Make and check a converted file at a path that is free, in a folder that is this run's
        alone.

        Raises UnreadableMedia for a source that is damaged or cut off, ConversionFailed where
        nothing good came of it, and StoreFull. What was begun is left for the folder's owner to
        remove.
        """
        clip = self.streams(wish.source, WHOLE, wish.root)
        problem = problem_of(clip)
        if problem:
            raise ConversionFailed(problem)
        # ffmpeg gets the file as it was opened: its path may lead elsewhere by then
        with open_regular(os.fspath(wish.source), wish.root) as (descriptor, _size):
            words = arguments(self._conversion(wish, clip, f"/dev/fd/{descriptor}", target))
            ran = self._run(words, "converting", wish.source, clip, target.parent, (descriptor,))
        if ran.is_full:
            raise StoreFull(
                f"The disk of {target.parent.parent} is full: {target.name} was not made.",
                hint="Make room and run the command again; it goes on where it stopped.",
            )
        if ran.status:
            raise ConversionFailed(ran.reason)
        made = self._checked(wish, clip, target)
        if (
            wish.needs.video
            and made.clip.pictures is not None
            and made.clip.pictures.frames != ran.frames
        ):
            raise ConversionFailed(
                f"it has {made.clip.pictures.frames:,} frames, though {ran.frames:,} were made"
            )
        if wish.captured is not None:
            moment = instant_of(wish.captured, self._home_offset(wish.captured)).timestamp()
            os.utime(target, (moment, moment))
        with open(target, "rb") as file:
            os.fsync(file.fileno())
        return made

    def check_made(self, wish: Wish, path: Path) -> Made:
        """A file that an earlier run may have made of the same source: checked as if it were made
        now. Raises MediaError."""
        return self._checked(wish, self.streams(wish.source, WHOLE, wish.root), path)

    def check_again(self, source: Path, path: Path, wanted: ConversionNeeds) -> None:
        """A converted file as its source is about to give way to it: the streams it should have,
        all of which plays.

        Raises MediaError.
        """
        whole, made = self.streams(source, WHOLE), self.streams(path, WHOLE)
        problem = difference(whole, made, wanted)
        if problem:
            raise ConversionFailed(f"the converted file is wrong: {problem}")
        self.check_playable(path, made)

    def check_playable(self, path: Path, clip: Clip) -> None:
        """Decode a file to its end.

        Raises ConversionFailed where anything of it does not decode.
        """
        ran = self._run(decode_arguments(os.fspath(path)), "checking", path, clip)
        if ran.status or ran.complaints:
            raise ConversionFailed(f"it does not play to its end: {ran.reason}")

    def _conversion(self, wish: Wish, clip: Clip, source: str, target: Path) -> Conversion:
        settings = self.workspace.settings
        home = self._home_offset(wish.captured) if wish.captured else None
        said = texts(clip, wish.facts, wish.captured, home)
        made = os.fspath(target)
        return Conversion(
            source, made, clip, wish.needs, settings.reingest_crf, settings.reingest_preset, said
        )

    def _home_offset(self, captured: CaptureTime) -> int | None:
        """The offset at home, in minutes, when its clocks showed a wall clock."""
        workspace = self.workspace
        return offset_of_wall(workspace.home_zone, captured.wall, workspace.gazetteer.offset_at)

    def _run(
        self,
        words: list[str],
        what: str,
        path: Path,
        clip: Clip,
        folder: Path | None = None,
        inputs: Sequence[int] = (),
    ) -> ffmpeg.Ran:
        progress = self.progress
        text, total = printable(f"{what} {to_text(path.name)}"), max(clip.seconds, 0.001)
        ran = self.program.run(
            words,
            lambda seconds: progress.film(text, min(seconds, total * 0.999), total),
            folder,
            inputs,
        )
        progress.film(text, total, total)
        return ran

    def _checked(self, wish: Wish, clip: Clip, target: Path) -> Made:
        """The file that was made, if it is what it should be. Raises ConversionFailed."""
        try:
            made, facts = self.streams(target, WHOLE), self.facts(target)
        except MediaError as error:
            raise ConversionFailed(f"what was made cannot be read: {error}") from error
        problem = difference(clip, made, wish.needs) or self._statement_problem(wish, facts)
        if problem:
            raise ConversionFailed(f"what was made is wrong: {problem}")
        self.check_playable(target, made)
        if facts.size > _most(wish):
            raise ConversionFailed(
                f"it would grow from {size_text(wish.facts.size)} to {size_text(facts.size)}",
                hint="--larger keeps it all the same.",
            )
        return Made(target, facts, made)

    def _statement_problem(self, wish: Wish, facts: Facts) -> str:
        describer = self.workspace.describer("")
        read = describer.describe(facts, Entry("made.mov"), utc_now()).captured
        return statement_difference(wish.facts, facts, wish.captured, read)


def _most(wish: Wish) -> float:
    """Bytes a converted file may have.

    One whose pictures are taken over may grow by what a container and a sound need.
    """
    if wish.larger:
        return float("inf")
    return wish.facts.size if wish.needs.video else wish.facts.size * 1.05 + _CONTAINER_BYTES


@contextmanager
def converter(workspace: Workspace, progress: Progress) -> Iterator[Converter]:
    """A converter with the ffmpeg of the settings. Raises ConfigError where none works."""
    program = ffmpeg.find(workspace.settings.ffmpeg)
    with workspace.readers() as pool:
        yield Converter(workspace, pool, program, progress)


def _one(answers: Iterator[tuple[None, T | MediaError]]) -> T:
    """The one answer. Raises it where it is an error."""
    ((_tag, answer),) = answers
    if isinstance(answer, MediaError):
        raise answer
    return answer
