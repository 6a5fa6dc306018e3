"""The one place where text goes out: results to stdout, everything else to stderr.

Nothing that goes out here can steer a terminal, whatever names, logs and errors hold: control
characters of both sets, and what turns the reading direction, are escaped. A line stays one line.
"""

from __future__ import annotations

import codecs
import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from catalog.domain.names import CONTROL, printable
from catalog.errors import CatalogError, QuerySyntaxError

if TYPE_CHECKING:
    import click


def write_line(line: str) -> None:
    """A line to stdout."""
    _put(printable(line))


def write_data(text: str) -> None:
    """Text for programs, of one line or more: as it is, but escaped on a terminal."""
    _put(_on_lines(text) if sys.stdout.isatty() else text)


def write_json(value: Any) -> None:
    """A JSON text, on one line, to stdout."""
    _put(json_text(value))


def tell_line(line: str) -> None:
    """A line of a run that goes on even where nobody reads it any more (`| head`)."""
    try:
        write_line(line)
    except BrokenPipeError:
        silence_stdout()


def tell_json(value: Any) -> None:
    """A JSON text of such a run."""
    try:
        write_json(value)
    except BrokenPipeError:
        silence_stdout()


def complain(line: str, *, end: str = "\n") -> None:
    """A line to stderr."""
    sys.stderr.write(printable(line) + end)
    sys.stderr.flush()


def complain_of(error: CatalogError, *, prefix: str = "Error: ") -> None:
    """An error, on one line; one about a query shows the query on lines of its own."""
    text = f"{prefix}{error}"
    for line in text.split("\n") if isinstance(error, QuerySyntaxError) else [text]:
        complain(line)


def complain_of_usage(error: click.ClickException) -> None:
    """How the command is to be used, and on one line what was wrong."""
    context = getattr(error, "ctx", None)
    if context is not None:
        for line in context.get_usage().split("\n"):
            complain(line)
        if names := context.help_option_names:
            complain(f"Try '{context.command_path} {names[-1]}' for help.")
        complain("")
    complain(f"Error: {error.format_message()}".replace("\n\t", " "))


def complain_of_fault(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """An error that nobody expected, with the lines of code that led to it."""
    import traceback

    for part in traceback.format_exception(kind, error, trace):
        for line in part.removesuffix("\n").split("\n"):
            complain(line)


def json_text(value: Any) -> str:
    r"""The value as JSON on one line; characters that may steer a terminal are `\uXXXX`."""
    import orjson

    text = orjson.dumps(value).decode()
    if text.isascii() and "\x7f" not in text:
        return text
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class LogFormat(logging.Formatter):
    """Log records, each on one line; those of a fault with its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """The message, and the trace if there is one."""
        text = super().format(record)
        return _on_lines(text) if record.exc_info or record.stack_info else printable(text)


class ByteOutput:
    """Stdout as bytes, escaped on a terminal.

    Where nobody reads it any more, that is raised once, and not again at the program's end.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._plain = sys.stdout.isatty()

    def write(self, data: bytes, /) -> None:
        """Write all of them."""
        if self._plain:
            data = _on_lines(self._decoder.decode(data)).encode()
        try:
            sys.stdout.buffer.write(data)
        except BrokenPipeError:
            silence_stdout()
            raise

    def flush(self) -> None:
        """Hand over what is still held back."""
        try:
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            silence_stdout()
            raise


def silence_stdout() -> None:
    """Nobody reads what is written from now on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _put(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.flush()


def _on_lines(text: str) -> str:
    """The text with its own ends of lines."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))
