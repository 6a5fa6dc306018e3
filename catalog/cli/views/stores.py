"""The stores of the catalog."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from catalog.cli.console import Console
from catalog.domain.amounts import size_text
from catalog.errors import DONE
from catalog.features.stores.listing import StoreState
from catalog.features.stores.registration import StoreAdded


def show_added(console: Console, added: StoreAdded) -> int:
    """Where the store is, and what comes next."""
    for notice in added.notices:
        console.complain(notice)
    console.out(
        f"Store {added.name} is at {added.shown}. To record what lies there: catalog sync "
        f"{added.name}"
    )
    if added.unproved:
        console.out(
            f"Its file system ({added.unproved}) does not keep what tells rot from an edit: where "
            "bytes changed, `catalog verify` leaves it to you which it is."
        )
    return DONE


def show(console: Console, stores: Iterable[StoreState]) -> int:
    """A line for each store."""
    for store in stores:
        if console.json:
            totals = dataclasses.asdict(store.totals)
            row = {"store": store.name, "root": store.shown, "state": store.state, **totals}
            console.out_json(row | {"last_run": store.last_run})
        else:
            figures = f"{store.totals.copies:>10,} copies {size_text(store.totals.bytes):>10}"
            console.out(f"{store.name:<12} {store.state:<12} {figures}  {store.shown}")
    return DONE
