"""The program's own Elasticsearch."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable

from catalog.cli.console import Console
from catalog.domain.amounts import size_text
from catalog.engine import NodeAddress, NodeStatus
from catalog.errors import DONE, NodeError


def show_started(console: Console, address: NodeAddress) -> int:
    """Where it runs."""
    console.out(f"Elasticsearch runs at {address.url}.")
    return DONE


def show_stopped(console: Console, was_running: bool) -> int:
    """That it does not run."""
    console.out("Elasticsearch was stopped." if was_running else "Elasticsearch was not running.")
    return DONE


def show(console: Console, status: NodeStatus) -> int:
    """How it is; exit status 5 while it does not run."""
    if console.json:
        console.out_json({**dataclasses.asdict(status), "home": os.fspath(status.home)})
    else:
        _print_status(console, status)
    return DONE if status.running else NodeError.exit_code


def _print_status(console: Console, status: NodeStatus) -> None:
    running = f"running at {status.url} (process {status.pid})"
    state = running if status.running else "not running"
    installed = f"version {status.version}" if status.installed else "not installed yet"
    console.out(f"Elasticsearch: {state}, {installed}, heap {status.heap_mb} MB.")
    console.out(f"Folder: {status.home}, {size_text(status.data_bytes)} of data.")
    if status.problem:
        console.out(f"Problem: {status.problem}")


def show_log(console: Console, lines: Iterable[str]) -> int:
    """The lines of its log."""
    for line in lines:
        console.out(line.expandtabs())
    return DONE
