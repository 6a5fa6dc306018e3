"""`python -m tests.emulators.dropbox --root DIR --port N --ca-file FILE`:
the emulator by itself.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..faults import BadPlan, FaultPlan
from .emulator import DEFAULT_TOKEN, Emulator


def main() -> int:
    """Runs until SIGTERM or SIGINT; prints `ready https://127.0.0.1:PORT` once it can be used."""
    parser = argparse.ArgumentParser(
        prog="tests.emulators.dropbox",
        description="An emulator of the Dropbox HTTP API on loopback.",
    )
    parser.add_argument(
        "--root",
        type=Path,
        required=True,
        help="folder of the account's state; goes on with what is there",
    )
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 = any free one")
    parser.add_argument(
        "--ca-file",
        type=Path,
        required=True,
        help="where to write the certificate authority to trust (PEM)",
    )
    parser.add_argument(
        "--token",
        default=DEFAULT_TOKEN,
        help="access token that is accepted (default: %(default)s)",
    )
    parser.add_argument(
        "--faults", type=Path, help="JSON file with a fault plan (see emulators/faults.py)"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every call")
    parser.add_argument(
        "--job-polls",
        type=int,
        default=0,
        help="how often a job says in_progress before it is complete",
    )
    parser.add_argument(
        "--team",
        action="store_true",
        help="a team account: the root namespace is not the member's home",
    )
    arguments = parser.parse_args()
    try:
        plan = FaultPlan.load(arguments.faults) if arguments.faults else FaultPlan()
    except BadPlan as error:
        sys.stderr.write(f"bad fault plan: {error}\n")
        return 2
    emulator = Emulator(
        arguments.root,
        port=arguments.port,
        ca_file=arguments.ca_file,
        token=arguments.token,
        faults=plan,
        latency=arguments.latency,
        team=arguments.team,
    )

    def prepare() -> None:
        emulator.job_polls = arguments.job_polls

    emulator.run(prepare)
    return 0


if __name__ == "__main__":
    sys.exit(main())
