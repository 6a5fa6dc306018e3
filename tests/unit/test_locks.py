"""What the image and CI install is pinned, by version and hash, within the package's ranges."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
EXTRAS = SETUP["options.extras_require"]
BACKEND = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


DIRECT = [*lines(SETUP["options"]["install_requires"]), *BACKEND]


def pinned(name: str) -> dict[Requirement, list[str]]:
    """The hashes of each requirement of a lock file."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    rows = [row for row in text.splitlines() if not row.startswith("#")]
    return {Requirement(row.partition(" --hash")[0]): HASH.findall(row) for row in rows}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements.lock", DIRECT),
        ("requirements-dev.lock", [*DIRECT, *lines(EXTRAS["test"]), *lines(EXTRAS["dev"])]),
    ],
)
def test_every_dependency_is_pinned_with_hashes_within_its_range(name: str, wanted: list[str]):
    found = pinned(name)
    for one, hashes in found.items():
        assert re.fullmatch(r"==[\w.]+", str(one.specifier)) and hashes, one
    assert "://" not in (ROOT / name).read_text("utf-8"), "no host is named"
    for python in PYTHONS:
        here = {"python_full_version": f"{python}.0", "python_version": python}
        versions = {
            canonicalize_name(one.name): str(one.specifier).removeprefix("==")
            for one in found
            if one.marker is None or one.marker.evaluate(here)
        }
        for requirement in map(Requirement, wanted):
            version = versions[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), (python, requirement, version)


def test_the_lock_of_ci_holds_what_the_image_installs():
    image, ci = (
        {f"{one}": hashes for one, hashes in pinned(name).items()}
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert image.items() <= ci.items()


def test_the_image_and_ci_install_by_hash():
    for place, lock in (
        ("docker/Dockerfile", "requirements.lock"),
        (".ci/run", "requirements-dev.lock"),
    ):
        commands = [
            line.strip()
            for line in (ROOT / place).read_text("utf-8").splitlines()
            if "pip install" in line and "--upgrade" not in line
        ]
        first, second = commands
        assert "--require-hashes" in first and first.endswith(lock)
        assert "--no-deps --no-build-isolation" in second
