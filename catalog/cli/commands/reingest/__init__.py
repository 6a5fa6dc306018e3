"""Get curated photos and videos back into a cloud: the group of the commands that do it."""

from __future__ import annotations

from typing import ClassVar

import click

from catalog.cli.lazy import LazyGroup
from catalog.cli.short_helps import REINGEST

SUBCOMMANDS: dict[str, str] = {
    "evaluate-duplicates": "evaluate_duplicates",
    "process-duplicates": "process_duplicates",
    "evaluate-images": "evaluate_images",
    "process-images": "process_images",
    "evaluate-videos": "evaluate_videos",
    "process-videos": "process_videos",
    "replace-archived-media": "replace_archived_media",
    "status": "status",
    "confirm": "confirm",
}
"""Every subcommand and its module in this package, which is imported only when it is asked for."""
FORMER_NAMES: dict[str, str] = {
    "evaluate-image-files": "evaluate-images",
    "process-image-files": "process-images",
    "evaluate-video-files": "evaluate-videos",
    "process-video-files": "process-videos",
}
"""Names by which some of them are known as well."""


class _Subcommands(LazyGroup):
    """The commands of SUBCOMMANDS."""

    modules: ClassVar = {name: f"{__name__}.{module}" for name, module in SUBCOMMANDS.items()}
    short_helps = REINGEST

    def name_of(self, given: str) -> str:
        """With dashes or underscores, also by a former name."""
        dashed = given.replace("_", "-")
        return FORMER_NAMES.get(dashed, dashed)


@click.group(
    "reingest",
    cls=_Subcommands,
    short_help="Get curated photos and videos back into a cloud, deciding by a table.",
)
def command() -> None:
    """Get curated photos and videos of an archive back into a phone's cloud.

    An evaluate command writes a table (CSV) of what would be done and why; a person edits it in a
    spreadsheet; the process command does what it says then. Copies go to a staging folder, from
    where any uploader brings them to the cloud; what was handed over is recorded, so that it is not
    offered again. The archive is only read, except by process-duplicates and
    replace-archived-media.

    \b
    Example:
      reingest evaluate-images /mnt/nas/photos --until 2019-01-01
      reingest process-images icloud_image_report.csv --staging ~/staging
      reingest confirm --emptied ~/staging

    \b
    Exit status: 0 done, 1 failed, 2 usage or a report that cannot be used, 3 some rows were refused
    or failed, 4 refused by a guard, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
