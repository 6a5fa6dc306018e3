"""An emulator of a Nextcloud server, and of plainer WebDAV servers, for tests only.

In a test: `with Emulator(folder) as emulator:`, then any WebDAV client at `emulator.files_address`
with `emulator.user` and `emulator.password`. By itself: `python -m tests.emulators.nextcloud --root
DIR --port N [--dialect nextcloud|owncloud|plain]`, which prints `ready http://127.0.0.1:PORT` and
runs until it is stopped. What is in it lasts as long as the `Emulator`: it may be stopped and
started again.

Where an answer was measured, a comment says so by the section of the notes on a real Nextcloud 32:
2b (judges), 2c (behaviour). "Source" is what Nextcloud's or sabre/dav's code says, not measured.

Faults are those of `emulators.faults`. Routes are `AREA/METHOD`, such as "files/PUT",
"uploads/MOVE" (the one that puts the chunks together), "trashbin/PROPFIND", "systemtags/POST",
"systemtags-relations/PUT", "dav/SEARCH", "ocs/GET", "preview/GET", "status/GET"; a rule's `path`
is held against the path within the area ("/Photos/a.jpg"). A `status` may have `headers`, as a
redirect needs. `emulator.calls` keeps of each call a `Seen`: its path, headers and query.
"""

from __future__ import annotations

from ..faults import BadPlan, Fault, FaultPlan
from ..traffic import Calls, Made
from .application import Seen
from .dialects import DIALECTS, NEXTCLOUD, OWNCLOUD, PLAIN, Dialect
from .emulator import Emulator, Record, TrashRecord

__all__ = [
    "DIALECTS",
    "NEXTCLOUD",
    "OWNCLOUD",
    "PLAIN",
    "BadPlan",
    "Calls",
    "Dialect",
    "Emulator",
    "Fault",
    "FaultPlan",
    "Made",
    "Record",
    "Seen",
    "TrashRecord",
]
