"""Moving and copying, one by one and in batches."""

from __future__ import annotations

from .. import paths
from ..errors import RouteError, union
from ..services import Call, inside
from ..tree import Json
from .registry import CONTENT_WRITE, route


def _relocate(call: Call, entry: Json, *, copy: bool, autorename: bool) -> Json:
    with inside("from_lookup"):
        if entry["from_path"] == "/":
            raise RouteError(union("malformed_path"))
        source = call.locate(entry["from_path"])
    with inside("to"):
        target = call.resolve(entry["to_path"])
    return call.tell(call.account.tree.relocate(source, target, copy=copy, autorename=autorename))


@route("files/move", "files/copy", scope=CONTENT_WRITE)
def relocate(call: Call) -> Json:
    """The metadata itself: the old form."""
    return _relocate(
        call, call.arg, copy=call.route.startswith("files/copy"), autorename=call.arg["autorename"]
    )


@route("files/move_v2", "files/copy_v2", scope=CONTENT_WRITE)
def relocate_v2(call: Call) -> Json:
    """Moves or copies an entry with all below it."""
    return {"metadata": relocate(call)}


@route("files/move_batch_v2", "files/copy_batch_v2", scope=CONTENT_WRITE)
def relocate_batch_v2(call: Call) -> Json:
    """Many moves or copies, each with its own result;
    changes of case only are not supported here.
    """
    copy = call.route.startswith("files/copy")
    refused = _clashes(call.arg["entries"], copy=copy)
    entries: list[Json] = []
    for number, entry in enumerate(call.arg["entries"]):
        fault = call.entry_fault(number)
        if fault is not None:
            entries.append({".tag": "failure", "failure": fault})
            continue
        try:
            if number in refused:
                raise RouteError(union("duplicated_or_nested_paths"))
            with call.account.state.attempt():
                told = _relocate(call, entry, copy=copy, autorename=call.arg["autorename"])
        except RouteError as error:
            failure = {".tag": "relocation_error", "relocation_error": error.error}
            entries.append({".tag": "failure", "failure": failure})
        else:
            entries.append({".tag": "success", "success": told})
    return call.account.jobs.launch(_kind(copy=copy), {".tag": "complete", "entries": entries})


def _kind(*, copy: bool) -> str:
    return "copy_batch_v2" if copy else "move_batch_v2"


def _clashes(entries: list[Json], *, copy: bool) -> set[int]:
    """The entries whose paths stand in another's way: the same target,
    or in moves a source twice or below another.
    """
    refused = set()
    targets: dict[str, int] = {}
    sources: dict[str, int] = {}
    for number, entry in enumerate(entries):
        source, target = paths.key_of(entry["from_path"]), paths.key_of(entry["to_path"])
        if targets.setdefault(target, number) != number or (not copy and source == target):
            refused.add(number)
        if not copy and sources.setdefault(source, number) != number:
            refused.add(number)
    if not copy:
        for source, number in sources.items():
            above = paths.parent_of(source)
            while above:
                if above in sources:
                    refused.add(number)
                above = paths.parent_of(above)
    return refused


@route("files/move_batch/check_v2", "files/copy_batch/check_v2", scope=CONTENT_WRITE)
def relocate_batch_check_v2(call: Call) -> Json:
    """How a batch is getting on."""
    return call.account.jobs.check(
        _kind(copy=call.route.startswith("files/copy")), call.arg["async_job_id"]
    )


@route("files/move_batch", "files/copy_batch", scope=CONTENT_WRITE)
def relocate_batch(call: Call) -> Json:
    """The old form: all of it or nothing of it."""
    copy = call.route.startswith("files/copy")
    entries: list[Json] = []
    try:
        with call.account.state.attempt():
            if _clashes(call.arg["entries"], copy=copy):
                raise RouteError(union("duplicated_or_nested_paths"))
            for entry in call.arg["entries"]:
                entries.append(
                    {
                        "metadata": _relocate(
                            call, entry, copy=copy, autorename=call.arg["autorename"]
                        )
                    }
                )
    except RouteError as error:
        result: Json = {".tag": "failed", "failed": error.error}
    else:
        result = {".tag": "complete", "entries": entries}
    return call.account.jobs.launch("copy_batch" if copy else "move_batch", result)


@route("files/move_batch/check", "files/copy_batch/check", scope=CONTENT_WRITE)
def relocate_batch_check(call: Call) -> Json:
    """How a batch of the old form is getting on."""
    kind = "copy_batch" if call.route.startswith("files/copy") else "move_batch"
    return call.account.jobs.check(kind, call.arg["async_job_id"])
