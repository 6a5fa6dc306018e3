"""Texts of which no standard, or no writer, says how they are coded."""

from __future__ import annotations

import codecs


def decode_text(data: bytes) -> str:
    """A text as UTF-8 where it is that, else in the Latin of Windows, without blanks around it.

    The last letter of a UTF-8 text may be cut, as fields of a fixed length cut it. Bytes that the
    Latin of Windows (1252) leaves open are those of Latin-1.
    """
    try:
        return _decode_utf8(data).strip()
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252").strip()
    except UnicodeDecodeError:
        return data.decode("latin-1").strip()


def _decode_utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        whole = codecs.getincrementaldecoder("utf-8")().decode(data)
        if whole.isascii():  # the last byte is no cut letter, but one of Latin, as in "caf\xe9"
            raise error from None
        return whole
