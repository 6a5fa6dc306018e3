"""The review as a file: one HTML page to decide on, wherever it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catalog.errors import UsageError
from catalog.features.renditions.maker import RenditionMaker
from catalog.features.review.groups import NO_GROUPS, ReviewRequest, gather_groups
from catalog.features.review.page import MARK, Page
from catalog.features.review.pictures import Pictures
from catalog.filesystem.aside import open_aside
from catalog.work.progress import Progress
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

DEFAULT_NAME = "catalog-review.html"


@dataclass(frozen=True, slots=True)
class WriteRequest(ReviewRequest):
    """What is reviewed, and the file that is written."""

    output: Path = field(default=Path(DEFAULT_NAME))


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """A page that was written: its groups, pictures (of which some are `missing`) and bytes.

    Without groups there is no page.
    """

    output: Path
    groups: int = 0
    pictures: int = 0
    missing: int = 0
    bytes: int = 0


def write_review(workspace: Workspace, request: WriteRequest, sink: Sink) -> WrittenPage:
    """Write the page. Raises UsageError where a file that is none such would be lost."""
    _check(request.output)
    shown = gather_groups(workspace, request, sink.progress)
    if not shown.groups:
        sink.notice(NO_GROUPS)
        return WrittenPage(request.output)
    with RenditionMaker(workspace) as previews:
        return _write(
            request.output, Page(shown.groups), Pictures(previews, shown.documents), sink.progress
        )


def _check(output: Path) -> None:
    """Raise UsageError where a file would be lost: only a page like this one is written anew."""
    if not output.parent.is_dir():
        raise UsageError(f"The folder {output.parent} is not there.", hint="Name another --output.")
    if output.is_symlink() or output.exists():
        try:
            with output.open("rb") as file:
                ours = MARK in file.read(4096)
        except OSError:
            ours = False
        if not ours:
            raise UsageError(
                f"{output} is there already, and is no review page.", hint="Name another --output."
            )


def _write(output: Path, page: Page, pictures: Pictures, progress: Progress) -> WrittenPage:
    missing = 0
    progress.files(len(page.hashes))

    def made() -> Iterator[tuple[str, bytes]]:
        nonlocal missing
        for name, picture in pictures.all(page.hashes):
            progress.advance()
            if picture is None:
                missing += 1
            else:
                yield name, picture

    try:
        with open_aside(output) as (aside, file):
            for part in page.parts(made()):
                file.write(part)
            size = file.tell()
            file.flush()
            aside.replace(output)
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written: {error.strerror}.", hint="Name another --output."
        ) from None
    finally:
        progress.close()
    return WrittenPage(output, len(page.groups), len(page.hashes), missing, size)
