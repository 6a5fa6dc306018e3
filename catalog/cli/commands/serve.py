"""The web program."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.work.service_address import listening_address

DEFAULT_ADDRESS = "127.0.0.1:8484"
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("serve", short_help="Serve the catalog to browsers: look at everything.")
@click.option(
    "--bind",
    metavar="ADDRESS",
    default=DEFAULT_ADDRESS,
    show_default=True,
    help="Listen there: HOST:PORT, or :PORT for this machine alone (in a container, for all).",
)
@options.option("tls_cert", type=_FILE, metavar="FILE", help="Certificate (PEM) with its chain.")
@options.option("tls_key", type=_FILE, metavar="FILE", help="The certificate's key (PEM).")
@options.option(
    "behind_proxy",
    is_flag=True,
    help="A reverse proxy at one of web_proxies has the certificate, and says who asked.",
)
@click.option("--open", "open_", is_flag=True, help="Open a browser, logged in.")
@options.connection
@options.output
def command(
    bind: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    behind_proxy: bool,
    open_: bool,
    **shared: Any,
) -> int:
    """Serve the catalog to browsers: every photo and film on one page, by date.

    Nothing in any store is changed by looking. The first start makes an owner, and prints a link
    that logs in once; later ones do so until the owner has a password (`catalog user passwd`). By
    default only this machine can reach it; for a network it needs a password, and a certificate or
    a proxy that has one.

    \b
    Example:
      catalog serve --open
      catalog serve --bind 0.0.0.0:8484 --tls-cert home.pem --tls-key home-key.pem

    \b
    Exit status: 0 ended by SIGTERM, as a service is; 2 usage, or the way to it is not protected; 5
    Elasticsearch cannot be reached, 130 interrupted.
    """
    from catalog.cli.views import access
    from catalog.web.access_log import AccessLog
    from catalog.web.server import ServeRequest, Serving, run_server

    console = Console.from_flags(shared)
    workspace = console.workspace()
    address = listening_address(bind, "--bind", console.complain, free=True)
    request = ServeRequest(
        address,
        tls_cert,
        tls_key,
        behind_proxy,
        workspace.settings.web_proxies,
        user=getpass.getuser(),
        open=open_,
    )

    def announce(found: Serving) -> None:
        access.announce_server(console, found)
        if open_:
            click.launch(found.login or found.url)

    log = AccessLog(console.complain if console.is_logged else None)
    return console.serve(
        lambda: run_server(workspace, request, console.sink(summary_formats.SERVE), announce, log)
    )
