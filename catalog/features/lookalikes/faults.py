"""What makes a shot a bad one: conditions on the scores that were measured when it was
catalogued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from catalog.domain.document import AssetDocument
from catalog.domain.similarity import LEAST_CONTRAST

GLOOMY = 60.0
"""Brightness below which a blurred shot is one that nobody meant to take."""


class Condition(NamedTuple):
    """A field of the document that is below (`lt`) or not below (`gte`) a value,
    or is one (`term`).
    """

    field: str
    relation: str
    value: float | str


class Thresholds(Protocol):
    """From where on a shot is bad."""

    @property
    def blank_contrast(self) -> float:
        """Standard deviation of grey below which there is nothing to be seen."""

    @property
    def blank_detail(self) -> float:
        """Share of parts with anything in them, below which it is so, too."""

    @property
    def blurred_focus(self) -> float:
        """Sharpness of the sharpest parts, below which nothing is sharp."""

    @property
    def dark_brightness(self) -> float:
        """Mean grey below which a shot is nearly black."""

    @property
    def overexposed_share(self) -> float:
        """Share of pixels that are white, from which on a shot is spoilt."""

    @property
    def accidental_detail(self) -> float:
        """Share of parts with anything in them, below which a blurred shot was not meant."""

    @property
    def accidental_seconds(self) -> float:
        """Length of a video below which it was not meant."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to be bad: any of some sets of conditions;
    the first condition of each tells how bad it is.
    """

    name: str
    ways: tuple[tuple[Condition, ...], ...]

    def applies(self, document: AssetDocument) -> bool:
        """Whether a document has it."""
        return self._way(document) is not None

    def reason(self, document: AssetDocument) -> str:
        """The fault and its score in words, such as `blurred (focus 12)`."""
        way = self._way(document)
        if way is None:
            return self.name
        field = way[0].field
        return (
            f"{self.name} ({_WORDS.get(field, field.rpartition('.')[2])} "
            f"{_value(document, field):.4g})"
        )

    def _way(self, document: AssetDocument) -> tuple[Condition, ...] | None:
        return next(
            (way for way in self.ways if all(_holds(document, condition) for condition in way)),
            None,
        )


_WORDS = {"quality.bright": "white share", "duration": "seconds"}
NAMES = ("blank", "blurred", "dark", "overexposed", "accidental")


def faults(limits: Thresholds, names: Sequence[str] = NAMES) -> list[Fault]:
    """The faults of some names, by what a person set."""
    focus, contrast, detail = "quality.focus", "quality.contrast", "quality.detail"
    brightness, bright = "quality.brightness", "quality.bright"
    unsharp = (
        Condition(focus, "lt", limits.blurred_focus),
        Condition(contrast, "gte", LEAST_CONTRAST),
        Condition(detail, "gte", limits.blank_detail),
    )
    known = (
        Fault(
            "blank",
            (
                (Condition(contrast, "lt", limits.blank_contrast),),
                (Condition(detail, "lt", limits.blank_detail),),
            ),
        ),
        Fault("blurred", (unsharp,)),
        Fault("dark", ((Condition(brightness, "lt", limits.dark_brightness),),)),
        Fault("overexposed", ((Condition(bright, "gte", limits.overexposed_share),),)),
        Fault(
            "accidental",
            (
                (*unsharp, Condition(brightness, "lt", GLOOMY)),
                (*unsharp, Condition(detail, "lt", limits.accidental_detail)),
                (
                    Condition("duration", "lt", limits.accidental_seconds),
                    Condition("kind", "term", "video"),
                ),
            ),
        ),
    )
    return [fault for fault in known if fault.name in names]


def _holds(document: AssetDocument, condition: Condition) -> bool:
    value = _value(document, condition.field)
    if (
        condition.relation == "term"
        or not isinstance(value, int | float)
        or isinstance(condition.value, str)
    ):
        return bool(value is not None and value == condition.value)
    return value < condition.value if condition.relation == "lt" else value >= condition.value


def _value(document: AssetDocument, field: str) -> object:
    outer, _, inner = field.partition(".")
    value = document.get(outer)
    return value.get(inner) if inner and isinstance(value, Mapping) else value
