"""What starting costs: CPU seconds (user and system) of whole commands that have little to do.

    python benchmarks/start.py --runs 10

The commands ask the program's own node (or the one that the environment names), which is running
and holds a handful of photos made by code; the best of some runs counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
from PIL import Image

BIN = Path(sys.executable).parent
INDEX = f"bench-start-{os.getpid()}"


@dataclass(frozen=True)
class Start:
    """A command, and the CPU seconds that it may cost (0: no goal)."""

    words: tuple[str, ...]
    goal: float = 0.0

    @property
    def name(self) -> str:
        """What the table calls it."""
        return " ".join(self.words)


STARTS = (
    Start(("python", "-c", "pass")),
    Start(("catalog", "--version"), 0.15),
    Start(("catalog", "--help")),
    Start(("catalog", "search", "--limit", "1", "kind:image"), 0.40),
    Start(("catalog", "status")),
)


def _photos(folder: Path) -> None:
    folder.mkdir()
    for number in range(5):
        picture = Image.linear_gradient("L").rotate(30 * number).convert("RGB")
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"2019:07:1{number} 18:30:15"
        picture.save(folder / f"IMG_{number:04d}.jpg", exif=exif)


def _cost(start: Start, environment: dict[str, str]) -> tuple[float, float]:
    """CPU seconds of one run, and the most memory it held, in MB."""
    silence = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    program = str(BIN / start.words[0])
    arguments = [program, *start.words[1:]]
    child = os.posix_spawn(program, arguments, environment, file_actions=silence)
    _child, status, used = os.wait4(child, 0)
    if status:
        raise click.ClickException(f"{start.name} ended with {os.waitstatus_to_exitcode(status)}.")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def _print(runs: int, environment: dict[str, str]) -> None:
    click.echo(f"| {'what':<36} | CPU seconds | memory MB | goal    |")
    click.echo(f"|{'-' * 38}|------------:|----------:|---------|")
    for start in STARTS:
        seconds, memory = min(_cost(start, environment) for _ in range(runs))
        goal = f"<= {start.goal:.2f}" if start.goal else ""
        click.echo(f"| {start.name:<36} | {seconds:>11.3f} | {memory:>9.0f} | {goal:<7} |")


@click.command()
@click.option("--runs", default=10, show_default=True, help="Runs of each command.")
def main(runs: int) -> None:
    """Measure the CPU that whole commands cost which have next to nothing to do."""
    with tempfile.TemporaryDirectory(prefix="catalog-bench-") as temporary:
        work = Path(temporary)
        work.chmod(0o755)
        _photos(work / "source")
        own = {"CATALOG_STATE_DIR": str(work / "state"), "CATALOG_NODE_HOME": str(work / "node")}
        environment = {**os.environ, "CATALOG_INDEX": INDEX, **own}
        environment |= {name: value for name, value in os.environ.items() if name in own}
        upload: list[str | Path] = [
            BIN / "upload_to_nas_from_disk",
            "-q",
            "--nas_root",
            work / "nas",
            work / "source",
        ]
        subprocess.run(upload, env=environment, check=True, stdout=sys.stderr)
        try:
            _print(runs, environment)
        finally:
            if "CATALOG_NODE_HOME" not in os.environ:
                stop: list[str | Path] = [BIN / "catalog", "engine", "stop"]
                subprocess.run(stop, env=environment, check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
