"""DJI's telemetry (`djmd`): messages of Protocol Buffers, whose first names the model and holds the
position.

Field 1 is of the film: of its first module 1 is the name of the schema, 10 the model. Field 3 is of
a frame: where in it the position lies depends on the model. A position is a unit (0: radians, 1:
degrees), latitude and longitude; beside it are the height in millimetres and whether it is valid.

The time that some cameras write beside it is left alone: it is that of no stated zone.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

from catalog.media.findings import Findings

_MOST_FIELDS = 2000
_PLACES = ((3, 4), (4, 4), (4, 2))
"""Where in a frame a position lies: of drones, of drones with goggles, of action cameras."""
_DEGREES_ALWAYS = ("dvtm_Mavic4", "dvtm_Mini5Pro")
"""Schemas of models that write degrees without saying so."""
_INVALID = 1
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5
Value = int | bytes


def read_djmd(sample: bytes, findings: Findings) -> None:
    """Add make, model and position of the first sample of a track."""
    schema = _bytes_at(sample, 1, 1, 1)
    if not schema.startswith(b"dvtm_"):
        return
    findings.add("make", "DJI", "djmd")
    findings.add("model", _bytes_at(sample, 1, 1, 10).decode("utf-8", "replace"), "djmd")
    frame = _bytes_at(sample, 3)
    for path in _PLACES:
        place = dict(_fields(_bytes_at(frame, *path)))
        coordinates = place.get(1)
        if isinstance(coordinates, bytes) and place.get(3) != _INVALID:
            found = _degrees(coordinates, schema.decode("utf-8", "replace"))
            if found is not None:
                findings.add_position(*found, _metres(place.get(2)), "djmd")
                return


def _degrees(coordinates: bytes, schema: str) -> tuple[float, float] | None:
    """Latitude and longitude; None where there are none yet."""
    values = dict(_fields(coordinates))
    latitude, longitude = values.get(2), values.get(3)
    if not (isinstance(latitude, bytes) and isinstance(longitude, bytes)):
        return None
    if len(latitude) != 8 or len(longitude) != 8:
        return None
    place: tuple[float, float] = struct.unpack("<2d", latitude + longitude)
    if not any(place) or not all(map(math.isfinite, place)):
        return None
    if not values.get(1) and not schema.startswith(_DEGREES_ALWAYS):
        place = (math.degrees(place[0]), math.degrees(place[1]))
    return place


def _metres(height: Value | None) -> float | None:
    """From millimetres, negative ones as two's complement."""
    if not isinstance(height, int):
        return None
    return (height - (1 << 64) if height >> 63 else height) / 1000


def _bytes_at(message: bytes, *path: int) -> bytes:
    """The first message, text or number at a path of fields, as its bytes; b"" where there is
    none.
    """
    for wanted in path:
        found = next((v for n, v in _fields(message) if n == wanted and isinstance(v, bytes)), b"")
        message = found
    return message


def _fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a message, up to the first that is none: an integer, or
    bytes (also those of numbers of a fixed size).
    """
    at = 0
    for _ in range(_MOST_FIELDS):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if at < 0 or not number:
            return
        if kind == _VARINT:
            value, at = _varint(message, at)
            if at < 0:
                return
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _varint(message, at)
        else:
            length = {_DOUBLE: 8, _FLOAT: 4}.get(kind, -1)
        if at < 0 or length < 0 or at + length > len(message):
            return
        yield number, message[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends; -1 where it does not."""
    value = 0
    for place, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & (1 << 64) - 1, at + place + 1
    return 0, -1
