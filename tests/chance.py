"""What tests leave to chance: the same in every run; in a long run (`pytest --long`), more of it,
from a seed that is shown and may be given again.
"""

from __future__ import annotations

import random

LONGER = 10
seed: int | None = None
"""That of a long run; settled before the tests are imported."""


def times(count: int) -> int:
    """How often something is done that a usual run does `count` times."""
    return count if seed is None else count * LONGER


def dice(what: object) -> random.Random:
    """Chance for one purpose, other for each seed."""
    return random.Random(f"{what}" if seed is None else f"{what} {seed}")
