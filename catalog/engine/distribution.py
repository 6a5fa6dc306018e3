"""The pinned Elasticsearch distribution: found by its coordinate, checked while it streams,
unpacked, renamed into place.

The repository is the default one of the `maven-artifact` library, or the mirror or local zip that
the setting or `$CATALOG_ELASTICSEARCH_DISTRIBUTION` names. The `requests` library does the
transfer: proxy variables are honoured. Both are imported when something is downloaded: a node that
runs needs neither, and they cost CPU at every start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.engine.failures import system_errors
from catalog.engine.folders import require_space
from catalog.engine.integrity import check_files
from catalog.engine.start_progress import SilentProgress, StartProgress
from catalog.errors import NodeError

if TYPE_CHECKING:
    import requests
    from maven_artifact.resolver import Resolver

VERSION = "9.2.4"
GROUP = "org.elasticsearch.distribution.integ-test-zip"
COORDINATE = f"{GROUP}:elasticsearch:{VERSION}@zip"
SIZE = 100_213_852
SHA512 = (
    "5da6465950f7d26ca293794ead3d840f0698ce99bb15b5db7d10c19199e3431d"
    "ba21c83c737f4befa4fc282e12e5f215343a4cb7da52ac85e52b0c488e7b7057"
)
TREE_SHA256 = "eaa2e05d7606e1b8334cc6bad55974b837780804faa032ed4d899d28f983349a"
"""Of the files in it; see `integrity.tree_digest`."""
NAME = f"elasticsearch-{VERSION}"
DISTRIBUTION_VARIABLE = "CATALOG_ELASTICSEARCH_DISTRIBUTION"

_NEEDED_MB = 400  # zip, its contents, a copy of the Java runtime, first data
_ATTEMPTS = 3
_BLOCK = 1 << 18
_PARTIAL = ".partial-"
_HINT = (
    f"Check the network and proxy, or have {COORDINATE} fetched elsewhere and name the zip file, "
    "or a mirror's address, "
    f"in the setting elasticsearch_distribution or in {DISTRIBUTION_VARIABLE}."
)


def install(dist: Path, source: str | None = None, progress: StartProgress | None = None) -> Path:
    """The unpacked distribution's folder below `dist`;
    downloaded and unpacked first if it is not there.

    `source` is a local zip or the address of a mirror repository. The caller holds the home
    folder's lock. Raises NodeError where the files that are there are not those of the archive.
    """
    target = dist / NAME
    if target.is_dir():
        check_files(target, TREE_SHA256)
        return target
    show = progress or SilentProgress()
    with system_errors("create the folder", dist):
        dist.mkdir(mode=0o755, exist_ok=True)
        dist.chmod(0o755)
    _remove_leftovers(dist)
    require_space(dist, _NEEDED_MB, f"Elasticsearch {VERSION}")
    local = _local_zip(source)
    archive = local or fetch(dist, source, show)
    try:
        if local:
            show.step(f"checking {local}")
            _check(local)
        show.step(f"unpacking Elasticsearch {VERSION}")
        _unpack(archive, target)
    finally:
        if not local:
            archive.unlink(missing_ok=True)
    check_files(target, TREE_SHA256)
    return target


def is_installed(dist: Path) -> bool:
    """Whether the distribution of this version is unpacked below a folder."""
    return (dist / NAME).is_dir()


def fetch(
    target_dir: Path, source: str | None = None, progress: StartProgress | None = None
) -> Path:
    """The checked zip in `target_dir`, downloaded unless it is there already;
    safe to call from several programs.

    `source` is the address of a mirror repository; None takes `$CATALOG_ELASTICSEARCH_DISTRIBUTION`
    or the default one.
    """
    from filelock import FileLock

    show = progress or SilentProgress()
    target = target_dir / f"{NAME}.zip"
    with system_errors("create the folder", target_dir):
        target_dir.mkdir(parents=True, exist_ok=True)
    with system_errors("lock", target_dir / ".fetch.lock"), FileLock(target_dir / ".fetch.lock"):
        if target.is_file() and target.stat().st_size == SIZE and _digest(target) == SHA512:
            return target
        _remove_leftovers(target_dir)
        require_space(
            target_dir, SIZE // 1_000_000 + 20, f"the download of Elasticsearch {VERSION}"
        )
        show.step(f"downloading Elasticsearch {VERSION} ({SIZE // 1_000_000} MB, once)")
        _download(target, _resolver(source), show)
    return target


def _named(source: str | None) -> str:
    return source or os.environ.get(DISTRIBUTION_VARIABLE, "")


def _is_address(named: str) -> bool:
    return named.lower().startswith(("http://", "https://"))


def _local_zip(source: str | None) -> Path | None:
    named = _named(source)
    if not named or _is_address(named):
        return None
    path = Path(named).expanduser()
    if not path.is_file():
        raise NodeError(
            f"The Elasticsearch distribution {path} is not there, or is not a file.",
            hint=f"Name the zip of {COORDINATE} in elasticsearch_distribution or "
            f"{DISTRIBUTION_VARIABLE}, or unset both.",
        )
    return path


def _resolver(source: str | None) -> Resolver:
    from maven_artifact.requestor import Requestor
    from maven_artifact.resolver import Resolver

    named = _named(source)
    if _is_address(named):
        return Resolver(named, Requestor())  # type: ignore[no-untyped-call, unused-ignore]
    return Resolver.default()  # type: ignore[no-untyped-call, no-any-return, unused-ignore]


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.glob(f"{_PARTIAL}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _download(target: Path, resolver: Resolver, progress: StartProgress) -> None:
    """Stream to a temporary name beside `target`;
    a connection that breaks off is tried again from the start.
    """
    with system_errors("write", target):
        handle, name = tempfile.mkstemp(prefix=_PARTIAL, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            _transfer(resolver, temporary, progress)
            temporary.chmod(0o644)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def _transfer(resolver: Resolver, temporary: Path, progress: StartProgress) -> None:
    import requests
    from maven_artifact.artifact import Artifact

    broken_off = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ReadTimeout)
    address = Artifact(GROUP, "elasticsearch", VERSION, extension="zip").uri(resolver.base)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with resolver.requestor.request(
                address, None, stream=True, timeout=(15, 60)
            ) as response:
                digest = _stream(response, temporary, progress)
        except broken_off as error:
            if attempt == _ATTEMPTS:
                raise _no_download(address, error) from error
            progress.step(f"the download broke off, trying again ({attempt + 1} of {_ATTEMPTS})")
            time.sleep(attempt)
        except requests.RequestException as error:
            raise _no_download(address, error) from error
        else:
            _require(digest, address)
            return


def _stream(response: requests.Response, temporary: Path, progress: StartProgress) -> str:
    """Write the response to `temporary`, hash it on the way, and return its SHA-512 in hex."""
    digest, done = hashlib.sha512(), 0
    with temporary.open("wb") as file:
        for block in response.iter_content(_BLOCK):
            file.write(block)
            digest.update(block)
            done += len(block)
            progress.bytes(min(done, SIZE), SIZE)
            if done > SIZE:
                break  # not our file, whatever follows
    return digest.hexdigest()


def _no_download(address: str, error: requests.RequestException) -> NodeError:
    import requests

    if error.response is not None:
        reason = f"the server answers {error.response.status_code} {error.response.reason}"
    elif isinstance(error, requests.exceptions.ProxyError):
        reason = "the proxy does not let it through"
    elif isinstance(error, requests.exceptions.SSLError):
        reason = (
            "the server's certificate is not trusted (REQUESTS_CA_BUNDLE names another authority)"
        )
    elif isinstance(error, requests.exceptions.Timeout):
        reason = "no answer in time"
    elif isinstance(error, requests.exceptions.ChunkedEncodingError):
        reason = "the connection broke off again and again"
    elif isinstance(error, requests.exceptions.ConnectionError):
        reason = "no connection"
    else:
        reason = str(error)
    return NodeError(
        f"Elasticsearch {VERSION} could not be downloaded from {_without_secrets(address)}: "
        f"{reason}.",
        hint=_HINT,
    )


def _without_secrets(address: str) -> str:
    """The address without a user and password."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


def _check(path: Path) -> None:
    with system_errors("read", path):
        digest = _digest(path)
    _require(digest, str(path))


def _require(digest: str, origin: str) -> None:
    if digest != SHA512:
        raise NodeError(
            "The Elasticsearch distribution from "
            f"{_without_secrets(origin) if _is_address(origin) else origin} is not the "
            f"expected one: its SHA-512 is {digest[:16]}…, not {SHA512[:16]}…. Nothing of it was "
            "kept.",
            hint=f"Name a genuine copy of {COORDINATE} in elasticsearch_distribution or "
            f"{DISTRIBUTION_VARIABLE}, or unset both.",
        )


def _unpack(archive: Path, target: Path) -> None:
    """Unpack the checked zip beside `target`, readable for every user whatever the umask,
    then rename.
    """
    with system_errors("unpack to", target):
        temporary = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=target.parent))
        try:
            with zipfile.ZipFile(archive) as file:
                for member in file.infolist():
                    _open_to_all(Path(file.extract(member, temporary)))
            for script in (temporary / NAME / "bin").iterdir():
                script.chmod(0o755)
            (temporary / NAME).chmod(0o755)
            (temporary / NAME).replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _open_to_all(path: Path) -> None:
    """0755 for a folder; 0644 for a file,
    whose bytes are forced to the disk before the rename can be.
    """
    if stat.S_ISDIR(path.stat().st_mode):
        path.chmod(0o755)
        return
    path.chmod(0o644)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
