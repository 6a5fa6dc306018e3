"""Catalogs that earlier versions of the program made, kept as text: written down once,
and brought back in any test.

One file of JSON lines holds one catalog: what made it, its indexes with their mappings and
documents as Elasticsearch had them, and the files of its stores, journals and configuration.
`tests/keep_catalog.py` makes them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from running import Lab

FOLDER = Path(__file__).parent / "catalogs"
KEPT = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
COMPANIONS = ("events", "stores", "sources", "decisions", "handovers")
"""Those that a kept catalog has; later versions add others, which are empty then."""
SETTINGS = ("number_of_shards", "auto_expand_replicas", "translog", "mapping", "refresh_interval")
"""What is kept of the settings of an index; the rest is of the node that it lay on."""
PLACES = ("nas", "archive", "source", "staging", "home")
"""Folders of a lab that are kept, without what programs keep there for their own speed."""
SPEED = ("home/cache/", "home/data/", "home/state/dropbox/", "home/state/scratch/")


@dataclass
class Kept:
    """A kept catalog. `documents` are by what their index holds, then by id."""

    about: dict[str, Any] = field(default_factory=dict)
    indexes: dict[str, dict[str, Any]] = field(default_factory=dict)
    documents: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)

    @property
    def version(self) -> int:
        """The version of its schema."""
        return int(self.about["schema"])


def alias(lab: Lab, what: str) -> str:
    """The alias of an index by what it holds."""
    return lab.index if what == "assets" else f"{lab.index}-{what}"


def substitutes(lab: Lab) -> dict[str, str]:
    """What stands for the things of one test, in all texts that are kept."""
    assert lab.node
    node = lab.node
    return {
        "{folder}": str(lab.folder),
        "{index}": lab.index,
        "{url}": node.url,
        "{user}": node.user,
        "{password}": node.password,
    }


# --- writing down ---------------------------------------------------------------------------------


def write_down(lab: Lab, about: dict[str, Any], target: Path) -> None:
    """Keep the catalog of a lab."""
    lines = [{"what": "about", **about}, *_indexes(lab), *_files(lab.folder)]
    text = "".join(f"{json.dumps(line, ensure_ascii=False, sort_keys=True)}\n" for line in lines)
    for placeholder, value in sorted(substitutes(lab).items(), key=lambda pair: -len(pair[1])):
        text = text.replace(value, placeholder)
    target.write_text(text, "utf-8")


def _indexes(lab: Lab) -> Iterator[dict[str, Any]]:
    for what in ("assets", *COMPANIONS):
        ((_name, found),) = lab.ask("GET", alias(lab, what)).items()
        settings = {
            name: value for name, value in found["settings"]["index"].items() if name in SETTINGS
        }
        yield {"what": "index", "holds": what, "mappings": found["mappings"], "settings": settings}
        documents = lab.documents("" if what == "assets" else what)
        for key in sorted(documents):
            yield {"what": "document", "holds": what, "id": key, "source": documents[key]}


def _files(folder: Path) -> Iterator[dict[str, Any]]:
    """Files, each content once: before the first of its files."""
    seen: set[str] = set()
    for path in sorted(p for place in PLACES for p in (folder / place).rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if name.startswith(SPEED):
            continue
        data, status = path.read_bytes(), path.stat()
        digest = hashlib.sha256(data).hexdigest()[:12]
        if digest not in seen:
            yield {"what": "content", "key": digest, **_content(data)}
        seen.add(digest)
        yield {
            "what": "file",
            "path": name,
            "mode": status.st_mode & 0o777,
            "mtime_ns": status.st_mtime_ns,
            "content": digest,
        }


def _content(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


# --- bringing back --------------------------------------------------------------------------------


def read(name: str, lab: Lab) -> Kept:
    """A kept catalog as it would be in a lab."""
    text = (FOLDER / f"{name}.jsonl").read_text("utf-8")
    for placeholder, value in substitutes(lab).items():
        text = text.replace(placeholder, value)
    kept = Kept()
    for line in map(json.loads, text.splitlines()):
        what = line.pop("what")
        if what == "about":
            kept.about = line
        elif what == "index":
            kept.indexes[line.pop("holds")] = line
        elif what == "document":
            kept.documents.setdefault(line["holds"], {})[line["id"]] = line["source"]
        elif what == "content":
            data = base64.b64decode(line["base64"]) if "base64" in line else line["text"].encode()
            kept.contents[line["key"]] = data
        else:
            kept.files.append(line)
    return kept


def bring_back(name: str, lab: Lab) -> Kept:
    """The catalog in a lab: its files, its indexes under their old names,
    and what the lab's commands need to use it.
    """
    kept = read(name, lab)
    for file in kept.files:
        path = lab.folder / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(kept.contents[file["content"]])
        path.chmod(file["mode"])
        os.utime(path, ns=(file["mtime_ns"], file["mtime_ns"]))
    _renumber(kept, lab)
    for what, index in kept.indexes.items():
        body = {"aliases": {alias(lab, what): {}}, **index}
        made = lab.ask("PUT", f"{alias(lab, what)}-v{kept.version}", json=body)
        assert made.get("acknowledged"), made
        _load(lab, alias(lab, what), kept.documents.get(what, {}))
    return kept


def _renumber(kept: Kept, lab: Lab) -> None:
    """Give the rows of files that are there the device and inode that these have now:
    they are what was recorded.
    """
    roots = {
        name: record["root"]
        for name, record in kept.documents["stores"].items()
        if record["kind"] == "local"
    }
    for document in kept.documents["assets"].values():
        for row in (*document.get("copies", []), *document.get("sidecars", [])):
            path = Path(roots.get(row["store"], lab.folder / "none")) / row["path"]
            if "inode" in row and path.is_file():
                row |= {"device": path.stat().st_dev, "inode": path.stat().st_ino}


def _load(lab: Lab, index: str, documents: dict[str, dict[str, Any]]) -> None:
    lines = [
        json.dumps(line)
        for key, source in documents.items()
        for line in ({"create": {"_index": index, "_id": key}}, source)
    ]
    if lines:
        headers = {"content-type": "application/x-ndjson"}
        reply = lab.ask("POST", "_bulk?refresh=true", data="\n".join(lines) + "\n", headers=headers)
        assert not reply["errors"], reply
