"""The test processes of a run, and fixtures that several suites share: a real Elasticsearch for all
of them, and index names of a test's own.
"""
# ruff: noqa: E402 - where the process stands is settled before anything may look at it

from __future__ import annotations

import os
import sys
import time

ZONES = ("Pacific/Kiritimati", "America/St_Johns", "Europe/Brussels", "UTC")
LANGUAGES = ("C", "")


def _place(number: int) -> dict[str, str]:
    """Zone and language of the nth test process: nothing may depend on where the machine stands."""
    place = {"TZ": ZONES[number % len(ZONES)], "LC_ALL": LANGUAGES[number % len(LANGUAGES)]}
    return {name: value for name, value in place.items() if value and name not in os.environ}


_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
if _WORKER:
    os.environ |= _place(int(_WORKER.removeprefix("gw")))
    time.tzset()

# what is started again and again, as the program is, is compiled once
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import gc
import random
import signal
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chance
import hypothesis.core
import pytest
import requests
import running
import shared_node
from emulators.dropbox import Emulator
from emulators.nextcloud import Emulator as Nextcloud
from hypothesis import is_hypothesis_test, settings
from memory_store.root import KIND, MemoryKind
from running import Lab
from time_limits import time_limit

from catalog.engine import LocalNode, NodeAddress
from catalog.stores import registry

if TYPE_CHECKING:
    from emulators.plain_webdav import PlainWebdav

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # a suite that runs in the background; what it starts would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.register_profile("long", max_examples=100 * chance.LONGER, deadline=None)

registry.register(KIND)

FOLDER = pytest.StashKey[Path]()
SECONDS = 120.0
"""What a test may take that is not marked with another time limit."""
NODE_SECONDS = 400.0
"""What one may take that starts a node of its own, where the machine does much else."""


# --- the run and its processes --------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a long run, and of one that trusts no stand-in."""
    about = (
        "tests/contract/features with a real Elasticsearch, not with the index that lies in memory"
    )
    parser.addoption("--real", action="store_true", help=about)
    about = "run only what is left to chance, ten times as long"
    parser.addoption("--long", action="store_true", help=about)
    about = "what a long run begins with: that of an earlier one, which it then repeats"
    parser.addoption("--seed", type=int, default=random.randrange(1_000_000), help=about)


def pytest_configure(config: pytest.Config) -> None:
    """Every process knows whether the run is long, and the folder in which all of the run meet."""
    settings.load_profile("long" if config.option.long else "same every time")
    if config.option.long:
        chance.seed = hypothesis.core.global_force_seed = config.option.seed
    if _WORKER:
        config.stash[FOLDER] = Path(config.workerinput["folder"])  # type: ignore[attr-defined]
        return
    stack = ExitStack()
    config.stash[FOLDER] = stack.enter_context(shared_node.run_folder())
    config.add_cleanup(stack.close)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The folder, told to another test process."""
    node.workerinput["folder"] = str(node.config.stash[FOLDER])


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Where each test process stands, and how to repeat a long run."""
    processes = len(config.getoption("tx", None) or ())
    places = [f"gw{n}: {_shown(os.environ | _place(n))}" for n in range(processes)]
    lines = places or [f"here: {_shown(os.environ)}"]
    return [*lines, f"to repeat: --long --seed {chance.seed}"] if config.option.long else lines


def _shown(environment: Any) -> str:
    return " ".join(f"{name}={environment.get(name, '')}" for name in ("TZ", "LC_ALL"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """With each failure, where it came about."""
    report = yield
    if report.failed:
        report.sections.append(("Where", f"{_WORKER} {_shown(os.environ)}".strip()))
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test has so much time, which begins when Elasticsearch is there;
    what it leaves running ends with it.
    """
    if _needs_elasticsearch(item):
        with suppress(RuntimeError):  # which the fixture tells
            shared_node.address(item.config.stash[FOLDER])
    marker = item.get_closest_marker("time_limit")
    usual = NODE_SECONDS if "distribution_zip" in _fixtures(item) else SECONDS
    try:
        with time_limit(chance.times(marker.args[0] if marker else usual)):
            return (yield)
    finally:
        running.end_leftovers()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A long run leaves out what would be the same again."""
    if config.option.long:
        items[:] = [item for item in items if _is_chance(item)]


def _is_chance(item: pytest.Item) -> bool:
    function = getattr(item, "obj", None)
    return bool(item.get_closest_marker("chance")) or is_hypothesis_test(function)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Elasticsearch comes up while the first tests run; what is loaded by now stays, and is not
    looked through again and again for what could be let go of.
    """
    gc.freeze()
    if any(map(_needs_elasticsearch, session.items)) and not session.config.option.collectonly:
        shared_node.start(session.config.stash[FOLDER])


def _needs_elasticsearch(item: pytest.Item) -> bool:
    return "elasticsearch" in _fixtures(item) or item.get_closest_marker("node") is not None


def _fixtures(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())


# --- fixtures -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def open_folder() -> Callable[[], AbstractContextManager[Path]]:
    """`with open_folder() as folder:` a temporary folder that every user may pass through."""
    return shared_node.open_folder


@pytest.fixture(scope="session")
def ask() -> Callable[..., requests.Response]:
    """`ask(node, "GET", "_cluster/health", **options of requests)`:
    one request to a node with its password.
    """
    return shared_node.ask


@pytest.fixture(scope="session")
def distribution_zip() -> Path:
    """The Elasticsearch zip."""
    return shared_node.distribution_zip()


@pytest.fixture(scope="session")
def elasticsearch(pytestconfig: pytest.Config) -> NodeAddress:
    """The Elasticsearch of this run, which all its test processes share."""
    return shared_node.address(pytestconfig.stash[FOLDER])


@pytest.fixture(scope="session")
def spare_node(distribution_zip: Path) -> Iterator[LocalNode]:
    """A node of this test process alone, which may be stopped, killed, and lose its data; whoever
    needs it to run says so by `ensure_running`.
    """
    with shared_node.open_folder() as folder:
        home = shared_node.hasten(folder / "node")
        node = LocalNode(home, heap_mb=256, distribution=str(distribution_zip))
        yield node
        node.stop()


@pytest.fixture
def own(lab: Lab, spare_node: LocalNode, distribution_zip: Path) -> Lab:
    """A lab whose commands use the spare node as the program's own, and start it when they must."""
    lab.node = None
    lab.variables |= {
        "CATALOG_NODE_HOME": str(spare_node.home),
        "CATALOG_ELASTICSEARCH_DISTRIBUTION": str(distribution_zip),
        "CATALOG_ENGINE_HEAP_MB": str(spare_node.heap_mb),
    }
    return lab


@pytest.fixture(scope="session")
def es_node(elasticsearch: NodeAddress) -> NodeAddress:
    """Where the catalogs of tests lie; a folder of tests may have another one."""
    return elasticsearch


@pytest.fixture
def index_name(es_node: NodeAddress) -> Iterator[str]:
    """A name no other test has; every index of the session's node that begins with it is deleted
    afterwards.
    """
    name = f"test-{uuid.uuid4().hex}"
    yield name
    found = shared_node.ask(
        es_node,
        "GET",
        f"{name}*",
        params={"expand_wildcards": "all", "filter_path": "*.settings.index.uuid"},
    ).json()
    for index in found:
        assert index.startswith(
            name
        )  # an alias is shown by its index, which may be somebody else's
        shared_node.ask(es_node, "DELETE", index).raise_for_status()


@pytest.fixture
def memory() -> Iterator[MemoryKind]:
    """The kind of stores that lie in memory; its disks are gone afterwards."""
    yield KIND
    KIND.disks.clear()


@pytest.fixture
def lab(es_node: NodeAddress, index_name: str) -> Iterator[Lab]:
    """Folders, environment and index of the test's own, and the commands to use them."""
    with shared_node.open_folder() as folder:
        yield Lab(folder, es_node, index_name)


@pytest.fixture
def dropbox(lab: Lab) -> Iterator[Emulator]:
    """An empty Dropbox account that the lab's commands are logged in to,
    with /photos for the catalog.
    """
    with Emulator(lab.folder / "account") as emulator:
        lab.variables |= {
            "HTTPS_PROXY": emulator.proxy,
            "NO_PROXY": "",
            "no_proxy": "",
            "CATALOG_DBOX_FULL_TOKEN": emulator.token,
            "CATALOG_DROPBOX_CA_CERT": str(emulator.ca_file),
            "CATALOG_DROPBOX_ROOT": "/photos",
            "CATALOG_NAS_ROOT": str(lab.root),
        }
        yield emulator


@pytest.fixture
def nextcloud(tmp_path: Path) -> Iterator[Nextcloud]:
    """An empty account of a Nextcloud."""
    with Nextcloud(tmp_path / "nextcloud") as emulator:
        yield emulator


@pytest.fixture
def plain_webdav(tmp_path: Path) -> Iterator[PlainWebdav]:
    """A WebDAV server that others wrote, on an empty folder."""
    from emulators.plain_webdav import PlainWebdav

    with PlainWebdav(tmp_path / "webdav") as server:
        yield server
