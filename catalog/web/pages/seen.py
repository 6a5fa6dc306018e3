"""Which asset an address means, for who asks: what is private to others is not there."""

from __future__ import annotations

import re

from catalog.domain.document import AssetDocument
from catalog.web.answers import Refusal
from catalog.web.call import Call

_NAME = re.compile(r"[0-9a-f]{16}(?:[0-9a-f]{48})?")


def find_hash(call: Call, name: str | None = None) -> str:
    """The content hash of an asset that `hash` in the path, or `name`, means by 16 or 64 digits.

    Raises Refusal where there is none, or none for this person.
    """
    text = call.path["hash"] if name is None else name
    column = call.services.column()
    at = column.position_of(bytes.fromhex(text)) if _NAME.fullmatch(text) else None
    if at is None or not column.is_shown(at, call.person):
        raise Refusal(404, "There is no such picture.")
    return bytes(column.hashes[at]).hex()


def find_document(call: Call) -> AssetDocument:
    """The same asset's document."""
    return call.services.repository.get(find_hash(call))


def keep_seen(call: Call, hashes: list[str]) -> list[str]:
    """Those of some assets that this person may see."""
    column = call.services.column()
    places = {name: column.position_of(bytes.fromhex(name)) for name in hashes}
    return [
        name
        for name in hashes
        if (at := places[name]) is not None and column.is_shown(at, call.person)
    ]
