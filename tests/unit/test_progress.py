"""How far long work is, as a log tells it."""

from __future__ import annotations

import pytest

from catalog.cli import bars
from catalog.cli.bars import Bar, Lines, StepLines, time_text


def test_a_log_is_told_every_so_often_how_far_a_film_is_and_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    clock = [100.0]
    monkeypatch.setattr(bars.time, "monotonic", lambda: clock[0])
    lines = StepLines()
    for passed, done in ((0, 0.0), (3, 6.0), (12, 25.0), (15, 30.0), (30, 60.0), (31, 100.0)):
        clock[0] = 100.0 + passed
        lines.film("converting a.mov", done, 100.0)
    assert capsys.readouterr().err.splitlines() == [
        "converting a.mov: 25%, 0:36 left",
        "converting a.mov: 60%, 0:20 left",
    ]
    Lines().film("converting a.mov", 1, 2)
    assert capsys.readouterr().err == ""


def test_a_terminal_is_shown_a_bar_with_the_time_left(capsys: pytest.CaptureFixture[str]):
    bar = Bar()
    for done in (0.0, 50.0, 30.0, 100.0):
        bar.film("converting a.mov", done, 100.0)
    bar.close()
    shown = capsys.readouterr().err
    assert "converting a.mov" in shown and "left" in shown


def test_times_are_written_as_clocks_do():
    assert [time_text(s) for s in (5, 125, 3725)] == ["0:05", "2:05", "1:02:05"]
