"""What looks like a picture."""

from __future__ import annotations

from catalog.cli.console import Console
from catalog.cli.views.duplicates import member_line
from catalog.domain.decisions import ALIKE, BURST, EXACT, SAME_IMAGE, SIMILAR
from catalog.errors import DONE
from catalog.features.lookalikes.similar import LookAlikes

WORDS = {
    EXACT: "the same bytes",
    SAME_IMAGE: "the same image data, with other metadata",
    SIMILAR: "the same picture",
    BURST: "the same moment",
    ALIKE: "merely alike",
}


def show(console: Console, found: LookAlikes, what: str) -> int:
    """A line for each; `what` is how the picture was named."""
    for each in found.found:
        member = each.member
        if console.json:
            row = {"hash": member.picture.hash, "kind": each.kind, "distance": member.distance}
            console.out_json({**row, "turned": member.turned, "paths": list(member.paths)})
        else:
            console.out(f"{WORDS[each.kind]:<24} {member_line(member)}")
    if console.json:
        console.out_json({"event": "summary", "asked": found.asked, "found": len(found.found)})
    elif not found.found:
        console.out(f"Nothing in the catalog looks like {what}.")
    return DONE
