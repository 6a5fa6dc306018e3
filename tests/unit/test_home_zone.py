"""The zone of a person's home: as set, else the machine's, asked for once."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.cli.console import Console
from catalog.cli.home_zone import settle_home_zone
from catalog.config import load, save
from catalog.errors import ConfigError
from catalog.media.zones import machine_zone


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine in Brussels whose user has no configuration yet; where that will be."""
    monkeypatch.setenv("TZ", "Europe/Brussels")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("CATALOG_HOME_ZONE", raising=False)
    monkeypatch.setattr("tzlocal.unix._cache_tz_name", None)
    monkeypatch.chdir(tmp_path)
    time.tzset()
    yield tmp_path / "image-catalog" / "config.json"
    monkeypatch.undo()
    time.tzset()


def answering(monkeypatch: pytest.MonkeyPatch, text: str) -> Console:
    monkeypatch.setattr(Console, "can_ask", True)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    return Console()


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Asia/Tokyo", "Asia/Tokyo"), ("Nowhere/At_All", "UTC"), (":/no/such/file", "UTC")],
)
def test_the_machine_names_its_zone_or_it_is_utc(
    monkeypatch: pytest.MonkeyPatch, zone: str, expected: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    assert machine_zone() == expected


def test_nobody_is_asked_where_it_is_set_or_no_one_is_there(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settle_home_zone(Console(), dryrun=False, yes=False).home_zone == "Europe/Brussels"
    console = answering(monkeypatch, "")
    assert settle_home_zone(console, dryrun=True, yes=False).home_zone == "Europe/Brussels"
    assert settle_home_zone(console, dryrun=False, yes=True).home_zone == "Europe/Brussels"
    monkeypatch.setenv("CATALOG_HOME_ZONE", "Asia/Kolkata")
    assert settle_home_zone(console, dryrun=False, yes=False).home_zone == "Asia/Kolkata"
    assert not user.exists()


@pytest.mark.parametrize(
    ("typed", "zone"),
    [("\n", "Europe/Brussels"), ("Mars/Olympus\nAsia/Tokyo\n", "Asia/Tokyo")],
)
def test_the_answer_is_kept_and_never_asked_for_again(
    user: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    zone: str,
) -> None:
    console = answering(monkeypatch, typed)
    assert settle_home_zone(console, dryrun=False, yes=False).home_zone == zone
    assert json.loads(user.read_bytes()) == {"home_zone": zone}
    said = capsys.readouterr().err
    assert str(user) in said
    assert ("Mars/Olympus is no time zone" in said) is ("Mars" in typed)
    assert settle_home_zone(answering(monkeypatch, ""), dryrun=False, yes=False).home_zone == zone


def test_a_person_who_does_not_answer_ends_the_program(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        settle_home_zone(answering(monkeypatch, ""), dryrun=False, yes=False)
    assert not user.exists()


def test_one_setting_is_kept_beside_those_that_are_there(user: Path) -> None:
    user.parent.mkdir()
    user.write_text('{"min_copies": 3, "state_dir": "", "home_zone": null}')
    assert save({"home_zone": "Asia/Tokyo"}, origin="a test") == user
    assert json.loads(user.read_bytes()) == {
        "min_copies": 3,
        "state_dir": "",
        "home_zone": "Asia/Tokyo",
    }
    assert (load().home_zone, load().min_copies) == ("Asia/Tokyo", 3)
    assert list(user.parent.iterdir()) == [user]


def test_a_configuration_that_cannot_be_written_is_told_and_the_run_goes_on(
    user: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    user.parent.write_text("no folder")
    with pytest.raises(ConfigError, match="cannot be written"):
        save({"home_zone": "Asia/Tokyo"}, origin="a test")
    console = answering(monkeypatch, "Asia/Tokyo\n")
    assert settle_home_zone(console, dryrun=False, yes=False).home_zone == "Asia/Tokyo"
    assert "for this run alone" in capsys.readouterr().err
