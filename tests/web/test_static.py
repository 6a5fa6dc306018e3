"""The files of the page: their size, their words, and what others wrote."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from stand import STATIC

LAZY = {"viewer.js", "facts.js", "panorama.js", "motion.js", "login.js"}
SCRIPTS = sorted(STATIC.glob("*.js"))
PAGES = sorted(STATIC.glob("*.html"))
TEXTS = {path.stem: json.loads(path.read_text("utf-8")) for path in STATIC.glob("texts/*.json")}
VENDORED: list[dict[str, Any]] = json.loads((STATIC / "vendored.json").read_text("utf-8"))


def test_shell_and_grid_are_at_most_30_kb_of_script():
    sizes = {p.name: len(gzip.compress(p.read_bytes(), 9)) for p in SCRIPTS if p.name not in LAZY}
    assert "grid.js" in sizes and sum(sizes.values()) <= 30_000


def test_the_page_loads_ahead_exactly_what_it_begins_with():
    ahead = set(
        re.findall(r'modulepreload" href="/static/(\w+\.js)"', (STATIC / "index.html").read_text())
    )
    needed, queue = set(), ["main.js"]
    while queue:
        script = (STATIC / queue.pop()).read_text("utf-8")
        found = set(re.findall(r'from "\./(\w+\.js)";', script, re.M)) - needed
        needed |= found
        queue += found
    assert ahead == needed
    assert not needed & LAZY


def test_no_page_has_script_or_style_within_it():
    for path in PAGES:
        page = path.read_text("utf-8")
        assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", page), path.name
    for path in SCRIPTS:
        assert not re.search(
            r"innerHTML|insertAdjacentHTML|outerHTML|document\.write|\beval\(",
            path.read_text("utf-8"),
        ), path.name


def test_no_language_lacks_a_text_or_has_one_too_many():
    assert set(TEXTS) == {"en", "de", "nl"}
    for language, texts in TEXTS.items():
        assert list(texts) == list(TEXTS["en"]), language
        assert all(texts.values()), language
        for key, text in texts.items():
            names = re.findall(r"\{\w+\}", text)
            assert sorted(names) == sorted(re.findall(r"\{\w+\}", TEXTS["en"][key])), (
                language,
                key,
            )


def test_every_text_is_used_and_every_used_text_is_there():
    code = "\n".join(path.read_text("utf-8") for path in SCRIPTS + PAGES)
    used = set(re.findall(r'"([\w.]+)"', code))
    plural = {key.rsplit(".", 1)[0] for key in TEXTS["en"] if key.endswith((".one", ".other"))}
    known = {key for key in TEXTS["en"] if key.rsplit(".", 1)[0] not in plural} | plural
    assert known - used == set()
    asked = set(
        re.findall(r'\bt\("([\w.]+)"|\btn\("([\w.]+)"|data-(?:text|label|hint)="([\w.]+)"', code)
    )
    assert {next(filter(None, one)) for one in asked} - known == set()


def test_what_others_wrote_is_in_the_table_as_it_is():
    listed = {one["file"]: one["sha256"] for one in VENDORED}
    there = {
        f"vendor/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (STATIC / "vendor").iterdir()
    }
    assert there == listed
    for one in VENDORED:
        licence = (STATIC / one["licence_file"]).read_text("utf-8")
        assert "MIT" in licence and one["licence"] == "MIT"


@pytest.mark.parametrize(
    "package", sorted({f"{one['package']}@{one['version']}" for one in VENDORED})
)
def test_what_others_wrote_is_what_they_published(package: str, tmp_path: Path):
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: the files are compared with the table alone")
    done = subprocess.run(
        [npm, "pack", "--silent", "--fetch-retries=0", "--fetch-timeout=20000", package],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        pytest.skip(f"the package cannot be fetched: {done.stderr.strip()[-200:]}")
    archive = next(tmp_path.glob("*.tgz"))
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as files:
        for one in VENDORED:
            if f"{one['package']}@{one['version']}" != package:
                continue
            found = files.extractfile(f"package/{one['path']}")
            assert found is not None
            assert found.read() == (STATIC / one["file"]).read_bytes()


def test_every_key_of_the_list_is_in_the_documentation():
    table = (STATIC.parents[2] / "docs" / "gallery.md").read_text("utf-8").split("## Keys")[1]
    listed = re.search(r"const KEYS = \[(.*?)\];", (STATIC / "shell.js").read_text("utf-8"), re.S)
    assert listed
    for keys in re.findall(r'\["(.*?)",', listed[1]):
        for key in re.split(r" +", keys.replace("Page ", "Page_")):
            assert f"`{key.replace('_', ' ')}`" in table, key
