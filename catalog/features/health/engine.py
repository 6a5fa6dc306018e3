"""The program's own Elasticsearch: started, stopped, and looked at."""

from __future__ import annotations

from catalog.engine import NodeAddress, NodeStatus
from catalog.work.workspace import Workspace


def start_engine(workspace: Workspace) -> NodeAddress:
    """Start the node, and download it first if need be; nothing where it runs."""
    address = workspace.elasticsearch.local_node().ensure_running()
    workspace.progress.close()
    return address


def stop_engine(workspace: Workspace) -> bool:
    """Stop the node; whether it was running."""
    return workspace.elasticsearch.local_node().stop()


def read_status(workspace: Workspace) -> NodeStatus:
    """Whether the node runs, where, and how much room it takes."""
    return workspace.elasticsearch.local_node().status()


def read_log(workspace: Workspace, lines: int) -> list[str]:
    """The last lines of the node's log."""
    return workspace.elasticsearch.local_node().log_tail(lines)
