"""The documents of one index: versions, conditional writes, and what searches see of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from .mapping import SEQ_NO, Mapping, Row
from .refusals import Refused

LONGEST_ID = 512


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one document. `raw` is its source as JSON."""

    key: str
    source: dict[str, Any]
    raw: bytes
    row: Row
    version: int
    seq_no: int


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be so for a write: the document is new, or has a sequence number."""

    is_new: bool = False
    seq_no: int | None = None
    primary_term: int | None = None


class Shard:
    """All documents of an index. Not thread safe."""

    def __init__(self, index: str, mapping: Mapping) -> None:
        self.index = index
        self.mapping = mapping
        self.view: tuple[Document, ...] = ()
        """What searches see."""
        self._documents: dict[str, Document] = {}
        self._gone: dict[str, int] = {}
        self._seq_no = 0
        self._is_fresh = True

    @property
    def last_seq_no(self) -> int:
        """The number of the last operation, -1 before the first."""
        return self._seq_no - 1

    def refresh(self) -> None:
        """Let searches see what was written."""
        if not self._is_fresh:
            self.view = tuple(self._documents.values())
            self._is_fresh = True

    def get(self, key: str) -> Document | None:
        """A document as it is now."""
        return self._documents.get(key)

    def put(self, key: str, raw: bytes, condition: Condition) -> Document:
        """Write a document. Raises Refused."""
        if not key or len(key.encode()) > LONGEST_ID:
            raise Refused(
                400,
                "illegal_argument_exception",
                f"id [{key}] is too long, must be no longer than {LONGEST_ID} bytes but was: "
                f"{len(key.encode())}",
            )
        source = orjson.loads(raw)
        row = self.mapping.read(key, source)
        row.values[SEQ_NO] = (self._seq_no,)
        self._check(key, condition)
        before = self._documents.pop(key, None)  # in Lucene too the new one comes last
        version = (before.version if before else self._gone.pop(key, 0)) + 1
        written = Document(key, source, raw, row, version, self._seq_no)
        self._documents[key] = written
        self._written()
        return written

    def delete(self, key: str, condition: Condition) -> tuple[int, int, bool]:
        """Take a document away; version, sequence number, and whether it was there.

        Raises Refused.
        """
        self._check(key, condition)
        before = self._documents.pop(key, None)
        version = (before.version if before else self._gone.get(key, 0)) + 1
        self._gone[key] = version
        seq_no = self._seq_no
        self._written()
        return version, seq_no, before is not None

    def _written(self) -> None:
        self._seq_no += 1
        self._is_fresh = False

    def _check(self, key: str, condition: Condition) -> None:
        now = self._documents.get(key)
        if condition.is_new and now:
            why = f"document already exists (current version [{now.version}])"
        elif condition.seq_no is not None and (
            not now or (condition.seq_no, condition.primary_term) != (now.seq_no, 1)
        ):
            current = (
                f"current document has seqNo [{now.seq_no}] and primary term [1]"
                if now
                else "but no document was found"
            )
            why = (
                f"required seqNo [{condition.seq_no}], primary term [{condition.primary_term}]. "
                f"{current}"
            )
        else:
            return
        raise Refused(
            409,
            "version_conflict_engine_exception",
            f"[{key}]: version conflict, {why}",
            index=self.index,
        )
