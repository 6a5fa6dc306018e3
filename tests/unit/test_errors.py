"""The errors of the program: what the history calls them stays, whatever becomes of their names."""

from __future__ import annotations

from catalog import errors


def test_the_words_of_the_history_are_those_that_were_told_before() -> None:
    """A class that is renamed keeps its word here, or dashboards would count one reason as two."""
    classes = [
        c
        for c in vars(errors).values()
        if isinstance(c, type) and issubclass(c, errors.CatalogError)
    ]
    words = {errors.reason_kind(c) for c in classes}
    assert len(words) == len(classes)
    assert words >= {
        "fixity_mismatch",
        "not_found",
        "already_exists",
        "permission_denied",
        "store_full",
        "invalid_path",
        "read_only_store",
        "store_unavailable",
        "unreadable_media",
        "unsupported_type",
        "gave_up",
        "conversion_failed",
        "document_conflict",
    }
