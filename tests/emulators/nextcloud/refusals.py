"""What a call may end with instead of a result."""

from __future__ import annotations

from xml.sax.saxutils import escape

from ..messages import Reply, whole

XML = "application/xml; charset=utf-8"


class Refused(Exception):
    """A status with the name of sabre/dav's exception and a text."""

    def __init__(self, status: int, name: str, text: str = "", **headers: str) -> None:
        super().__init__(text or name)
        self.status = status
        self.name = name
        self.text = text
        self.headers = headers

    def reply(self) -> Reply:
        """As sabre/dav answers it."""
        name = self.name if "\\" in self.name else f"Sabre\\DAV\\Exception\\{self.name}"
        body = (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">\n'
            f"  <s:exception>{name}</s:exception>\n"
            f"  <s:message>{escape(self.text)}</s:message>\n</d:error>\n"
        )
        return whole(self.status, XML, body.encode(), self.headers)


def bad_request(text: str) -> Refused:
    """400."""
    return Refused(400, "BadRequest", text)


def invalid_path(text: str) -> Refused:
    """400: a name that is not allowed."""
    return Refused(400, "OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath", text)


def forbidden(text: str) -> Refused:
    """403."""
    return Refused(403, "Forbidden", text)


def not_found(text: str) -> Refused:
    """404."""
    return Refused(404, "NotFound", text)


def not_allowed(text: str) -> Refused:
    """405."""
    return Refused(405, "MethodNotAllowed", text)


def conflict(text: str) -> Refused:
    """409."""
    return Refused(409, "Conflict", text)


def precondition_failed(header: str) -> Refused:
    """412."""
    return Refused(412, "PreconditionFailed", f"{header} was not satisfied")


def locked(path: str) -> Refused:
    """423."""
    return Refused(423, "OCA\\DAV\\Connector\\Sabre\\Exception\\FileLocked", f'"{path}" is locked')


def not_implemented(method: str) -> Refused:
    """501."""
    return Refused(501, "NotImplemented", f"There was no plugin in the system for {method}")


def insufficient_storage(needed: int, free: int) -> Refused:
    """507."""
    return Refused(507, "InsufficientStorage", f"{needed} required, {free} available")
