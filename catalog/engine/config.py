"""The node's configuration folder: settings, JVM options, log rotation, keystore;
and the choice of its port.
"""

from __future__ import annotations

import json
import random
import re
import socket
from pathlib import Path

from catalog.engine.failures import meaningful_lines, quote_lines, system_errors
from catalog.engine.folders import UserId
from catalog.engine.process import Runtime, run_tool
from catalog.errors import NodeError
from catalog.filesystem.aside import PRIVATE, replace_file

CLUSTER = "image-catalog"
_COPIED = ("roles.yml", "users", "users_roles", "role_mapping.yml")
_PORTS = range(
    20_000, 32_000
)  # below what systems give to outgoing connections, so that it stays free between starts


def choose_port(wanted: int | None, remembered: int) -> int:
    """`wanted` or an error when somebody has it; else the remembered port if it is free;
    else another free one.
    """
    if wanted is not None:
        if not is_free(wanted):
            raise NodeError(
                f"Port {wanted} on 127.0.0.1 is taken by another program.",
                hint="Stop it, or choose another port.",
            )
        return wanted
    if remembered and is_free(remembered):
        return remembered
    for port in random.sample(_PORTS, 200):
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of the loopback interface."""
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def settings(home: Path, port: int) -> dict[str, object]:
    """Contents of elasticsearch.yml.

    The disk limits are absolute: a large disk that is 95 % full has room enough.
    """
    disk = "cluster.routing.allocation.disk.watermark"
    return {
        "cluster.name": CLUSTER,
        "node.name": "local",
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": port,
        "transport.port": 0,
        "path.data": str(home / "data"),
        "path.logs": str(home / "logs"),
        "path.repo": [str(home / "snapshots")],
        "action.auto_create_index": False,
        "action.destructive_requires_name": True,
        f"{disk}.low": "1gb",
        f"{disk}.high": "500mb",
        f"{disk}.flood_stage": "200mb",
        "xpack.security.enabled": True,
        "xpack.security.http.ssl.enabled": False,
        "xpack.security.transport.ssl.enabled": False,
    }


def write_config(home: Path, distribution: Path, port: int, account: UserId) -> None:
    """Write the configuration folder anew from the distribution's files;
    users and roles that are there stay.
    """
    config, shipped = home / "config", distribution / "config"
    with system_errors("write", config):
        lines = [
            f"{key}: {json.dumps(value, ensure_ascii=False)}"
            for key, value in settings(home, port).items()
        ]
        _write(config / "elasticsearch.yml", "\n".join(lines) + "\n", account)
        options = (shipped / "jvm.options").read_text(encoding="utf-8")
        _write(config / "jvm.options", jvm_options(options, home), account)
        logging = (shipped / "log4j2.properties").read_text(encoding="utf-8")
        _write(config / "log4j2.properties", small_logs(logging), account)
        for name in _COPIED:
            if not (config / name).exists():
                _write(config / name, (shipped / name).read_text(encoding="utf-8"), account)


def jvm_options(shipped: str, home: Path) -> str:
    """The distribution's options without the module the runtime lacks,
    the garbage collector's log and heap dumps.
    """
    unwanted = ("jdk.incubator.vector", "-Xlog:gc", "HeapDumpOnOutOfMemoryError", "-XX:ErrorFile=")
    kept = [line for line in shipped.splitlines() if not any(word in line for word in unwanted)]
    return "\n".join([*kept, f"-XX:ErrorFile={home / 'logs'}/hs_err_pid%p.log", ""])


def small_logs(shipped: str) -> str:
    """The distribution's logging with files of 10 MB and 50 MB in all, where it would keep 2 GB."""
    text = re.sub(r"(policies\.size\.size *= *)(128MB|1GB)", r"\g<1>10MB", shipped)
    return re.sub(r"(IfAccumulatedFileSize\n.*\.exceeds *= *)2GB", r"\g<1>50MB", text)


def ensure_keystore(home: Path, runtime: Runtime, password: str) -> None:
    """Make the keystore that tells Elasticsearch the password of `elastic`,
    if there is none (about 2 s).
    """
    if (home / "config" / "elasticsearch.keystore").exists():
        return
    code, text = run_tool(
        runtime,
        "elasticsearch-keystore",
        ["add", "-f", "-x", "bootstrap.password"],
        password + "\n",
    )
    if code != 0:
        raise NodeError(
            f"The keystore in {home / 'config'} could not be made (exit status {code}): "
            f"{quote_lines(meaningful_lines(text))}",
            hint="Check that the folder is writable, and start again.",
        )


def _write(path: Path, text: str, account: UserId) -> None:
    replace_file(path, text.encode(), mode=PRIVATE, owner=account.uid)
