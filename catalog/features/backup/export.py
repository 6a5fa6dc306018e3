"""The export: the whole catalog as lines, in a file or a stream."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.features.backup import packed_files
from catalog.features.backup.stream import Export
from catalog.version import __version__
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Where the export is written: a file, packed as its ending says, or the `target` instead.

    `force`: a file that is there already is replaced, once the new one is whole. `with_access`:
    with users and tokens.
    """

    file: str
    force: bool = False
    target: packed_files.Target | None = None
    with_access: bool = False


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written: documents of each index, bytes before packing, and how long it took."""

    counts: Mapping[str, int]
    bytes: int
    seconds: float

    @property
    def documents(self) -> int:
        """All of them."""
        return sum(self.counts.values())


def run_export(workspace: Workspace, request: ExportRequest, sink: Sink) -> ExportResult:
    """Write every document of the catalog, all as they were at one moment."""
    if request.target is None:
        packed_files.check_target(request.file, force=request.force)
    began = time.monotonic()
    export = Export(
        workspace.existing_repository, datetime.now(UTC), __version__, request.with_access
    )
    with _output(request) as output, contextlib.closing(export.lines()) as pieces:
        try:
            for number, (piece, documents) in enumerate(pieces):
                if not number:
                    sink.progress.files(sum(export.counts.values()))
                output.write(piece)
                sink.progress.advance(documents)
        finally:
            sink.progress.close()
    return ExportResult(export.counts, output.size, time.monotonic() - began)


def _output(request: ExportRequest) -> contextlib.AbstractContextManager[packed_files.Output]:
    if request.target is not None:
        return packed_files.pour(request.target)
    return packed_files.open_written(request.file, force=request.force)
