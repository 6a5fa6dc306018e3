"""A store that seems far away: a folder whose listing states contents,
whose files are read in pieces, with thumbnails.
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pillow_heif
from PIL import Image, ImageOps

from catalog.domain.asset import Entry
from catalog.domain.checksums import CONTENT
from catalog.domain.fixity import content_hash
from catalog.errors import FixityMismatch, NotFound
from catalog.media.video.frames import key_frame
from catalog.stores.local.store import LocalStore
from catalog.stores.protocol import Capabilities, Store


class FarStore(LocalStore):
    """What it was asked is counted in `calls`; `log` has what was read, as (path, offset, bytes).

    `before` is called with the name of a call and its path first, and may raise or change things.
    """

    folder = None  # type: ignore[assignment]

    def __init__(self, name: str, root: Path, *, managed: bool = True) -> None:
        super().__init__(name, root, managed=managed)
        self.capabilities = Capabilities(
            (CONTENT,), server_side_copy=True, trash=managed, read_only=not managed, together=4
        )
        self.calls: Counter[str] = Counter()
        self.log: list[tuple[str, int, int]] = []
        self.batches: list[int] = []
        self.before: Callable[[str, str], None] = lambda _call, _path: None
        self._digests: dict[Entry, str] = {}
        self._counting = threading.Lock()

    def _count(self, call: str, path: str = "") -> None:
        with self._counting:
            self.calls[call] += 1
        self.before(call, path)

    def _stated(self, entry: Entry) -> Entry:
        """Without what only a disk knows, and with what such a store states."""
        if entry.problem:
            return entry
        if entry not in self._digests:
            self._digests[entry] = content_hash((self.root / entry.path).read_bytes())
        revision = f"{entry.device:x}.{entry.inode:x}.{entry.mtime_ns:x}"
        digest = self._digests[entry]
        return replace(
            entry, device=0, inode=0, ctime_ns=0, checksums={CONTENT: digest}, revision=revision
        )

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        self._count("list", prefix)
        return (self._stated(entry) for entry in super().list(prefix, recursive=recursive))

    def stat(self, path: str) -> Entry | None:
        self._count("stat", path)
        entry = super().stat(path)
        return None if entry is None else self._stated(entry)

    def checksum(self, path: str, *, anew: bool = False) -> str:
        self._count("checksum", path)
        return super().checksum(path, anew=anew)

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        self._count("open", path)
        return super().open(path, offset)

    def adopt(self, source: Store, path: str, target: str, checksum: str) -> Entry | None:
        if not isinstance(source, FarStore):
            return None
        self._count("adopt", path)
        entry = LocalStore.stat(source, path)
        if entry is None:
            raise NotFound(f"{path} is not there", store=source.name, path=path)
        if source._stated(entry).content_hash != checksum:
            raise FixityMismatch(f"{path} is another file now", store=source.name, path=path)
        with LocalStore.open(source, path) as stream:
            return super().put(target, stream, entry.size, entry.mtime_ns, checksum)

    def _there(self, path: str) -> Entry:
        """What such a store's answer to a write says, without another question."""
        entry = LocalStore.stat(self, path)
        assert entry is not None
        return self._stated(entry)

    def read_range(self, path: str, offset: int, length: int) -> bytes:
        self._count("read_range", path)
        with LocalStore.open(self, path, offset) as stream:
            data = stream.read(length)
        with self._counting:
            self.log.append((path, offset, len(data)))
        return data

    def thumbnails(self, paths: Sequence[str]) -> dict[str, bytes]:
        self._count("thumbnails")
        self.batches.append(len(paths))
        assert 0 < len(paths) <= 25
        found = {path: self._thumbnail(str(self.root / path)) for path in paths}
        return {path: data for path, data in found.items() if data}

    @staticmethod
    def _thumbnail(path: str) -> bytes:
        try:
            if path.lower().endswith(".heic"):
                picture: Image.Image = pillow_heif.open_heif(path).to_pillow()
            else:
                with Image.open(path) as opened:
                    picture = ImageOps.exif_transpose(opened)
        except Exception:  # then it is a clip, or has none
            found = key_frame(path)
            if found is None:
                return b""
            picture = found
        picture.thumbnail((640, 480))
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, "JPEG", quality=90)
        return buffer.getvalue()

    def fetched(self, path: str) -> int:
        """Bytes that were read of a file."""
        return sum(count for name, _offset, count in self.log if name == path)
