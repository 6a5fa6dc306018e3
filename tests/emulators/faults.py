"""Faults on demand: a plan of rules, each saying which calls it hits and what happens to them.

A fault plan is a list of rules (JSON: a list, or `{"rules": [...]}`), for example
    [{"route": "files/upload", "nth": 3, "action": "status", "status": 503},
     {"route": "files/download", "every": 5, "action": "cut_reply", "bytes": 1000}]
and `FaultPlan.fired` tells which of them happened. A rule is a mapping (in JSON or Python) of the
fields of `Fault`. Which calls:
  route        glob on the route, "files/upload*"; default "*"
  path         glob on the call's path; default: any
  nth          only the nth matching call (from 1)
  every        every k-th matching call
  probability  each matching call with this probability (`seed` makes it repeatable)
  times        at most so often; default 1 with `nth`, else without end
What happens (`action`):
  status       this HTTP status, nothing done; `retry_after` where it is 429, `reason`, `headers`
  error        the emulator's own error `error`, nothing done
  cut_request  the connection is dropped after `bytes` bytes of the request's body, nothing done
  cut_reply    the work is done, then the connection is dropped: before the reply, or after `bytes`
               bytes of its body
  delay        `seconds` before the work
  stall        nothing moves for `seconds`, in the direction reply (else request) at the place that
               `bytes` says, as above, and then all goes on
  slow         `rate` bytes a second, `direction` request (bodies of uploads), reply or both
  corrupt      one byte of the body is flipped (`direction` reply or request), at `at` or in the
               middle
  late         `status` (default 504) at once, and the work goes on behind: it is done when `after`
               further calls have come (default 0; -1: never); 423 for the same call meanwhile
  entry_error  in a batch, the entries numbered in `entries` (from 0; default all), or every
               `step`-th, fail with `error`
Several rules may hit one call: delays add up, of the others the first of its kind counts.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

ACTIONS = (
    "status",
    "error",
    "cut_request",
    "cut_reply",
    "delay",
    "stall",
    "slow",
    "corrupt",
    "late",
    "entry_error",
)
_NEEDED = {
    "status": "status",
    "error": "error",
    "delay": "seconds",
    "stall": "seconds",
    "slow": "rate",
    "entry_error": "error",
}


class BadPlan(Exception):
    """The plan is not one; the text says where."""


@dataclass
class Fault:
    """One rule of a plan; see the module for its fields."""

    action: str
    route: str = "*"
    path: str | None = None
    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    seed: int = 0
    times: int | None = None
    status: int | None = None
    error: dict[str, Any] | None = None
    reason: str | None = None
    headers: dict[str, str] | None = None
    retry_after: int = 1
    after: int = 0
    text: bool = False
    bytes: int | None = None
    seconds: float | None = None
    rate: float | None = None
    direction: str | None = None
    at: int | None = None
    entries: list[int] | None = None
    step: int | None = None
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise BadPlan(f"unknown action {self.action!r}; known: {', '.join(ACTIONS)}")
        needed = _NEEDED.get(self.action)
        if needed and getattr(self, needed) is None:
            raise BadPlan(f"action {self.action!r} needs {needed!r}")
        if self.direction not in {None, "request", "reply", "both"}:
            raise BadPlan(f"direction must be request, reply or both, not {self.direction!r}")
        if self.times is None and self.nth is not None:
            self.times = 1
        self._random = random.Random(self.seed)

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> Fault:
        """A rule from its mapping; raises `BadPlan`."""
        known = {item.name: str(item.type) for item in fields(cls) if item.init}
        for name, value in rule.items():
            if name not in known:
                raise BadPlan(f"unknown field {name!r}")
            if not _fits(value, known[name]):
                raise BadPlan(
                    f"field {name!r} must be {known[name].removesuffix(' | None')}, not {value!r}"
                )
        if "action" not in rule:
            raise BadPlan("no action")
        return cls(**rule)

    def hits(self, route: str, path: str | None) -> bool:
        """Count the call if it matches; whether the rule fires for it."""
        if not fnmatchcase(route, self.route):
            return False
        if self.path is not None and not (path is not None and fnmatchcase(path, self.path)):
            return False
        self.seen += 1
        if self.times is not None and self.fired >= self.times:
            return False
        chosen = (
            (self.nth is None or self.seen == self.nth)
            and (self.every is None or self.seen % self.every == 0)
            and (self.probability is None or self._random.random() < self.probability)
        )
        self.fired += chosen
        return chosen


def _fits(value: Any, kind: str) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "str": (str,),
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "dict": (dict,),
        "list": (list,),
        "None": (type(None),),
    }
    names = [name.strip().partition("[")[0] for name in kind.split("|")]
    return any(
        isinstance(value, kinds[name]) and (name == "bool" or not isinstance(value, bool))
        for name in names
    )


class Fired(NamedTuple):
    """A fault that happened: to the how-manieth call its rule had seen."""

    action: str
    route: str
    path: str | None
    seen: int


@dataclass
class Effect:
    """What all rules together do to one call."""

    delay: float = 0.0
    faults: dict[str, Fault] = field(default_factory=dict)

    def get(self, action: str) -> Fault | None:
        """The rule of this action, if one hit."""
        return self.faults.get(action)

    def rate(self, direction: str) -> float | None:
        """Bytes a second in one direction."""
        slow = self.get("slow")
        return slow.rate if slow and slow.direction in {None, "both", direction} else None

    def towards(self, action: str, direction: str) -> Fault | None:
        """The rule of an action that has a direction, if it has this one."""
        fault = self.get(action)
        return fault if fault and (fault.direction or "reply") in {"both", direction} else None


class FaultPlan:
    """The rules in force; may be changed at any time from any thread.

    `fired` tells what happened.
    """

    def __init__(self, rules: Iterable[Fault | Mapping[str, Any]] = ()) -> None:
        self._lock = threading.Lock()
        self.rules: list[Fault] = []
        self.fired: list[Fired] = []
        for rule in rules:
            self.add(rule)

    @classmethod
    def load(cls, path: Path) -> FaultPlan:
        """The plan of a JSON file: a list of rules, or `{"rules": [...]}`; raises `BadPlan`."""
        try:
            found = json.loads(path.read_bytes())
        except OSError as error:
            raise BadPlan(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise BadPlan(f"{path}: not JSON: {error}") from None
        rules = found.get("rules") if isinstance(found, dict) and set(found) == {"rules"} else found
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise BadPlan(f"{path}: must be a list of rules")
        plan = cls()
        for number, rule in enumerate(rules, 1):
            try:
                plan.add(rule)
            except BadPlan as error:
                raise BadPlan(f"{path}: rule {number}: {error}") from None
        return plan

    def add(self, rule: Fault | Mapping[str, Any] | None = None, /, **fields: Any) -> Fault:
        """Put one more rule in force: a Fault, a mapping, or fields by name."""
        fault = rule if isinstance(rule, Fault) else Fault.of(dict(rule or {}, **fields))
        with self._lock:
            self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """No more faults, and `fired` is empty again."""
        with self._lock:
            self.rules.clear()
            self.fired.clear()

    def count(self, action: str = "*", route: str = "*") -> int:
        """How many faults happened."""
        with self._lock:
            return sum(
                fnmatchcase(one.action, action) and fnmatchcase(one.route, route)
                for one in self.fired
            )

    def effect(self, route: str, path: str | None) -> Effect:
        """What happens to this call; counts it."""
        effect = Effect()
        with self._lock:
            for rule in self.rules:
                if not rule.hits(route, path):
                    continue
                self.fired.append(Fired(rule.action, route, path, rule.seen))
                if rule.action == "delay":
                    effect.delay += rule.seconds or 0.0
                effect.faults.setdefault(rule.action, rule)
        return effect


def flip(data: bytes, fault: Fault, start: int, total: int) -> bytes:
    """A chunk that begins at `start` of `total` bytes,
    with the fault's byte flipped if it lies in it.
    """
    at = min(total // 2 if fault.at is None else fault.at, total - 1) - start
    if not 0 <= at < len(data):
        return data
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
