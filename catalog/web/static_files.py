"""The page's own files: scripts, styles, texts and libraries, as they lie in the package.

They are read once, at the start. Their address holds a digest of them all, so that a browser keeps
them for good, and asks anew after an update.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

IMMUTABLE = "public, max-age=31536000, immutable"
_COMPRESSED = (".js", ".mjs", ".css", ".json", ".svg", ".html", ".webmanifest", ".txt")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file's bytes, the same compressed where that is worth it, and its media type."""

    data: bytes
    compressed: bytes | None
    media_type: str


class StaticFiles:
    """The files below a folder, by their path in it."""

    def __init__(self, folder: Path) -> None:
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        digest = hashlib.sha256()
        for name, data in found.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
        self.version = digest.hexdigest()[:16]
        self._files = {name: self._file(name, data) for name, data in found.items()}

    def find(self, path: str) -> StaticFile | None:
        """A file by its path, with or without the version before it."""
        return self._files.get(path.removeprefix(f"{self.version}/"))

    def is_versioned(self, path: str) -> bool:
        """Whether a path names these very files, and no later ones."""
        return path.startswith(f"{self.version}/")

    def _file(self, name: str, data: bytes) -> StaticFile:
        suffix = Path(name).suffix
        guessed = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        if guessed.startswith("text/") and "charset" not in guessed:
            guessed += "; charset=utf-8"
        if suffix == ".html":
            data = data.replace(b'"/static/', f'"/static/{self.version}/'.encode())
        packed = gzip.compress(data, 9, mtime=0) if suffix in _COMPRESSED else None
        return StaticFile(data, packed if packed and len(packed) < len(data) else None, guessed)
