"""The page on which a person decides: one HTML file that carries everything it needs and loads
nothing from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Literal, Required, TypeAlias, TypedDict

import orjson

from catalog.domain.decisions import BAD, EXACT, KINDS, Answer, Decision, group_id
from catalog.domain.document import AssetDocument, with_value
from catalog.domain.fixity import is_content_hash
from catalog.features.renditions.pictures import LOOK_SIDE
from catalog.version import __version__

Group: TypeAlias = Mapping[str, object]
"""One group as `catalog duplicates --json` prints it, or as somebody says it does."""
MARK = b'<meta name="generator" content="image-catalog review">'
"""What stands near the beginning of every page."""
_CAMERA = ("make", "model")
_PLACE = ("name", "city", "region", "country")
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
_PLAIN = (
    "width",
    "height",
    "size",
    "type",
    "taken",
    "camera",
    "place",
    "tags",
    "albums",
    "favorite",
)


class PageMember(TypedDict, total=False):
    """A member of a group as the page shows it: its hash, its places (`store:path`), what it is to
    the keeper (a kind of duplicates), how far its picture is from that one's (bits) and how it is
    turned, what it `has` that no other can take over, and what is known of the asset.
    """

    hash: Required[str]
    paths: Required[list[str]]
    distance: int
    turned: str
    kind: str
    has: list[str]
    width: int | None
    height: int | None
    size: int | None
    type: str | None
    taken: str | None
    camera: str
    place: str
    tags: list[str]
    albums: list[str]
    favorite: bool


class PageGroup(TypedDict):
    """A group as the page shows it; `keeper` is the number of the member to keep, -1 where none is
    proposed.
    """

    id: str
    kind: str
    keeper: int
    reason: str
    members: list[PageMember]


@dataclass(frozen=True)
class Page:
    """Groups to decide about, as the page holds them, and how it is used: as a file,
    or served by this program.
    """

    groups: Sequence[PageGroup]
    mode: Literal["file", "served"] = "file"

    @cached_property
    def id(self) -> str:
        """Under which a browser remembers what was decided: the same for the same groups."""
        return hashlib.sha256(" ".join(g["id"] for g in self.groups).encode()).hexdigest()[:16]

    @cached_property
    def hashes(self) -> list[str]:
        """The content hashes of all members, in the order of the page, each once."""
        return list(
            dict.fromkeys(member["hash"] for group in self.groups for member in group["members"])
        )

    def parts(
        self, pictures: Iterable[tuple[str, bytes]] = (), answers: Sequence[Answer] = ()
    ) -> Iterator[bytes]:
        """The HTML, piece by piece.

        `pictures` are WebPs by content hash; `answers` tell what was applied already.
        """
        style, script = (_source(f"review.{kind}") for kind in ("css", "js"))
        before, rest = _source("review.html").split("@PICTURES@")
        yield (
            before.replace("@POLICY@", policy(self.mode, script, style))
            .replace("@STYLE@", style)
            .encode()
        )
        pictured = (
            set(self.hashes) if self.mode == "served" else set()
        )  # there the browser finds out which there are
        for content_hash, picture in pictures:
            pictured.add(content_hash)
            yield b'<script type="text/plain" id="p-%s">%s</script>\n' % (
                content_hash.encode(),
                base64.b64encode(picture),
            )
        groups = [_with_pictures(group, pictured) for group in self.groups]
        data = {
            "id": self.id,
            "mode": self.mode,
            "version": __version__,
            "tiny": LOOK_SIDE,
            "groups": groups,
            "answers": [encode_answer(a) for a in answers],
        }
        first, last = rest.split("@DATA@")
        yield first.encode() + inert(data).encode() + last.replace("@SCRIPT@", script).encode()


def _with_pictures(group: PageGroup, pictured: set[str]) -> dict[str, object]:
    return {**group, "members": [{**m, "picture": m["hash"] in pictured} for m in group["members"]]}


def _source(name: str) -> str:
    return (files("catalog.features.review") / "assets" / name).read_text("utf-8")


def policy(mode: str, script: str | None = None, style: str | None = None) -> str:
    """The content security policy: no network but, where it is served, the program itself."""
    own = {
        "script-src": _source("review.js") if script is None else script,
        "style-src": _source("review.css") if style is None else style,
    }
    hashes = [
        f"{name} 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for name, text in own.items()
    ]
    network = (
        ["img-src 'self' data:", "connect-src 'self'"] if mode == "served" else ["img-src data:"]
    )
    return "; ".join(
        ["default-src 'none'", *hashes, *network, "base-uri 'none'", "form-action 'none'"]
    )


def inert(value: object) -> str:
    """JSON that can stand in a script element, whatever is in it."""
    return orjson.dumps(value).decode().translate(_ESCAPES)


def encode_answer(answer: Answer) -> dict[str, str]:
    """An answer as the page reads it."""
    decision = answer.decision
    return {
        "group": decision.group,
        "hash": decision.hash,
        "path": decision.path,
        "decision": decision.decision,
        "outcome": answer.outcome,
        "reason": answer.reason,
    }


# --- from groups and documents to what the page shows ---------------------------------------------


def page_group(group: Group, documents: Mapping[str, AssetDocument]) -> PageGroup:
    """A group as the page holds it; what it does not say of its members is taken from their
    documents.

    Raises ValueError for one that is no group.
    """
    kind, members = group.get("kind"), group.get("members")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"its kind {kind!r} is none of {', '.join(KINDS)}")
    if not isinstance(members, list) or not members:
        raise ValueError("it has no members")
    shown = [_member(member, documents) for member in members]
    if kind == EXACT:
        shown = [{**member, "kind": EXACT} for member in shown]
    if any(member["kind"] == EXACT and not member["paths"] for member in shown):
        raise ValueError("a copy has no path")
    names = [_name(member) for member in shown]
    if len(set(names)) < len(names):
        raise ValueError("a member is in it twice")
    hashes = [m["hash"] for m in shown]
    wanted = str(group.get("keeper", hashes[0]))
    keeper = -1
    if kind != BAD and wanted:
        keeper = hashes.index(wanted) if kind != EXACT and wanted in hashes else 0
    return {
        "id": group_id(names),
        "kind": kind,
        "keeper": keeper,
        "reason": str(group.get("reason") or ""),
        "members": shown,
    }


def _member(member: object, documents: Mapping[str, AssetDocument]) -> PageMember:
    if not isinstance(member, dict) or not is_content_hash(str(member.get("hash"))):
        raise ValueError("a member has no content hash")
    document = documents.get(member["hash"])
    paths = [str(p) for p in member.get("paths") or ()] or (_paths(document) if document else [])
    distance = member.get("distance")
    shown: PageMember = {
        "hash": member["hash"],
        "paths": paths,
        "distance": distance if isinstance(distance, int) else 0,
        "turned": str(member.get("turned") or ""),
        "kind": str(member.get("kind") or ""),
        "has": [str(part) for part in member.get("has") or ()],
    }
    described = _described(shown, document) if document else shown
    for name in _PLAIN:
        if member.get(name) is not None:
            described = with_value(described, name, member[name])
    return described


def _described(member: PageMember, document: AssetDocument) -> PageMember:
    """A member with what a document says of it."""
    camera = " ".join(str(document.get("camera", {}).get(key, "")) for key in _CAMERA).strip()
    places = [str(document.get("place", {}).get(key) or "") for key in _PLACE]
    return {
        **member,
        "width": document.get("width"),
        "height": document.get("height"),
        "size": document.get("size"),
        "type": document.get("type"),
        "taken": document.get("captured", {}).get("wall"),
        "camera": camera,
        "place": ", ".join(dict.fromkeys(filter(None, places))),
        "tags": list(document.get("tags") or ()),
        "albums": list(document.get("albums") or ()),
        "favorite": bool(document.get("favorite")),
    }


def _paths(document: AssetDocument) -> list[str]:
    return [
        f"{c['store']}:{c['path']}" for c in document.get("copies", ()) if c.get("state") == "ok"
    ]


def _name(member: PageMember) -> tuple[str, str]:
    """By what a member is decided about: its hash, and of a copy its place."""
    return member["hash"], member["paths"][0] if member["kind"] == EXACT else ""


def known_members(
    groups: Iterable[PageGroup],
) -> dict[str, tuple[str, set[tuple[str, str]]]]:
    """What may be decided about, by group: its kind, and its members as hash and path."""
    return {
        g["id"]: (
            g["kind"],
            {_name(member) for member in g["members"]},
        )
        for g in groups
    }


def why_foreign(decision: Decision, known: Mapping[str, tuple[str, set[tuple[str, str]]]]) -> str:
    """Why a decision is about nothing that the page shows, or ""."""
    kind, members = known.get(decision.group, ("", set()))
    if decision.kind != (EXACT if decision.path else kind):
        return "there is no such group in this review"
    if (decision.hash, decision.path) not in members:
        return "the group has no such member"
    if decision.keeper and decision.keeper not in {content_hash for content_hash, _path in members}:
        return "the keeper is no member of the group"
    return ""
