"""The indexes of a catalog: names, strict mappings and settings.

One catalog is an alias (default `catalog`) over a versioned concrete index, and beside it `-events`
(append-only history), `-stores` (known stores), `-sources` (files that
were read before), `-decisions` (what a person decided), `-handovers` (what was handed over to a
cloud) and `-access` (who may look at it on the web).

A schema has a version and a revision. Another version needs a copy of every document
(`migration.UPGRADES`); a revision only adds fields, which are put on the index in use, and which
documents lack until they are next written. Written for the core of Elasticsearch alone: no scripts,
no ingest, no optional modules.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from catalog.domain.checksums import KEPT

MARK = "image-catalog"
SCHEMA_VERSION = 4
REVISION = 4
"""Counts what was added to the mappings since that version, over all indexes;
0 again with the next version.
"""
ASSETS = "assets"
"""What the index behind the catalog's own alias holds."""
ACCESS = "access"
"""The companion that travels only where a person asks for it: it says who may come in."""
COMPANIONS = ("events", "stores", "sources", "decisions", "handovers", ACCESS)

Definition: TypeAlias = dict[str, Any]
"""A mapping, or another part of the request that makes an index, in Elasticsearch's own words."""
KEYWORD: Definition = {"type": "keyword"}
DATE: Definition = {"type": "date", "format": "strict_date_optional_time||epoch_millis"}
LONG: Definition = {"type": "long"}
INTEGER: Definition = {"type": "integer"}
FLOAT: Definition = {"type": "float"}
BOOLEAN: Definition = {"type": "boolean"}
TEXT: Definition = {
    "type": "text",
    "fields": {"keyword": {"type": "keyword", "ignore_above": 1024}},
}
HASH_BITS: Definition = {
    "type": "dense_vector",
    "element_type": "bit",
    "dims": 64,
    "index": True,
    "similarity": "l2_norm",
    "index_options": {"type": "flat"},
}
STORED: Definition = {"type": "object", "enabled": False}
PATH: Definition = {
    "type": "keyword",
    "ignore_above": 8000,
    "fields": {"text": {"type": "text"}},
}


def _object(**properties: Any) -> Definition:
    return {"type": "object", "properties": properties}


# A new field: raise REVISION; then `domain.document` (its type), `documents` (who writes it),
# `media.findings.FIELDS` and `domain.asset`, carried by `media.extract` and `work.description`, or
# `domain.derivation` (where it comes from), `query_text` (how it is searched for),
# docs/document.md, and `domain.edits.described_anew` where no bytes state it.
ASSET_PROPERTIES: Definition = {
    "hash": KEYWORD,
    "image_hash": KEYWORD,
    "size": LONG,
    "kind": KEYWORD,
    "type": KEYWORD,
    "mime": KEYWORD,
    "extension": KEYWORD,
    "checksums": _object(**dict.fromkeys(KEPT, KEYWORD)),
    "captured": _object(
        wall=DATE,
        instant=DATE,
        offset_minutes=INTEGER,
        zone=KEYWORD,
        source=KEYWORD,
        confidence=KEYWORD,
        has_time=BOOLEAN,
        year=INTEGER,
        month_day=KEYWORD,
        hour=INTEGER,
        weekday=INTEGER,
        precision=KEYWORD,
    ),
    "location": {"type": "geo_point"},
    "altitude": FLOAT,
    "place": _object(
        country=TEXT, country_code=KEYWORD, region=TEXT, city=TEXT, name=TEXT, source=KEYWORD
    ),
    "camera": _object(make=TEXT, model=TEXT, lens=TEXT),
    "exposure": _object(
        time=FLOAT,
        f_number=FLOAT,
        iso=INTEGER,
        focal_length=FLOAT,
        focal_length_35mm=FLOAT,
        flash=INTEGER,
    ),
    "width": INTEGER,
    "height": INTEGER,
    "shape": KEYWORD,
    "megapixels": FLOAT,
    "orientation": INTEGER,
    "duration": FLOAT,
    "video": _object(codec=KEYWORD, audio_codec=KEYWORD, frame_rate=FLOAT, rotation=INTEGER),
    "live_id": KEYWORD,
    "motion_photo": BOOLEAN,
    "frames": INTEGER,
    "reader": INTEGER,
    "frames_look": {"type": "binary"},
    "parts": KEYWORD,
    "resized": BOOLEAN,
    "software": TEXT,
    "phash": HASH_BITS,
    "phash_inner": HASH_BITS,
    "look": {"type": "binary"},
    "preview": KEYWORD,
    "quality": _object(
        sharpness=FLOAT,
        brightness=FLOAT,
        contrast=FLOAT,
        blank=BOOLEAN,
        blurred=BOOLEAN,
        focus=FLOAT,
        dark=FLOAT,
        bright=FLOAT,
        detail=FLOAT,
        relief=FLOAT,
    ),
    "albums": TEXT,
    "tags": TEXT,
    "favorite": BOOLEAN,
    "rating": INTEGER,
    "title": TEXT,
    "description": {"type": "text"},
    "private": KEYWORD,
    "manual": KEYWORD,
    "owner": KEYWORD,
    "device": KEYWORD,
    "place_removed": BOOLEAN,
    "person": STORED,
    "extracted": STORED,
    "stack": _object(id=KEYWORD, role=KEYWORD),
    "rendition_of": KEYWORD,
    "renditions": KEYWORD,
    "sidecars": _object(
        store=KEYWORD,
        path=PATH,
        hash=KEYWORD,
        size=LONG,
        mtime=DATE,
        device=KEYWORD,
        inode=KEYWORD,
        host=KEYWORD,
        ctime_ns=LONG,
    ),
    "copies": {
        "type": "nested",
        "properties": {
            "store": KEYWORD,
            "path": PATH,
            "name": TEXT,
            "size": LONG,
            "mtime": DATE,
            "revision": KEYWORD,
            "added": DATE,
            "verified": DATE,
            "state": KEYWORD,
            "device": KEYWORD,
            "inode": KEYWORD,
            "host": KEYWORD,
            "ctime_ns": LONG,
        },
    },
    "stores": KEYWORD,
    "copy_count": INTEGER,
    "paths": PATH,
    "original": _object(name=TEXT, path=PATH),
    "sources": {"type": "flattened"},
    "notes": {"type": "text"},
    "problem": {"type": "text"},
    "added": DATE,
    "updated": DATE,
    "run": KEYWORD,
}

COMPANION_PROPERTIES: dict[str, Definition] = {
    "events": {
        "at": DATE,
        "run": KEYWORD,
        "command": KEYWORD,
        "action": KEYWORD,
        "outcome": KEYWORD,
        "reason": {"type": "text"},
        "reason_kind": KEYWORD,
        "hash": KEYWORD,
        "store": KEYWORD,
        "path": PATH,
        "source": PATH,
        "before": STORED,
        "after": STORED,
        "effect": KEYWORD,
        "trash": PATH,
        "undoes": KEYWORD,
        "reverses": KEYWORD,
        "by": KEYWORD,
    },
    "stores": {
        "name": KEYWORD,
        "id": KEYWORD,
        "kind": KEYWORD,
        "root": PATH,
        "added": DATE,
        "last_run": DATE,
        "verifying_since": DATE,
        "stirred_since": DATE,
        "stirs": INTEGER,
        "removed": BOOLEAN,
        "roots": _object(
            host=KEYWORD,
            name=KEYWORD,
            root=PATH,
            seen=DATE,
            file_system=KEYWORD,
            evidence=KEYWORD,
        ),
        "catalog": KEYWORD,
    },
    "sources": {"hash": KEYWORD, "path": PATH, "run": KEYWORD, "at": DATE},
    "decisions": {
        "kind": KEYWORD,
        "hash": KEYWORD,
        "other": KEYWORD,
        "at": DATE,
        "run": KEYWORD,
        "note": {"type": "text"},
    },
    "handovers": {
        "target": KEYWORD,
        "hash": KEYWORD,
        "kind": KEYWORD,
        "state": KEYWORD,
        "source": PATH,
        "folder": PATH,
        "name": TEXT,
        "staged": KEYWORD,
        "staging": KEYWORD,
        "size": LONG,
        "at": DATE,
        "confirmed": DATE,
        "run": KEYWORD,
    },
    ACCESS: {
        "kind": KEYWORD,
        "name": KEYWORD,
        "role": KEYWORD,
        "scopes": KEYWORD,
        "password": STORED,
        "at": DATE,
        "by": KEYWORD,
        "expires": DATE,
        "seen": DATE,
        "label": KEYWORD,
    },
}


PROPERTIES = {ASSETS: ASSET_PROPERTIES, **COMPANION_PROPERTIES}
"""The mapping of each index of a catalog, by what it holds."""


def companion(alias: str, what: str) -> str:
    """The alias of a companion index: `catalog-events`."""
    return f"{alias}-{what}"


def alias_of(catalog: str, what: str) -> str:
    """The alias of one of a catalog's indexes; that of its assets is the catalog's own name."""
    return catalog if what == ASSETS else companion(catalog, what)


def concrete_name(alias: str, version: int) -> str:
    """The index behind an alias: `catalog` is `catalog-v1`."""
    return f"{alias}-v{version}"


def restored_name(alias: str, version: int, mark: str) -> str:
    """The index of a catalog that was restored; `mark` tells it from others of that version."""
    return f"{concrete_name(alias, version)}-{mark}"


def successor(index: str, alias: str, before: int, after: int) -> str:
    """The index to which one of an older version is brought;
    the one of a restored index keeps its mark.
    """
    usual = concrete_name(alias, before)
    mark = index.removeprefix(usual) if index.startswith(f"{usual}-") else ""
    return concrete_name(alias, after) + mark


def meta(what: str, version: int) -> Definition:
    """Our mark in a mapping: that the index is ours, what it holds, and by which schema."""
    return {"mark": MARK, "holds": what, "schema": version, "revision": REVISION}


def body(what: str, version: int, alias: str | None = None) -> Definition:
    """The request that creates one concrete index with our mark,
    and with its alias where one is given.
    """
    return {
        "aliases": {alias: {}} if alias else {},
        "settings": {
            "index": {
                "number_of_shards": 1,
                "auto_expand_replicas": "0-1",
                "translog.durability": "request",
                "mapping.exclude_source_vectors": False,
                "refresh_interval": "5s",
            }
        },
        "mappings": {
            "dynamic": "strict",
            "_meta": meta(what, version),
            "properties": PROPERTIES[what],
        },
    }
