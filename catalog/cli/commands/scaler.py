"""Make the pictures larger that come into a folder."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.scaling.run import ScalerRequest, run_scaler
from catalog.media.request import METHODS
from catalog.work.service_address import listening_address


@click.command("scaler", short_help="Make the pictures larger that come into a folder.")
@options.frequency("Look into the folder so often.")
@click.option("--once", is_flag=True, help="Look once, scale what is there, and end.")
@click.option(
    "--threads",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="Have so many pictures in hand at once.",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="linear",
    show_default=True,
    help="How to scale; waifu2x, a model for photos, is an extra to be installed.",
)
@click.option(
    "--factor",
    type=click.FloatRange(1, 8, min_open=True),
    default=2.0,
    show_default=True,
    help="Multiply width and height by this.",
)
@click.option(
    "--metrics",
    metavar="[HOST]:PORT",
    help="Serve figures for Prometheus there, such as :9101: to this machine alone, unless HOST "
    "says more.",
)
@options.dryrun
@options.config
@options.output
def command(
    frequency: float,
    once: bool,
    threads: int,
    method: str,
    factor: float,
    metrics: str | None,
    dryrun: bool,
    **shared: Any,
) -> int:
    """Double the pictures in raw_remote_dir into unsorted_remote_dir, until interrupted.

    Taken up is what lies right in the folder and begins with one of raw_names_prefixes. A raw
    picture is removed once its larger one was verified where it lies; what is broken goes into the
    folder _broken beside, with the reason; all else stays. EXIF, XMP, colour profile, transparency,
    16 bits and turn are kept. Both folders may be of any kind of store; no catalog is needed.

    \b
    Example:
      scaler --frequency 30
      scaler --once --dryrun

    \b
    Exit status: 0 done, or ended by SIGTERM, as a service is; 1 failed, 2 usage, 3 some pictures
    are broken or failed, 4 the folder lies in a store of a catalog, 5 a folder cannot be reached
    (--once), 130 interrupted.
    """
    console = Console.from_flags(shared)
    address = listening_address(metrics, "--metrics", console.complain) if metrics else None
    request = ScalerRequest(frequency, once or dryrun, dryrun, threads, method, factor, address)
    words = summary_formats.SCALER
    workspace = console.workspace()
    carry_out = console.carry_out if request.once else console.serve_run
    return carry_out(run_scaler, workspace, request, words)
