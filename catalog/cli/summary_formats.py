"""How each kind of run is summed up."""

from __future__ import annotations

from catalog.cli.summary import SummaryFormat

UPLOAD = SummaryFormat()
UPLOAD_TWICE = SummaryFormat(
    ("new", "duplicate", "copied", "moved", "found", "unsupported", "ignored", "failed"),
    ("new", "duplicate", "copied"),
)
SYNC = SummaryFormat(
    (
        "unchanged",
        "touched",
        "moved",
        "copied",
        "new",
        "changed",
        "sidecars",
        "gone",
        "missing",
        "forgotten",
        "damaged",
        "held",
        "unsupported",
        "ignored",
        "failed",
    ),
    ("unchanged", "moved", "new", "missing"),
    done="recorded",
)
MIRROR = SummaryFormat(
    ("copied", "moved", "found", "recorded", "gone", "missing", "failed"),
    ("copied", "moved"),
    done="copied",
    dry_done="recorded, renamed or copied",
    sends=True,
)
EVALUATION = SummaryFormat(("move", "convert", "skip"), ("move", "skip"), done="evaluated")
DUPLICATE_EVALUATION = SummaryFormat(
    ("dupe_big", "dupe_small"), ("dupe_big", "dupe_small"), done="evaluated"
)
DUPLICATES = SummaryFormat(
    ("removed", "restored", "kept", "missing", "refused", "failed"),
    ("removed",),
    done="freed",
)
PHOTOS = SummaryFormat(
    ("staged", "already", "skipped", "refused", "failed"), ("staged",), done="staged"
)
FILMS = SummaryFormat(
    ("copied", "converted", "already", "skipped", "refused", "failed"),
    ("copied", "converted"),
    done="staged",
)
REPLACEMENT = SummaryFormat(
    ("replaced", "already", "undone", "refused", "failed"), ("replaced",), done="saved"
)
CONFIRMATION = SummaryFormat(
    ("confirmed", "unchanged", "still there", "unknown", "failed"),
    ("confirmed",),
    ("still there",),
    "confirmed",
)
SCALER = SummaryFormat(
    ("scaled", "already", "gone", "unsupported", "held", "damaged", "failed"),
    ("scaled",),
    ("scaled", "already"),
)
MOVER = SummaryFormat(
    ("moved", "equal", "already", "gone", "refused", "held", "failed"),
    ("moved",),
    shown=("moved", "equal"),
    done="moved",
)
SERVE = SummaryFormat()
STORE_REMOVE = SummaryFormat(("dropped", "failed"), ("dropped",), done="dropped")
VERIFY = SummaryFormat(
    ("verified", "repaired", "damaged", "edited", "held", "missing", "failed"),
    ("verified", "damaged"),
    done="read",
)
FORGET = SummaryFormat(("forgotten", "unknown", "failed"), ("forgotten",), done="forgotten")
PRUNE = SummaryFormat(
    ("removed", "repaired", "kept", "ignored", "failed"),
    ("removed", "kept"),
    shown=("kept",),
    done="removed",
)
TRASH = SummaryFormat(
    ("restored", "already", "emptied", "kept", "failed"), (), shown=("kept",), done="freed"
)
SAY = SummaryFormat(("changed", "unchanged", "failed"), ("changed", "unchanged"), done="changed")
SIDECARS = SummaryFormat(
    ("written", "recorded", "withdrawn", "unchanged", "skipped", "failed"),
    ("written", "unchanged"),
    done="written",
)
UNDO = SummaryFormat(("undone", "already", "failed"), ("undone",), done="brought back")
MEASURE = SummaryFormat(("measured", "unchanged", "failed"), ("measured",), done="measured")
REREAD = SummaryFormat(
    ("changed", "unchanged", "failed"), ("changed",), shown=("changed",), done="changed"
)
REFILE = SummaryFormat(
    ("moved", "unchanged", "kept", "failed"), ("moved",), done="moved", dry_done="renamed"
)
RESOLVE = SummaryFormat(
    ("dropped", "unchanged", "kept", "apart", "refused", "failed"),
    ("dropped",),
    done="dropped",
)
REVIEW = SummaryFormat(
    ("kept", "dropped", "not duplicates", "failed"), ("kept", "dropped"), done="decided"
)
