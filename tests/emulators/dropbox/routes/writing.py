"""Creating folders, deleting, restoring."""

from __future__ import annotations

from .. import paths
from ..errors import BadInput, RouteError, union
from ..services import Call, inside
from ..tree import MAX_ENTRIES, Json, Node
from .registry import CONTENT_WRITE, route


def _make(call: Call, path: str, *, autorename: bool) -> Json:
    with inside("path"):
        return call.tell(
            call.account.tree.make_folder(call.resolve(path), autorename=autorename), tagged=False
        )


@route("files/create_folder", scope=CONTENT_WRITE)
def create_folder(call: Call) -> Json:
    """FolderMetadata itself: the old form."""
    return _make(call, call.arg["path"], autorename=call.arg["autorename"])


@route("files/create_folder_v2", scope=CONTENT_WRITE)
def create_folder_v2(call: Call) -> Json:
    """A new folder with all the parents it needs."""
    return {"metadata": _make(call, call.arg["path"], autorename=call.arg["autorename"])}


@route("files/create_folder_batch", scope=CONTENT_WRITE)
def create_folder_batch(call: Call) -> Json:
    """Many folders, each with its own result."""
    entries: list[Json] = []
    for number, path in enumerate(call.arg["paths"]):
        try:
            _fail(call, number)
            with call.account.state.attempt():
                made = _make(call, path, autorename=call.arg["autorename"])
        except RouteError as error:
            entries.append({".tag": "failure", "failure": error.error})
        else:
            entries.append({".tag": "success", "metadata": made})
    result = {".tag": "complete", "entries": entries}
    return (
        call.account.jobs.launch("create_folder_batch", result)
        if call.arg["force_async"]
        else result
    )


def _fail(call: Call, number: int) -> None:
    fault = call.entry_fault(number)
    if fault is not None:
        raise RouteError(fault)


@route("files/create_folder_batch/check", scope=CONTENT_WRITE)
def create_folder_batch_check(call: Call) -> Json:
    """How a batch of folders is getting on."""
    return call.account.jobs.check("create_folder_batch", call.arg["async_job_id"])


def _delete(call: Call, arg: Json) -> Json:
    tree = call.account.tree
    with inside("path_lookup"):
        if arg["path"] in {"/", ""}:
            raise RouteError(union("malformed_path"))
        there = call.locate(arg["path"])
    _check_delete(call, there, arg["parent_rev"])
    told = call.tell(there)
    tree.delete(there)
    return told


def _check_delete(call: Call, there: Node, rev: str | None) -> None:
    tree = call.account.tree
    if call.account.home and there["key"] == paths.key_of(call.account.home):
        raise RouteError(union("path_write", "team_folder"))
    if rev is not None:
        if there["folder"]:
            raise RouteError(union("path_lookup", "not_file"))
        if there["rev"] != rev:
            raise RouteError(union("path_write", "conflict", "file"))
    if there["folder"] and tree.count_below(there["key"]) >= MAX_ENTRIES:
        raise RouteError(union("too_many_files"))


@route("files/delete", scope=CONTENT_WRITE)
def delete(call: Call) -> Json:
    """The metadata itself: the old form."""
    return _delete(call, call.arg)


@route("files/delete_v2", scope=CONTENT_WRITE)
def delete_v2(call: Call) -> Json:
    """Deletes a file, or a folder with all it holds; tells what was deleted."""
    return {"metadata": _delete(call, call.arg)}


@route("files/delete_batch", scope=CONTENT_WRITE)
def delete_batch(call: Call) -> Json:
    """Many deletions, each with its own result."""
    entries: list[Json] = []
    for number, arg in enumerate(call.arg["entries"]):
        try:
            _fail(call, number)
            with call.account.state.attempt():
                gone = _delete(call, arg)
        except RouteError as error:
            entries.append({".tag": "failure", "failure": error.error})
        else:
            entries.append({".tag": "success", "metadata": gone})
    return call.account.jobs.launch("delete_batch", {".tag": "complete", "entries": entries})


@route("files/delete_batch/check", scope=CONTENT_WRITE)
def delete_batch_check(call: Call) -> Json:
    """How a batch of deletions is getting on."""
    return call.account.jobs.check("delete_batch", call.arg["async_job_id"])


@route("files/permanently_delete", scope="files.permanent_delete")
def permanently_delete(call: Call) -> None:
    """Always refused: only team accounts have it."""
    raise BadInput(
        "Your app is not permitted to access this endpoint: only team accounts may delete "
        "permanently"
    )


@route("files/restore", scope=CONTENT_WRITE)
def restore(call: Call) -> Json:
    """A revision becomes the newest content of its path again."""
    tree = call.account.tree
    with inside("path_lookup"):
        path = call.resolve(call.arg["path"])
        if tree.find(path) is None and tree.grave(path) is None:
            raise RouteError(union("not_found"))
    revision = tree.revision(call.arg["rev"])
    if revision is None or revision["key"] != paths.key_of(path):
        raise RouteError(union("invalid_revision"))
    with inside("path_write"):
        return call.tell(tree.restore(path, revision), tagged=False)
