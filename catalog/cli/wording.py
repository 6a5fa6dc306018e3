"""How each kind of run is summed up."""

from __future__ import annotations

from catalog.cli.summary import Words

UPLOAD = Words()
UPLOAD_TWICE = Words(
    ("new", "duplicate", "copied", "moved", "found", "unsupported", "ignored", "failed"), ("new", "duplicate", "copied")
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
STORE_REMOVE = Words(("dropped", "failed"), ("dropped",), done="dropped")
VERIFY = Words(
    ("verified", "repaired", "damaged", "edited", "missing", "failed"),
    ("verified", "damaged"),
    done="read",
)
