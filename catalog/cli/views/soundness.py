"""Whether two entries of the catalog stand for one file."""

from __future__ import annotations

from catalog.cli.console import Console
from catalog.errors import DONE, SOME_FAILED
from catalog.features.health.soundness import EntryFault, Soundness

_KINDS = {
    "id": "the id is not the content hash",
    "row": "twice in one document",
    "path": "claimed by two documents",
}


def show(console: Console, found: Soundness) -> int:
    """A line for each fault and a summary; 3 where there is one."""
    for fault in found.faults:
        if console.json:
            row = {"finding": fault.kind, "hash": fault.hash, "place": fault.store_path}
            console.out_json(row | {"reason": fault.reason})
        else:
            console.out(_line(fault))
    if console.json:
        figures = {"documents": found.documents, "copies": found.copies}
        console.out_json({"event": "summary", **figures, "findings": len(found.faults)})
    else:
        _print_proof(console, found)
    return SOME_FAILED if found.faults else DONE


def _line(fault: EntryFault) -> str:
    where = f"{_KINDS[fault.kind]}: {fault.hash} {fault.store_path}: {fault.reason}"
    return where.replace(" : ", ": ")


def _print_proof(console: Console, found: Soundness) -> None:
    console.out(
        f"{found.documents:,} documents with {found.copies:,} copies were checked; nothing was "
        "changed."
    )
    if not found.faults:
        console.out(
            "Every id is its content hash; no path of a store is claimed by two documents, or "
            "twice by one."
        )
