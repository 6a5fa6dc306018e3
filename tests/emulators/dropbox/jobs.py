"""Asynchronous jobs: the work is done when the job is launched,
its result told after so many polls.
"""

from __future__ import annotations

import json

from .errors import RouteError, union
from .state import State
from .tree import Json


class Jobs:
    """`polls`: how often a check says `in_progress` before it tells the result; `inline`:
    launches tell it at once.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.polls = 0
        self.inline = False

    def launch(self, kind: str, result: Json, *, always_async: bool = False) -> Json:
        """What the launching call answers: `result` is the finished status (`{".tag": "complete",
        ...}`).
        """
        if self.inline and not always_async and result[".tag"] == "complete":
            return result
        job = "dbjid:" + self._state.secret(48)
        self._state.db.execute(
            "INSERT INTO jobs VALUES (?, ?, ?, ?)", (job, kind, json.dumps(result), self.polls)
        )
        return {".tag": "async_job_id", "async_job_id": job}

    def check(self, kind: str, job: str) -> Json:
        """What the checking call answers."""
        row = self._state.db.execute(
            "SELECT * FROM jobs WHERE id = ? AND route = ?", (job, kind)
        ).fetchone()
        if row is None:
            raise RouteError(union("invalid_async_job_id"))
        if row["polls"] > 0:
            self._state.db.execute("UPDATE jobs SET polls = polls - 1 WHERE id = ?", (job,))
            return {".tag": "in_progress"}
        result: Json = json.loads(row["result"])
        return result
