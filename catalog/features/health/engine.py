"""What `catalog engine` does."""

from __future__ import annotations

import dataclasses

import orjson

from catalog.cli.console import Screen
from catalog.domain.amounts import size_text
from catalog.errors import DONE, NodeError
from catalog.work.workspace import Workspace


def run_start(workspace: Workspace, screen: Screen) -> int:
    """Start the node."""
    address = workspace.local_node().ensure_running()
    workspace.progress.close()
    screen.out(f"Elasticsearch runs at {address.url}.")
    return DONE


def run_stop(workspace: Workspace, screen: Screen) -> int:
    """Stop the node."""
    stopped = workspace.local_node().stop()
    screen.out("Elasticsearch was stopped." if stopped else "Elasticsearch was not running.")
    return DONE


def run_status(workspace: Workspace, screen: Screen) -> int:
    """Tell how the node is; exit status 5 while it does not run."""
    status = workspace.local_node().status()
    if screen.json:
        screen.out(orjson.dumps(dataclasses.asdict(status), default=str).decode())
    else:
        state = f"running at {status.url} (process {status.pid})" if status.running else "not running"
        installed = f"version {status.version}" if status.installed else "not installed yet"
        screen.out(f"Elasticsearch: {state}, {installed}, heap {status.heap_mb} MB.")
        screen.out(f"Folder: {status.home}, {size_text(status.data_bytes)} of data.")
        if status.problem:
            screen.out(f"Problem: {status.problem}")
    return DONE if status.running else NodeError.exit_code


def run_logs(workspace: Workspace, lines: int, screen: Screen) -> int:
    """Print the end of the log."""
    for line in workspace.local_node().log_tail(lines):
        screen.out(line)
    return DONE
