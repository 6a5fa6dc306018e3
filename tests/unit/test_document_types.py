"""The types of the rows that travel name the fields of the mappings, all of them and no others."""

from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from catalog.domain import person
from catalog.domain.asset import FactValues, Quality
from catalog.domain.derivation import OF_CAPTURED, OF_DOCUMENT
from catalog.domain.document import (
    AccessRow,
    AssetDocument,
    Captured,
    Copies,
    DecisionRow,
    EventRow,
    Extracted,
    HandoverRow,
    PersonFields,
    QualityFields,
    SourceRow,
    StoreRecord,
    only,
    with_value,
    without,
)
from catalog.index.schema import ASSETS, PROPERTIES
from catalog.media.findings import FIELDS

ROWS = {
    ASSETS: AssetDocument,
    "events": EventRow,
    "stores": StoreRecord,
    "sources": SourceRow,
    "decisions": DecisionRow,
    "handovers": HandoverRow,
    "access": AccessRow,
}
"""The type of what each index holds."""


def fields(row: type) -> dict[str, Any]:
    """The names and types of a row's fields."""
    return get_type_hints(row)


def of_row(value: Any) -> Any:
    """The type of a row, or of the rows of a list."""
    return get_args(value)[0] if get_origin(value) is list else value


def check(row: Any, properties: dict[str, Any], where: str) -> None:
    """A row has the fields of its mapping, and so have the rows in it."""
    assert fields(row).keys() == properties.keys(), where
    for name, value in fields(row).items():
        inner = properties[name].get("properties")
        if inner is not None and is_typeddict(of_row(value)):
            check(of_row(value), inner, f"{where}.{name}")


@pytest.mark.parametrize("what", PROPERTIES)
def test_a_row_has_the_fields_of_its_mapping(what: str):
    check(ROWS[what], PROPERTIES[what], what)


def test_the_rows_of_a_document_are_looked_into():
    with pytest.raises(AssertionError, match=r"assets\.copies"):
        copies = {"copies": {"properties": {"store": {}}}}
        check(AssetDocument, PROPERTIES[ASSETS] | copies, "assets")


def test_the_fields_of_a_document_that_follow_from_others_are_fields_of_it():
    assert set(OF_DOCUMENT) <= fields(AssetDocument).keys() >= fields(Copies).keys()
    assert set(OF_CAPTURED) <= fields(Captured).keys()


def test_what_a_person_can_say_and_what_that_covers_has_types():
    assert fields(PersonFields).keys() == set(person.NAMES) == person.CHECKS.keys()
    covered = {field for name in person.NAMES for field in person._COVERED.get(name, (name,))}
    assert fields(Extracted).keys() == covered <= fields(AssetDocument).keys()


def test_the_values_of_facts_and_the_scores_of_pictures_have_types():
    of_their_own = {"width", "height", "duration", "preview_offset", "preview_length"}
    of_their_own |= {"stated_width", "stated_height"}
    concluded = {"parts", "resized"}
    assert fields(FactValues).keys() == (set(FIELDS) - of_their_own) | concluded
    assert fields(QualityFields).keys() == fields(Quality).keys()


def test_rows_are_changed_by_the_names_of_their_fields_and_stay_what_they_were():
    row: AssetDocument = {"hash": "h", "size": 1, "tags": []}
    assert only(row, ("size", "kind", "hash")) == {"size": 1, "hash": "h"}
    assert without(row, "size", "kind") == {"hash": "h", "tags": []}
    assert with_value(row, "size", 2) == {"hash": "h", "size": 2, "tags": []}
    assert with_value(row, "size", None) == without(row, "size")
    assert with_value(row, "tags", []) == row == {"hash": "h", "size": 1, "tags": []}
