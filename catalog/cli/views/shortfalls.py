"""What assets lack, in words, and the command that shows which they are."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.cli.console import Console
from catalog.domain.copies import DAMAGED
from catalog.errors import DONE, SOME_FAILED
from catalog.index.queries import Policy, Shortfall


def show(console: Console, found: Sequence[Shortfall]) -> int:
    """A line for each shortfall on stderr, or JSON objects; 3 where there is one."""
    for row in found:
        if console.json:
            console.out_json(row_of(row))
        elif row.assets:
            console.complain(f"{describe_shortfall(row)}: {remedy(row)}")
    total = sum(row.assets for row in found)
    if console.json:
        console.out_json({"event": "summary", "shortfalls": total})
    elif not console.quiet and not total:
        console.out("Every asset has the copies it should have.")
    return SOME_FAILED if total else DONE


def row_of(shortfall: Shortfall) -> dict[str, object]:
    """For a program."""
    query = shortfall.policy.query if shortfall.policy else ""
    return {
        "query": query,
        "assets": shortfall.assets,
        "what": _what(shortfall),
        "see": remedy(shortfall),
    }


def describe_shortfall(shortfall: Shortfall) -> str:
    """For a person: `3 have fewer than 2 copies`."""
    what = _what(shortfall)
    return (
        f"{shortfall.assets:,} {what if shortfall.assets != 1 else what.replace('have', 'has', 1)}"
    )


def remedy(shortfall: Shortfall) -> str:
    """The command that shows which assets they are, or mends it."""
    policy = shortfall.policy
    if policy is None:
        return "catalog verify --repair" if shortfall.state == DAMAGED else "catalog sync"
    missing = (f"--missing {store}" for store in policy.stores)
    see = " ".join(["catalog copies", *missing, f"--fewer-than {policy.min_copies}"])
    return f"{see} '{policy.query}'" if policy.query else see


def _what(shortfall: Shortfall) -> str:
    if shortfall.policy is None:
        return f"have a {shortfall.state} copy"
    return _fault(shortfall.policy)


def _fault(policy: Policy) -> str:
    """What an asset has that falls short of a policy."""
    copies = "copy" if policy.min_copies == 1 else "copies"
    fewer = f"fewer than {policy.min_copies} {copies}" if policy.min_copies else ""
    none = f"none in {' or '.join(policy.stores)}" if policy.stores else ""
    faults = ", or ".join(filter(None, [fewer, none]))
    return f"have {faults}" + (f" ({policy.query})" if policy.query else "")
