"""An emulator of the Dropbox HTTP API, for tests only.

In a test: `with Emulator(folder) as emulator:`, then any Dropbox client with `emulator.proxy` as
its HTTPS proxy (or `emulator.address` as its hosts), `emulator.ca_file` as its CA bundle and
`emulator.token` as its access token. By itself: `python -m tests.emulators.dropbox --root DIR
--port N --ca-file FILE [--token T] [--faults FILE]`, which prints `ready https://127.0.0.1:PORT`
and runs until it is stopped.

A fault plan is a list of rules (JSON: a list, or `{"rules": [...]}`), for example
    [{"route": "files/upload", "nth": 3, "action": "status", "status": 503},
     {"route": "files/download", "every": 5, "action": "cut_reply", "bytes": 1000}]
and `emulator.faults.fired` tells which of them happened. A rule is a mapping (in JSON or Python) of
the fields of `Fault`. Which calls:
  route        glob on the route, "files/upload*"; default "*". The OAuth token call is
  "oauth2/token". path         glob on the argument's path (`path`, `from_path` or `commit.path`,
  lower case); default: any nth          only the nth matching call (from 1) every        every k-th
  matching call probability  each matching call with this probability (`seed` makes it repeatable)
  times        at most so often; default 1 with `nth`, else without end
What happens (`action`):
  status       this HTTP status, nothing done: 429 with `retry_after` (JSON, or text with "text":
  true) and `reason`,
               401 with `reason` (default expired_access_token), anything else with a text
  error        409 with the route's error union `error`, nothing done cut_request  the connection is
  dropped after `bytes` bytes of the request's body, nothing done cut_reply    the work is done,
  then the connection is dropped: before the reply, or after `bytes` bytes of its body delay
  `seconds` before the work slow         `rate` bytes a second, `direction` request (bodies of
  uploads), reply or both corrupt      one byte of the body is flipped (`direction` reply or
  request), at `at` or in the middle entry_error  in a batch, the entries numbered in `entries`
  (from 0; default all), or every `step`-th, fail with `error`
Several rules may hit one call: delays add up, of the others the first of its kind counts.
"""

from __future__ import annotations

from .application import Calls, Made
from .content import content_hash
from .emulator import DEFAULT_TOKEN, Emulator, Plant, Record
from .faults import BadPlan, Fault, FaultPlan

__all__ = [
    "DEFAULT_TOKEN",
    "BadPlan",
    "Calls",
    "Emulator",
    "Fault",
    "FaultPlan",
    "Made",
    "Plant",
    "Record",
    "content_hash",
]
