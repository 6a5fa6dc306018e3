"""The program: which command is meant, how errors and signals end it, and the umbrella command
`catalog`.
"""

from __future__ import annotations

import copy
import os
import sys
from importlib import import_module

import click

from catalog.cli import short_helps, terminal
from catalog.cli.interruption import Interruption
from catalog.cli.lazy import LazyGroup
from catalog.errors import INTERRUPTED, CatalogError, Interrupted
from catalog.version import __version__

COMMANDS: dict[str, str] = {
    "upload_to_nas_from_disk": "catalog.cli.commands.upload_to_nas_from_disk",
    "upload_to_dropbox_from_dropbox": "catalog.cli.commands.upload_to_dropbox_from_dropbox",
    "upload": "catalog.cli.commands.upload",
    "sync": "catalog.cli.commands.sync",
    "sync_catalog_with_disk": "catalog.cli.commands.sync_catalog_with_disk",
    "sync_catalog_with_dropbox": "catalog.cli.commands.sync_catalog_with_dropbox",
    "delete_from_directory_if_in_catalog": (
        "catalog.cli.commands.delete_from_directory_if_in_catalog"
    ),
    "sync_nas_to_dropbox": "catalog.cli.commands.sync_nas_to_dropbox",
    "sync_dropbox_to_nas": "catalog.cli.commands.sync_dropbox_to_nas",
    "search": "catalog.cli.commands.search",
    "similar": "catalog.cli.commands.similar",
    "duplicates": "catalog.cli.commands.duplicates",
    "bad": "catalog.cli.commands.bad",
    "resolve": "catalog.cli.commands.resolve",
    "measure": "catalog.cli.commands.measure",
    "reread": "catalog.cli.commands.reread",
    "refile": "catalog.cli.commands.refile",
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
    "serve": "catalog.cli.commands.serve",
    "user": "catalog.cli.commands.user",
    "token": "catalog.cli.commands.token",
    "scaler": "catalog.cli.commands.scaler",
    "mover": "catalog.cli.commands.mover",
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
    "config": "catalog.cli.commands.config",
    "doctor": "catalog.cli.commands.doctor",
    "delete_ids": "catalog.tools.delete_ids",
    "images_in_directory": "catalog.tools.images_in_directory",
    "list_all_file_types": "catalog.tools.list_all_file_types",
    "import_old_catalog": "catalog.tools.import_old_catalog",
    "check_old_catalog_structure": "catalog.tools.check_old_catalog_structure",
    "check_copies": "catalog.tools.check_copies",
    "clean_exact_duplicate_entries_from_catalog": (
        "catalog.tools.clean_exact_duplicate_entries_from_catalog"
    ),
}


class _Commands(LazyGroup):
    """The commands of COMMANDS."""

    modules = COMMANDS
    short_helps = short_helps.CATALOG

    def name_of(self, given: str) -> str:
        """With dashes or underscores."""
        return given if given in COMMANDS else given.replace("-", "_")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
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
    """The program: run the command that the program's own name says, or `catalog` and a
    subcommand.
    """
    sys.excepthook = terminal.complain_of_fault
    name = os.path.basename(sys.argv[0])  # noqa: PTH119
    name = name.removesuffix(".py")
    try:
        command = (
            standalone(import_module(COMMANDS[name]).command, name)
            if name in COMMANDS
            else umbrella
        )
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(run(command, sys.argv[1:]))


def standalone(command: click.Command, name: str) -> click.Command:
    """A command as a program of its own, under its name there: with -h and --version, as the
    umbrella has them.
    """
    program = copy.copy(command)
    program.name = name
    program.context_settings = {**umbrella.context_settings, **command.context_settings}
    program.params = list(command.params)
    return click.version_option(__version__, prog_name=name)(program)


def run(command: click.Command, arguments: list[str]) -> int:
    """The exit status of a command; every expected error is one line on stderr.

    The command is invoked without `Command.main`, which would turn a reader that went away into a
    failure.
    """
    interruption = Interruption()
    interruption.listen()
    name = command.name or ""
    completion = f"_{name}_COMPLETE".replace("-", "_").upper()
    if completion in os.environ:
        command.main(arguments, prog_name=name)
    try:
        with command.make_context(name, arguments, obj=interruption) as context:
            result = command.invoke(context)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        terminal.complain_of_usage(error)
        return error.exit_code
    except (KeyboardInterrupt, Interrupted, click.Abort) as error:
        if not isinstance(error, Interrupted):
            terminal.complain("Interrupted; run the command again to go on.")
        return INTERRUPTED
    except CatalogError as error:
        terminal.complain_of(error)
        return error.exit_code
    except BrokenPipeError:
        terminal.silence_stdout()
        return 0
