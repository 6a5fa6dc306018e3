"""`python -m tests.emulators.nextcloud --root DIR --port N`: the emulator by itself."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..faults import BadPlan, FaultPlan
from .dialects import DIALECTS
from .emulator import DEFAULT_PASSWORD, DEFAULT_USER, Emulator


def main() -> int:
    """Runs until SIGTERM or SIGINT; prints `ready http://127.0.0.1:PORT` once it can be used."""
    parser = argparse.ArgumentParser(
        prog="tests.emulators.nextcloud",
        description="An emulator of a Nextcloud or plainer WebDAV server on loopback.",
    )
    parser.add_argument("--root", type=Path, required=True, help="folder for large contents")
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 = any free one")
    parser.add_argument(
        "--dialect",
        choices=sorted(DIALECTS),
        default="nextcloud",
        help="which server it is (default: %(default)s)",
    )
    parser.add_argument("--mount", default="", help="where on the server it is, such as /nextcloud")
    parser.add_argument("--user", default=DEFAULT_USER, help="default: %(default)s")
    parser.add_argument("--password", default=DEFAULT_PASSWORD, help="default: %(default)s")
    parser.add_argument(
        "--faults", type=Path, help="JSON file with a fault plan (emulators/faults.py)"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every call")
    parser.add_argument(
        "--least-chunk", type=int, help="bytes of a chunk of an upload at least (default: 5 MiB)"
    )
    arguments = parser.parse_args()
    try:
        plan = FaultPlan.load(arguments.faults) if arguments.faults else FaultPlan()
    except BadPlan as error:
        sys.stderr.write(f"bad fault plan: {error}\n")
        return 2
    emulator = Emulator(
        arguments.root,
        DIALECTS[arguments.dialect],
        mount=arguments.mount,
        user=arguments.user,
        password=arguments.password,
        port=arguments.port,
        faults=plan,
        latency=arguments.latency,
    )
    if arguments.least_chunk is not None:
        emulator.least_chunk = arguments.least_chunk
    emulator.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
