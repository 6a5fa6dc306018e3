"""The camera's metadata in AVCHD clips: the MDPM record in an H.264 SEI message,
inside an MPEG transport stream.

The record is user data with UUID 17ee8c60-f84d-11d9-8cd6-0800200c9a66; its packs are those of DV
(IEC 61834-4).
"""

from __future__ import annotations

import struct
from datetime import datetime

from catalog.domain.capture_time import DateCandidate
from catalog.media.findings import Findings
from catalog.media.source import ByteSource

_MARK = bytes.fromhex("17ee8c60f84d11d98cd60800200c9a66") + b"MDPM"
_SEARCHED = 2 << 20
_MAKERS = {0x0103: "Panasonic", 0x0108: "Sony", 0x1011: "Canon", 0x1104: "JVC"}


def read_avchd(source: ByteSource, findings: Findings) -> None:
    """Add date, position and device of the first MDPM record in the first 2 MiB;
    none is no fault.
    """
    data = source.read(0, _SEARCHED)
    for stream in _elementary_streams(data):
        at = stream.find(_MARK)
        if at >= 0:
            record = stream[at + len(_MARK) : at + len(_MARK) + 1536].replace(b"\0\0\3", b"\0\0")
            _read_packs(_packs(record), findings)
            return


def _elementary_streams(data: bytes) -> list[bytes]:
    """The payloads of a transport stream joined by PID (packets of 188 bytes,
    or 192 with a time stamp first).
    """
    step, first = _packets(data)
    if not step:
        return [data]
    streams: dict[int, list[bytes]] = {}
    for at in range(first, len(data) - 187, step):
        if data[at] != 0x47:
            continue
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        control = data[at + 3] >> 4 & 3
        start = at + 4 + (1 + data[at + 4] if control == 3 else 0)
        if control & 1 and pid != 0x1FFF and start < at + 188:
            streams.setdefault(pid, []).append(data[start : at + 188])
    return [b"".join(parts) for parts in streams.values()]


def _packets(data: bytes) -> tuple[int, int]:
    """Distance of packets and offset of the first sync byte; (0,
    0) where the data is no transport stream.
    """
    for step in (192, 188):
        for first in range(step):
            if data[first : first + step * 8 : step] == b"\x47" * 8:
                return step, first
    return 0, 0


def _packs(record: bytes) -> dict[int, bytes]:
    """Four bytes by tag; tags rise, anything else ends the record."""
    packs: dict[int, bytes] = {}
    last = -1
    for at in range(1, min(1 + 5 * record[0], len(record) - 4) if record else 0, 5):
        if record[at] <= last:
            break
        last = record[at]
        packs[last] = record[at + 1 : at + 5]
    return packs


def _read_packs(packs: dict[int, bytes], findings: Findings) -> None:
    if 0x18 in packs and 0x19 in packs:
        _add_date(packs[0x18] + packs[0x19], findings)
    maker = _MAKERS.get(int.from_bytes(packs.get(0xE0, b"")[:2], "big"))
    findings.add("make", maker, "avchd")
    if maker == "Sony":
        name = b"".join(packs.get(tag, b"") for tag in (0xE4, 0xE5, 0xE6)).split(b"\0")[0]
        if name.isascii() and name.decode("ascii").isprintable():
            findings.add("model", name.decode("ascii"), "avchd")
    _add_position(packs, findings)


def _add_date(raw: bytes, findings: Findings) -> None:
    """Zone byte, then year (two bytes), month, day, hour, minute, second as binary-coded decimals.

    The zone byte: bit 5 the sign, bits 1-4 hours, bit 0 half an hour; bit 6 says that summer time
    is included.
    """
    try:
        year, month, day, hour, minute, second = (
            int(raw[i:j].hex()) for i, j in ((1, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8))
        )
        wall = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return
    findings.add_date(DateCandidate("avchd:DateTimeOriginal", wall, zone_minutes(raw[0])))


def zone_minutes(zone: int) -> int | None:
    """Minutes east of UTC of an AVCHD zone byte, or None where it is unset or no zone."""
    minutes = (zone >> 1 & 0x0F) * 60 + (30 if zone & 1 else 0)
    if zone & 0x80 or minutes > 14 * 60:
        return None
    return -minutes if zone & 0x20 else minutes


def _add_position(packs: dict[int, bytes], findings: Findings) -> None:
    if packs.get(0xBE, b"A")[:1] == b"V":
        return
    latitude = _degrees(packs, 0xB1, b"S")
    longitude = _degrees(packs, 0xB5, b"W")
    if latitude is None or longitude is None:
        return
    altitude = _ratio(packs.get(0xBA, b""))
    if altitude is not None and any(packs.get(0xB9, b"")):
        altitude = -altitude
    findings.add_position(latitude, longitude, altitude, "avchd:gps")


def _degrees(packs: dict[int, bytes], reference: int, negative: bytes) -> float | None:
    """Degrees, minutes and seconds in the three packs after the reference letter's."""
    letter = packs.get(reference, b"")[:1]
    parts = [_ratio(packs.get(reference + i, b"")) for i in (1, 2, 3)]
    if letter not in (b"N", b"S", b"E", b"W") or parts[0] is None:
        return None
    value = parts[0] + (parts[1] or 0.0) / 60 + (parts[2] or 0.0) / 3600
    return -value if letter == negative else value


def _ratio(raw: bytes) -> float | None:
    if len(raw) < 4:
        return None
    numerator, denominator = struct.unpack(">HH", raw[:4])
    return numerator / denominator if denominator else None
