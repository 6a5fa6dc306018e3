"""An emulator of the Dropbox HTTP API, for tests only.

In a test: `with Emulator(folder) as emulator:`, then any Dropbox client with `emulator.proxy` as
its HTTPS proxy (or `emulator.address` as its hosts), `emulator.ca_file` as its CA bundle and
`emulator.token` as its access token. By itself: `python -m tests.emulators.dropbox --root DIR
--port N --ca-file FILE [--token T] [--faults FILE]`, which prints `ready https://127.0.0.1:PORT`
and runs until it is stopped.

Faults are those of `emulators.faults`. Routes are those of the API, the OAuth token call is
"oauth2/token"; a rule's `path` is held against the argument's `path`, `from_path` or `commit.path`
in lower case. A 429 says its `reason` as JSON, or as text with `"text": true`; a 401 has the
`reason` expired_access_token unless it says another; an `error` is the route's own error union, a
409.
"""

from __future__ import annotations

from ..faults import BadPlan, Fault, FaultPlan
from ..traffic import Calls, Made
from .content import content_hash
from .emulator import DEFAULT_TOKEN, Emulator, Plant, Record

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
