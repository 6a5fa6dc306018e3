"""Uploads in one call and in sessions."""

from __future__ import annotations

from collections.abc import Iterable

from ..content import Segment
from ..errors import RouteError, union
from ..services import Call, inside
from ..sessions import Piece, whole
from ..tree import Commit, Json, Node, Written
from .registry import CONTENT_WRITE, route


def _put(call: Call, arg: Json, segments: Iterable[Segment], size: int, content_hash: str) -> Node:
    """Write a file as a CommitInfo says; raises a WriteError."""
    if arg["path"] == "/":
        raise RouteError(union("malformed_path"))
    mode = arg["mode"]
    commit = Commit(
        call.resolve(arg["path"]),
        mode[".tag"],
        mode.get("update"),
        arg["autorename"],
        arg["strict_conflict"],
    )
    modified = (
        call.account.state.now() if arg["client_modified"] is None else arg["client_modified"]
    )
    content = call.account.state.add_content(segments)
    return call.account.tree.put(commit, Written(content, size, content_hash, modified))


def _check_hash(call: Call) -> None:
    wanted = call.arg.get("content_hash")
    if wanted is not None and wanted.lower() != call.body.hash:
        raise RouteError(union("content_hash_mismatch"))


@route("files/upload", "files/alpha/upload", scope=CONTENT_WRITE)
def upload(call: Call) -> Json:
    """One file in one call; what cannot be saved stays in an upload session that the
    error names.
    """
    _check_hash(call)
    body, account = call.body, call.account
    account.state.adopt(body)
    try:
        with account.state.attempt():
            node = _put(call, call.arg, body.segments(), body.size, body.hash)
    except RouteError as error:
        session = account.sessions.start(concurrent=False, closed=False)
        account.sessions.append(session, 0, whole(body), close=True)
        failed = {".tag": "path", "reason": error.error, "upload_session_id": session}
        raise RouteError(failed, keep=True) from None
    return call.tell(node, tagged=False)


@route("files/upload_session/start", scope=CONTENT_WRITE)
def start(call: Call) -> Json:
    """A session, sequential ones with their first bytes."""
    concurrent = _concurrent(call.arg)
    if concurrent and call.body.size:
        raise RouteError(union("concurrent_session_data_not_allowed"))
    if concurrent and call.arg["close"]:
        raise RouteError(union("concurrent_session_close_not_allowed"))
    _check_hash(call)
    session = call.account.sessions.start(concurrent=concurrent, closed=False)
    if not concurrent:
        call.account.sessions.append(session, 0, whole(call.body), close=call.arg["close"])
    return {"session_id": session}


def _concurrent(arg: Json) -> bool:
    kind = arg["session_type"]
    return kind is not None and kind[".tag"] == "concurrent"


@route("files/upload_session/start_batch", scope=CONTENT_WRITE)
def start_batch(call: Call) -> Json:
    """Many empty sessions."""
    sessions, concurrent = call.account.sessions, _concurrent(call.arg)
    return {
        "session_ids": [
            sessions.start(concurrent=concurrent, closed=False)
            for _ in range(call.arg["num_sessions"])
        ]
    }


@route("files/upload_session/append_v2", scope=CONTENT_WRITE)
def append(call: Call) -> None:
    """More bytes of a session."""
    cursor, sessions = call.arg["cursor"], call.account.sessions
    sessions.check_append(
        cursor["session_id"], cursor["offset"], call.body.size, close=call.arg["close"]
    )
    _check_hash(call)
    sessions.append(
        cursor["session_id"], cursor["offset"], whole(call.body), close=call.arg["close"]
    )


@route("files/upload_session/append", scope=CONTENT_WRITE)
def append_old(call: Call) -> None:
    """The old form: the cursor's fields are the argument."""
    call.account.sessions.append(
        call.arg["session_id"], call.arg["offset"], whole(call.body), close=False
    )


@route("files/upload_session/append_batch", scope=CONTENT_WRITE)
def append_batch(call: Call) -> Json:
    """Bytes for many sessions in one body, one after another; each with its own result."""
    if sum(entry["length"] for entry in call.arg["entries"]) != call.body.size:
        raise RouteError(union("length_mismatch"))
    _check_hash(call)
    entries: list[Json] = []
    base = 0
    for number, entry in enumerate(call.arg["entries"]):
        piece = Piece(call.body, base, entry["length"], None)
        base += entry["length"]
        try:
            _fail(call, number)
            with call.account.state.attempt():
                cursor = entry["cursor"]
                call.account.sessions.append(
                    cursor["session_id"], cursor["offset"], piece, close=entry["close"]
                )
        except RouteError as error:
            entries.append({".tag": "failure", "failure": error.error})
        else:
            entries.append({".tag": "success"})
    return {"entries": entries}


def _fail(call: Call, number: int) -> None:
    fault = call.entry_fault(number)
    if fault is not None:
        raise RouteError(fault)


@route("files/upload_session/finish", scope=CONTENT_WRITE)
def finish(call: Call) -> Json:
    """The last bytes, and the session becomes a file; where that cannot be saved,
    the bytes stay in the session.
    """
    cursor, body, sessions = call.arg["cursor"], call.body, call.account.sessions
    session, offset = cursor["session_id"], cursor["offset"]
    sessions.check_finish(session, offset, body.size, must_be_closed=False)
    if body.size:
        with inside("lookup_failed"):
            sessions.check_append(session, offset, body.size, close=True)
    _check_hash(call)
    if body.size:
        sessions.append(session, offset, whole(body), close=False)
    try:
        with call.account.state.attempt():
            return _commit(call, session, offset + body.size, call.arg["commit"])
    except RouteError as error:
        raise RouteError(error.error, keep=True) from None


def _commit(call: Call, session: str, size: int, commit: Json) -> Json:
    segments, content_hash = call.account.sessions.content(session)
    with inside("path"):
        node = _put(call, commit, segments, size, content_hash)
    call.account.sessions.commit(session)
    return call.tell(node, tagged=False)


def _finish_all(call: Call) -> list[Json]:
    entries: list[Json] = []
    for number, entry in enumerate(call.arg["entries"]):
        session, offset = entry["cursor"]["session_id"], entry["cursor"]["offset"]
        try:
            _fail(call, number)
            with call.account.state.attempt():
                call.account.sessions.check_finish(session, offset, 0, must_be_closed=True)
                told = _commit(call, session, offset, entry["commit"])
        except RouteError as error:
            entries.append({".tag": "failure", "failure": error.error})
        else:
            entries.append({".tag": "success", **told})
    return entries


@route("files/upload_session/finish_batch_v2", scope=CONTENT_WRITE)
def finish_batch_v2(call: Call) -> Json:
    """Many sessions become files, each with its own result."""
    return {"entries": _finish_all(call)}


@route("files/upload_session/finish_batch", scope=CONTENT_WRITE)
def finish_batch(call: Call) -> Json:
    """The same as a job."""
    return call.account.jobs.launch(
        "finish_batch", {".tag": "complete", "entries": _finish_all(call)}, always_async=True
    )


@route("files/upload_session/finish_batch/check", scope=CONTENT_WRITE)
def finish_batch_check(call: Call) -> Json:
    """How a batch of sessions is getting on."""
    return call.account.jobs.check("finish_batch", call.arg["async_job_id"])


@route("files/paper/create", scope=CONTENT_WRITE)
def paper_create(call: Call) -> Json:
    """A Paper document: a file that cannot be downloaded, only exported."""
    if not call.arg["path"].lower().endswith(".paper"):
        raise RouteError(union("invalid_file_extension"))
    kind = "html" if call.arg["import_format"][".tag"] == "html" else "markdown"
    state, tree, body = call.account.state, call.account.tree, call.body
    state.adopt(body)
    try:
        commit = Commit(call.resolve(call.arg["path"]), "add", None, autorename=True, strict=True)
        node = tree.put(
            commit,
            Written(state.add_content(body.segments()), body.size, body.hash, state.now(), kind),
        )
    except RouteError:
        raise RouteError(union("invalid_path")) from None
    told = call.tell(node)
    url = f"https://www.dropbox.com/scl/fi/{node['id'][3:]}/{told['name']}"
    return {
        "url": url,
        "result_path": told["path_display"],
        "file_id": node["id"],
        "paper_revision": 1,
    }


@route("files/save_url", scope=CONTENT_WRITE)
def save_url(call: Call) -> Json:
    """A job that fails: the emulator fetches nothing from anywhere."""
    with inside("path"):
        call.resolve(call.arg["path"])
    if not call.arg["url"].startswith(("http://", "https://")):
        raise RouteError(union("invalid_url"))
    return call.account.jobs.launch(
        "save_url", {".tag": "failed", "failed": union("download_failed")}, always_async=True
    )


@route("files/save_url/check_job_status", scope=CONTENT_WRITE)
def save_url_check(call: Call) -> Json:
    """How a download is getting on."""
    return call.account.jobs.check("save_url", call.arg["async_job_id"])
