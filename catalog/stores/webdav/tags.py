"""The tags that people give files on a Nextcloud or ownCloud: "system tags".

The server is asked for its tags, and for each that is wanted which files below a folder have it
(REPORT filter-files): small answers, also where a folder holds many files without any, and none of
its folders is walked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from catalog.domain.asset import Entry
from catalog.domain.names import to_text
from catalog.errors import AlreadyExists, NotFound
from catalog.stores.paths import PRIVATE
from catalog.stores.protocol import TaggedFile
from catalog.stores.webdav.addresses import escape_path
from catalog.stores.webdav.answers import DAV, OC, Resource, read_resources
from catalog.stores.webdav.folder import ServerFolder

_XML = {"Content-Type": "application/xml; charset=utf-8"}
_NUMBER, _NAME = f"{OC} id", f"{OC} display-name"


class ServerTags:
    """The tags of a server's files; `properties` are what it is asked for of a file, of which
    `entry` makes the entry.
    """

    def __init__(
        self,
        folder: ServerFolder,
        properties: Iterable[str],
        entry: Callable[[str, Resource], Entry],
    ) -> None:
        self._folder = folder
        self._properties = tuple(properties)
        self._entry = entry
        self._numbers: dict[str, str] = {}

    def below(self, folder: str, beginning: str) -> list[TaggedFile]:
        """One request, and one for each tag of which the name begins so."""
        self._folder.check()
        self._numbers = self._asked()
        found: dict[str, Resource] = {}
        tags: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self._numbers):
            if name.startswith(beginning):
                for path, resource in self._having(folder, self._numbers[name]):
                    found[path] = resource
                    tags[path].append(name)
        return [
            TaggedFile(self._entry(path, found[path]), tuple(tags[path]))
            for path in sorted(found)
            if path.split("/")[0] != PRIVATE
        ]

    def take_off(self, entry: Entry, tag: str) -> None:
        """Take a tag off the file that has the number."""
        number = self._numbers.get(tag) or self._asked().get(tag)
        if number is not None:
            url = self._url(f"systemtags-relations/files/{entry.inode}/{number}")
            with suppress(NotFound):
                self._folder.connection.ask("DELETE", url, entry.path)

    def _url(self, rest: str) -> str:
        address = self._folder.address
        assert address.parts is not None
        return f"{address.origin}{escape_path(address.parts[0])}/dav/{rest}"

    def _asked(self) -> dict[str, str]:
        """The number of each tag that the user sees, by name."""
        told = self._folder.connection.list(self._url("systemtags/"), "1", (_NUMBER, _NAME))
        stated = (tag.properties for tag in told)
        return {one[_NAME]: one[_NUMBER] for one in stated if _NAME in one and _NUMBER in one}

    def _having(self, key: str, tag: str) -> Iterator[tuple[str, Resource]]:
        """The files below a folder that have the tag of a number."""
        names = "".join(
            f'<x:{name} xmlns:x="{space}"/>'
            for space, _, name in (p.partition(" ") for p in self._properties)
        )
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><filter-files xmlns="{OC}" xmlns:d="{DAV}">'
            f"<d:prop>{names}</d:prop><filter-rules><systemtag>{tag}</systemtag></filter-rules>"
            "</filter-files>"
        ).encode()
        try:
            answer = self._folder.connection.ask(
                "REPORT", self._folder.url(key), key, headers=_XML, body=body
            )
        except AlreadyExists:  # what 412 means elsewhere: the tag was removed in this moment
            return
        for resource in read_resources(answer.content, self._folder.name):
            system = self._folder.address.below(resource.href)
            if system is not None and not resource.is_folder:
                yield to_text(system), resource
