"""How each kind of run is summed up."""

from __future__ import annotations

from catalog.cli.summary import Words

UPLOAD = Words()
UPLOAD_TWICE = Words(
    ("new", "duplicate", "copied", "moved", "found", "unsupported", "ignored", "failed"),
    ("new", "duplicate", "copied"),
)
SYNC = Words(
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
        "unsupported",
        "ignored",
        "failed",
    ),
    ("unchanged", "moved", "new", "missing"),
    done="recorded",
)
MIRROR = Words(
    ("copied", "moved", "found", "recorded", "gone", "missing", "failed"),
    ("copied", "moved"),
    done="copied",
    dry_done="recorded, renamed or copied",
    sends=True,
)
EVALUATION = Words(("move", "convert", "skip"), ("move", "skip"), done="evaluated")
DUPLICATE_EVALUATION = Words(
    ("dupe_big", "dupe_small"), ("dupe_big", "dupe_small"), done="evaluated"
)
DUPLICATES = Words(
    ("removed", "restored", "kept", "missing", "refused", "failed"),
    ("removed",),
    done="freed",
)
PHOTOS = Words(("staged", "already", "skipped", "refused", "failed"), ("staged",), done="staged")
FILMS = Words(
    ("copied", "converted", "already", "skipped", "refused", "failed"),
    ("copied", "converted"),
    done="staged",
)
REPLACEMENT = Words(
    ("replaced", "already", "undone", "refused", "failed"), ("replaced",), done="saved"
)
CONFIRMATION = Words(
    ("confirmed", "unchanged", "still there", "unknown", "failed"),
    ("confirmed",),
    ("still there",),
    "confirmed",
)
STORE_REMOVE = Words(("dropped", "failed"), ("dropped",), done="dropped")
VERIFY = Words(
    ("verified", "repaired", "damaged", "edited", "missing", "failed"),
    ("verified", "damaged"),
    done="read",
)
FORGET = Words(("forgotten", "unknown", "failed"), ("forgotten",), done="forgotten")
PRUNE = Words(
    ("removed", "repaired", "kept", "ignored", "failed"),
    ("removed", "kept"),
    shown=("kept",),
    done="removed",
)
TRASH = Words(("restored", "emptied", "kept", "failed"), (), shown=("kept",), done="freed")
SAY = Words(("changed", "unchanged", "failed"), ("changed", "unchanged"), done="changed")
SIDECARS = Words(
    ("written", "recorded", "withdrawn", "unchanged", "skipped", "failed"),
    ("written", "unchanged"),
    done="written",
)
UNDO = Words(("undone", "failed"), ("undone",), done="brought back")
MEASURE = Words(("measured", "unchanged", "failed"), ("measured",), done="measured")
RESOLVE = Words(
    ("dropped", "unchanged", "kept", "apart", "refused", "failed"),
    ("dropped",),
    done="dropped",
)
REVIEW = Words(("kept", "dropped", "not duplicates", "failed"), ("kept", "dropped"), done="decided")
