"""What is refused: as Elasticsearch refuses it, or because this stand-in does not know it."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A request, or one item of it, that Elasticsearch would refuse too."""

    def __init__(self, status: int, kind: str, reason: str, **more: Any) -> None:
        super().__init__(reason)
        self.status = status
        self.error: dict[str, Any] = {"type": kind, "reason": reason, **more}

    @property
    def body(self) -> dict[str, Any]:
        """The answer to a request."""
        return {"error": {"root_cause": [self.error], **self.error}, "status": self.status}


class QueryRefused(Refused):
    """A query that a shard does not understand, for a cause."""

    def __init__(self, query: str, kind: str, reason: str) -> None:
        cause = {"type": kind, "reason": reason}
        failed = f"Failed to parse query [{query}]"
        super().__init__(400, "query_shard_exception", failed, caused_by=cause)

    @property
    def body(self) -> dict[str, Any]:
        """The answer to a request, with the cause where Elasticsearch has it: on the shard."""
        error = {
            "root_cause": [{k: v for k, v in self.error.items() if k != "caused_by"}],
            "type": "search_phase_execution_exception",
            "reason": "all shards failed",
            "failed_shards": [{"shard": 0, "reason": self.error}],
        }
        return {"error": error, "status": self.status}


class NotEmulated(Exception):
    """What this stand-in does not know: no answer would be worth anything."""


def known(name: str, given: Any, *names: str) -> dict[str, Any]:
    """The object of a request, which may have no other keys than these. Raises NotEmulated."""
    if not isinstance(given, dict):
        raise NotEmulated(f"{name}: {given!r}")
    strange = given.keys() - set(names)
    if strange:
        raise NotEmulated(f"{name} with {', '.join(sorted(strange))}")
    return given
