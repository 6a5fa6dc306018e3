"""A review: where its page was written, or where it is served."""

from __future__ import annotations

from catalog.cli.console import Console
from catalog.domain.amounts import size_text
from catalog.errors import DONE
from catalog.features.review.file import WrittenPage
from catalog.web.server import Serving


def show(console: Console, page: WrittenPage) -> int:
    """What was written, if anything was, and what to do with it."""
    if not page.groups:
        return DONE
    if console.json:
        row = {
            "event": "summary",
            "output": str(page.output),
            "groups": page.groups,
            "pictures": page.pictures,
        }
        console.out_json({**row, "missing": page.missing, "bytes": page.bytes})
        return DONE
    reason = "their stores are not there now, or they cannot be decoded"
    without = f" {page.missing:,} have no picture: {reason}." if page.missing else ""
    what = f"{page.groups:,} groups, {page.pictures:,} pictures, {size_text(page.bytes)}"
    console.out(f"{page.output}: {what}.{without}")
    console.out(
        "Open it in a browser, decide, save the decisions, and apply them: catalog resolve "
        "DECISIONS.csv"
    )
    return DONE


def announce(console: Console, serving: Serving, groups: int) -> None:
    """Where it is served."""
    if console.json:
        told = {"event": "serving", "url": f"{serving.url}/review/", "login": serving.login}
        console.out_json({**told, "groups": groups})
        return
    console.out(serving.login)
    console.complain(
        f"{groups:,} groups to review. Open that address in a browser within 15 minutes; Ctrl-C "
        "ends it."
    )
