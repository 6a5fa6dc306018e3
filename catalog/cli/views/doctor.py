"""What a check of the installation found."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from catalog.cli.console import Console
from catalog.errors import DONE, CatalogError
from catalog.features.health.doctor import Finding

_MARKS = {"ok": "ok  ", "warning": "warn", "problem": "FAIL"}


def show(console: Console, findings: Iterable[Finding]) -> int:
    """A line for each finding, and how to mend it; 1 where one is a problem."""
    problems = 0
    for finding in findings:
        problems += finding.state == "problem"
        if console.json:
            console.out_json(dataclasses.asdict(finding))
        else:
            console.out(f"{_MARKS[finding.state]}  {finding.check}: {finding.text}")
            if finding.advice:
                console.out(f"      -> {finding.advice}")
    return CatalogError.exit_code if problems else DONE
