"""What goes out to a terminal: nothing in names, settings, errors and logs can steer it."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil

import pytest
from running import Done, Lab, jpeg, put

STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What a terminal may obey; but for the end of a line."""
ODD = "\x1b]0;mine\x07\x1b[31m\x9b2J\x7f\r\u202egpj.\u2066\u200f\u2028\x85two\nlines"
SAID = r"\x1b]0;mine\x07\x1b[31m\x9b2J\x7f\r\u202egpj.\u2066\u200f\u2028\x85two\nlines"


def check(done: Done) -> Done:
    """The command as it ended, whose output steers nothing."""
    for what, text in (("out", done.out), ("err", done.err)):
        # the test's own reader turned ends of lines; names with such are told apart below
        assert not (found := STEERING.findall(text)), (what, found, text)
        assert "\nlines" not in text, "a line stays one line"
    return done


@pytest.fixture
def odd(lab: Lab) -> Lab:
    """A catalog in a folder with such a name, of files with such names."""
    lab.root = lab.folder / f"nas {ODD}"
    byte = os.fsdecode(b"\x9b\xff.jpg")
    put(lab.source, {f"{ODD}.jpg": jpeg("a"), byte: jpeg("b"), f"bad {ODD}.jpg": b"no photo"})
    put(lab.source, {f"{ODD}.txt": b"text", f"a{ODD}/{ODD}.jpg": jpeg("c", taken=None)})
    return lab


@pytest.mark.parametrize("style", [(), ("--json",), ("--verbose",), ("--dryrun",)])
def test_a_run_says_names_and_reasons_without_their_escapes(odd: Lab, style: tuple[str, ...]):
    upload = ("upload_to_nas_from_disk", odd.source, "-r", "--nas_root", odd.root)
    done = check(odd.run(*upload, *style))
    assert done.status == 0
    if style == ("--json",):
        paths = {json.loads(line).get("path") for line in done.out.splitlines()}
        assert f"bad {ODD}.jpg" in paths, "a program gets the very name"
        assert r"\u009b2J\u007f" in done.out and r"\u202egpj" in done.out
    else:
        assert f"bad {SAID}.jpg" in done.err


def test_every_answer_is_free_of_escapes(odd: Lab):
    odd.run("upload_to_nas_from_disk", odd.source, "-r", "--nas_root", odd.root)
    root = ("--nas_root", odd.root)
    digests = sorted(odd.documents())
    for command in (
        *(["status"], ["search"], ["show", digests[0]], ["show", digests[1]], ["history"]),
        *(["doctor", *root], ["copies"], ["check"], ["verify", *root], ["duplicates"]),
        *(["store", "list"], ["trash", "list"], ["history", "--runs"], ["engine", "status"]),
        *(["tag", f"nas:{ODD}", "x"], ["search", f"city:{ODD}"], ["show", ODD]),
        *(["mirror", ODD, "nas"], ["store", "add", "far", f"{odd.folder}/{ODD}"], [ODD]),
        *(["undo", ODD], ["export", f"{odd.folder}/{ODD}/x"], ["import", ODD]),
        *(["resolve", ODD], ["status", "--config", ODD]),
        *(["search", "--nas_root", ODD], [f"--{ODD}"], ["set", digests[0], f"title={ODD}"]),
        ["set", digests[0], f"{ODD}=1"],
    ):
        check(odd.catalog(*command))
        check(odd.catalog(*command, "--json"))
    for program, *rest in (
        ("sync_catalog_with_disk", *root),
        ("delete_from_directory_if_in_catalog", odd.source, "-r", "--dryrun", *root),
        ("delete_ids", ODD),
        ("check_copies", odd.source, odd.root),
        ("check_old_catalog_structure", odd.root),
        ("list_all_file_types", "-r", odd.source),
        ("images_in_directory", "-r", odd.source),
        ("images_in_directory", "-r", odd.source, "--format", "jsonl"),
    ):
        check(odd.run(program, *rest))


@pytest.mark.parametrize("broken", ["away", "a file"])
def test_an_error_says_the_root_without_its_escapes(odd: Lab, broken: str):
    odd.run("upload_to_nas_from_disk", odd.source, "-r", "--nas_root", odd.root)
    shutil.rmtree(odd.root)
    if broken == "a file":
        odd.root.write_text("")
    for command in (["doctor"], ["verify"], ["check"]):
        check(odd.catalog(*command, *(["--nas_root", odd.root] if command != ["check"] else [])))
    done = check(odd.run("sync_catalog_with_disk", "--nas_root", odd.root))
    assert done.status == 4 and SAID in done.err


def test_what_is_shown_to_a_person_is_escaped_and_what_is_piped_is_as_it_is(odd: Lab):
    odd.run("upload_to_nas_from_disk", odd.source, "-r", "--nas_root", odd.root)
    for command in (
        ["search", "--format", "paths"],
        ["search", "--format", "paths", "-0"],
        ["export", "-"],
        ["search", "--format", "jsonl"],
    ):
        _status, shown = odd.answer("", "catalog", *command)
        assert not STEERING.search(shown.replace("\r\n", "\n")), command
    table = ("images_in_directory", odd.source, "--format", "csv")
    _status, shown = odd.answer("", *table)
    assert not STEERING.search(shown.replace("\r\n", "\n"))
    assert "\x1b]0;mine\x07" in odd.run(*table).out
    assert "\x1b]0;mine\x07" in odd.catalog("search", "--format", "paths").out


def test_a_log_line_is_escaped(capsys: pytest.CaptureFixture[str]):
    from catalog.cli.console import Console

    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers.clear()
    try:
        Console().workspace()
        logging.getLogger("catalog.test").warning("%s", f"at {ODD}")
    finally:
        root.handlers[:] = before
    assert capsys.readouterr().err == f"at {SAID}\n"


def test_an_unexpected_error_is_escaped(capsys: pytest.CaptureFixture[str]):
    from catalog.cli.terminal import complain_of_fault

    try:
        raise AssertionError(ODD)
    except AssertionError as error:
        complain_of_fault(type(error), error, error.__traceback__)
    text = capsys.readouterr().err
    assert text.startswith("Traceback") and not STEERING.search(text)
