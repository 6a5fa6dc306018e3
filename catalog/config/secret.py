"""Secrets: a text, or the place where it is kept, which is read when it is first needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from catalog.errors import ConfigError

MASK = "**********"
PLAIN = "plain:"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_DOTS = r"(?!(.*/)?\.{1,2}[/#])"
_FORMS = {
    "env": (r"[A-Za-z_]\w*", "env:NAME"),
    "file": (r"(/|~/).+", "file:/PATH"),
    "credential": (r"(?!\.{1,2}$)[\w.@-]+", "credential:NAME"),
    "keyring": (r".+/[^/]+", "keyring:SERVICE/USER"),
    "vault": (_NO_DOTS + r"[^/#]+(/[^/#]+)+#.+", "vault:MOUNT/PATH#KEY"),
}
"""Each kind of place by the word before the colon: what may follow it, and how it is written."""


class Secret:
    """A text that shows in no repr, log or dump; `get_secret_value()` gives it.

    `form` is the place where it is kept, such as `env:NAME`, which is no secret; "" where the text
    itself was given. `origin` says who gave the one or the other.
    """

    __slots__ = ("_read", "_text", "form", "origin")

    def __init__(
        self,
        text: str,
        *,
        form: str = "",
        origin: str = "",
        read: Callable[[str], str] | None = None,
    ) -> None:
        self._text = text
        self._read = read
        self.form = form
        self.origin = origin

    def kept(self, origin: str, read: Callable[[str], str]) -> Secret:
        """The same, with who gave it, and what reads a place."""
        return Secret(self._text, form=self.form, origin=origin, read=read)

    def get_secret_value(self) -> str:
        """The text itself.

        Raises ConfigError where its place does not hold it, SecretUnavailable where that cannot be
        reached.
        """
        return self._read(self.form) if self._read is not None and self.form else self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text and self.form == other.form

    def __hash__(self) -> int:
        return hash((self._text, self.form))

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __deepcopy__(self, _memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")


def parse_secret(written: str) -> Secret:
    """A secret as it is written in a setting: one of the forms, `plain:` and a text, or a text.

    Raises ValueError, which never holds what was written.
    """
    kind, colon, rest = written.partition(":")
    if colon and kind in _FORMS:
        pattern, spelled = _FORMS[kind]
        if not re.fullmatch(pattern, rest) or _CONTROL.search(rest):
            raise ValueError(
                f"a secret that begins with {kind}: must be {spelled}; "
                f"where that is its own text, write {PLAIN} before it"
            )
        return Secret("", form=written)
    return Secret(without_line_end(written.removeprefix(PLAIN)))


def without_line_end(text: str) -> str:
    """A secret without the end of line that editors and `echo` leave behind it.

    Raises ValueError where it has control characters besides, which no header may have.
    """
    secret = text.rstrip("\r\n")
    if _CONTROL.search(secret):
        raise ValueError("it must be one line without control characters")
    return secret


def token_text(name: str, secret: Secret) -> str:
    """The secret of the setting `name` as a token in a header.

    Raises ConfigError where it holds what none can, and as `get_secret_value` does.
    """
    token = secret.get_secret_value().strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(f"The secret {name} holds what no token can.", hint=f"Check {name}.")
    return token
