"""The terminal: what is printed where, how errors end a command, and the umbrella command `catalog`."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from catalog import __version__
from catalog.domain.names import printable
from catalog.errors import INTERRUPTED, CatalogError
from catalog.work.progress import Bar, NoProgress, Progress, StepLines

if TYPE_CHECKING:
    from catalog.work.report import Report
    from catalog.work.workspace import Workspace

CONNECTION = ("host", "port", "index")
SECOND_THOUGHT = 1.0
"""Seconds after which being interrupted again is meant; before, one key may have been told to us twice."""

COMMANDS: dict[str, str] = {
    "upload_to_nas_from_disk": "catalog.cli.commands.upload_to_nas_from_disk",
    "upload_to_dropbox_from_dropbox": "catalog.cli.commands.upload_to_dropbox_from_dropbox",
    "sync_catalog_with_disk": "catalog.cli.commands.sync_catalog_with_disk",
    "sync_catalog_with_dropbox": "catalog.cli.commands.sync_catalog_with_dropbox",
    "delete_from_directory_if_in_catalog": "catalog.cli.commands.delete_from_directory_if_in_catalog",
    "sync_nas_to_dropbox": "catalog.cli.commands.sync_nas_to_dropbox",
    "sync_dropbox_to_nas": "catalog.cli.commands.sync_dropbox_to_nas",
    "search": "catalog.cli.commands.search",
    "similar": "catalog.cli.commands.similar",
    "duplicates": "catalog.cli.commands.duplicates",
    "bad": "catalog.cli.commands.bad",
    "resolve": "catalog.cli.commands.resolve",
    "measure": "catalog.cli.commands.measure",
    "show": "catalog.cli.commands.show",
    "status": "catalog.cli.commands.status",
    "tag": "catalog.cli.commands.tag",
    "set": "catalog.cli.commands.set_",
    "sidecars": "catalog.cli.commands.sidecars",
    "reingest": "catalog.cli.commands.reingest",
    "evaluate_duplicates": "catalog.cli.commands.reingest.evaluate_duplicates",
    "process_duplicates": "catalog.cli.commands.reingest.process_duplicates",
    "evaluate_image_files": "catalog.cli.commands.reingest.evaluate_images",
    "process_image_files": "catalog.cli.commands.reingest.process_images",
    "evaluate_video_files": "catalog.cli.commands.reingest.evaluate_videos",
    "process_video_files": "catalog.cli.commands.reingest.process_videos",
    "replace_archived_media": "catalog.cli.commands.reingest.replace_archived_media",
    "store": "catalog.cli.commands.store",
    "dropbox": "catalog.cli.commands.dropbox",
    "copies": "catalog.cli.commands.copies",
    "check": "catalog.cli.commands.check",
    "mirror": "catalog.cli.commands.mirror",
    "verify": "catalog.cli.commands.verify",
    "review": "catalog.cli.commands.review",
    "watch": "catalog.cli.commands.watch",
    "rebuild": "catalog.cli.commands.rebuild",
    "history": "catalog.cli.commands.history",
    "undo": "catalog.cli.commands.undo",
    "forget": "catalog.cli.commands.forget",
    "trash": "catalog.cli.commands.trash",
    "export": "catalog.cli.commands.export",
    "import": "catalog.cli.commands.import_",
    "backup": "catalog.cli.commands.backup",
    "restore": "catalog.cli.commands.restore",
    "engine": "catalog.cli.commands.engine",
    "doctor": "catalog.cli.commands.doctor",
    "delete_ids": "catalog.tools.delete_ids",
    "images_in_directory": "catalog.tools.images_in_directory",
    "list_all_file_types": "catalog.tools.list_all_file_types",
    "import_old_catalog": "catalog.tools.import_old_catalog",
    "check_old_catalog_structure": "catalog.tools.check_old_catalog_structure",
    "check_copies": "catalog.tools.check_copies",
    "clean_exact_duplicate_entries_from_catalog": "catalog.tools.clean_exact_duplicate_entries_from_catalog",
}
"""Every command and the module that holds it; a module is imported only when its command is asked for."""


@dataclass(frozen=True)
class Screen:
    """How one command talks: to stdout its results, to stderr everything else."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    connection: Mapping[str, Any] = field(default_factory=dict)
    config: Any = None

    @classmethod
    def from_flags(cls, flags: Mapping[str, Any]) -> Screen:
        """From the shared options of a command."""
        return cls(
            bool(flags.get("json")),
            bool(flags.get("quiet")),
            bool(flags.get("verbose")),
            {name: flags.get(name) for name in CONNECTION},
            flags.get("config"),
        )

    def workspace(self, **overrides: Any) -> Workspace:
        """The workspace for the settings in force, with the flags given."""
        from catalog.config import load
        from catalog.work.workspace import Workspace

        _set_up_logging(self.verbose)
        return Workspace(load(self.config, **overrides), self.progress(), _interrupted)

    def progress(self) -> Progress:
        """A bar on a terminal; lines for what takes long otherwise; nothing when quiet."""
        if self.quiet:
            return NoProgress()
        return Bar() if sys.stderr.isatty() and not self.json else StepLines()

    def report(self, progress: Progress, **words: Any) -> Report:
        """A report that prints as this screen does; `words` are those of the run, see `Report`."""
        from catalog.work.report import Report

        return Report(tell_line, progress.write, json=self.json, verbose=self.verbose, quiet=self.quiet, **words)

    @property
    def can_ask(self) -> bool:
        """Whether a person is there to answer."""
        return not self.quiet and not self.json and sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, question: str, answers: str) -> str:
        """One of the letters of `answers`, as a person chose; asked until it is one. An end of input is "q"."""
        while True:
            click.echo(f"{question} [{'/'.join(answers)}] ", err=True, nl=False)
            line = sys.stdin.readline()
            answer = line.strip().lower()[:1]
            if not line:
                return "q"
            if answer and answer in answers:
                return answer

    def out(self, line: str) -> None:
        """Print a result."""
        write_line(line)

    def complain(self, line: str) -> None:
        """Print what a person should see, on stderr."""
        click.echo(printable(line), err=True)

    def out_line(self, line: str) -> None:
        """Print a result that holds names: on one line, whatever is in them."""
        write_line(printable(line))

    def out_json(self, value: Any) -> None:
        """Print a result as JSON."""
        import orjson

        write_line(orjson.dumps(value).decode())


def write_line(line: str) -> None:
    """A line to stdout, whatever characters it holds."""
    sys.stdout.buffer.write(line.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.flush()


def tell_line(line: str) -> None:
    """A line of a run that goes on even where nobody reads it any more (`| head`)."""
    try:
        write_line(line)
    except BrokenPipeError:
        _silence_stdout()


def _silence_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


class _Commands(click.Group):
    """The commands of COMMANDS, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """By name, with dashes or underscores."""
        module = COMMANDS.get(cmd_name) or COMMANDS.get(cmd_name.replace("-", "_"))
        return import_module(module).command if module else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """With a suggestion where the name is nearly right."""
        import difflib

        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            close = difflib.get_close_matches(name, COMMANDS, 1)
            hint = f" Did you mean {close[0]}?" if close else " See `catalog --help`."
            raise click.UsageError(f"There is no command {name}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group("catalog", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="catalog")
def umbrella() -> None:
    """A catalog of all your photos and videos, wherever the copies live.

    \b
    Start with:
      catalog upload_to_nas_from_disk -r ~/Pictures --nas_root /mnt/nas/photos
      catalog search 'city:Ghent taken:2019 kind:video'

    Every command explains itself with --help.
    """


def main() -> None:
    """The program: run the command that the program's own name says, or `catalog` and a subcommand."""
    name = os.path.basename(sys.argv[0])  # noqa: PTH119
    name = name.removesuffix(".py")
    try:
        command = import_module(COMMANDS[name]).command if name in COMMANDS else umbrella
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(run(command, sys.argv[1:]))


def run(command: click.Command, arguments: list[str]) -> int:
    """The exit status of a command; every expected error is one line on stderr."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started us wants it ignored
            signal.signal(signal.SIGINT, _interrupt)
    try:
        result = command.main(arguments, standalone_mode=False, prog_name=command.name)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted; run the command again to go on.", err=True)
        return INTERRUPTED
    except CatalogError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        _silence_stdout()
        return 0


_interrupted = threading.Event()
"""Set once a person, or the system, asks the program to end."""
_asked_at = 0.0


def _interrupt(_number: int, _frame: object) -> None:
    """End in good order; asked again after a moment, at once: a run may be killed at any time."""
    global _asked_at
    if not _interrupted.is_set():
        _asked_at = time.monotonic()
        _interrupted.set()
        raise KeyboardInterrupt
    if time.monotonic() - _asked_at > SECOND_THOUGHT:
        os._exit(INTERRUPTED)


def _set_up_logging(verbose: bool) -> None:
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(message)s", stream=sys.stderr)
    for noisy in ("elastic_transport", "elasticsearch", "urllib3", "PIL", "watchfiles", "dropbox"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
