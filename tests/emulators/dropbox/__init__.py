"""An emulator of the Dropbox HTTP API, for tests only.

In a test: `with Emulator(folder) as emulator:`, then any Dropbox client with `emulator.proxy` as its HTTPS proxy (or
`emulator.address` as its hosts), `emulator.ca_file` as its CA bundle and `emulator.token` as its access token. By
itself: `python -m tests.emulators.dropbox --root DIR --port N --ca-file FILE [--token T] [--faults FILE]`, which prints
`ready https://127.0.0.1:PORT` and runs until it is stopped.

A fault plan is a list of rules (JSON: a list, or `{"rules": [...]}`), for example
    [{"route": "files/upload", "nth": 3, "action": "status", "status": 503},
     {"route": "files/download", "every": 5, "action": "cut_reply", "bytes": 1000}]
and `emulator.faults.fired` tells which of them happened; `faults.py` says what a rule may hold.
"""

from __future__ import annotations

from .application import Calls, Made
from .content import content_hash
from .emulator import DEFAULT_TOKEN, Emulator, Plant, Record
from .faults import BadPlan, Fault, FaultPlan

__all__ = ["DEFAULT_TOKEN", "BadPlan", "Calls", "Emulator", "Fault", "FaultPlan", "Made", "Plant", "Record", "content_hash"]
