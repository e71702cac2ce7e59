"""The unit of record and transport: one batch with its identity, its kind and a checked body.

A record is written once by the gateway's outbox and travels as those same bytes: landing, re-sends and
checks all speak of ``(writer, epoch, sequence)``. The layout, little-endian throughout:

====== ===== ==========================================================
offset size  field
====== ===== ==========================================================
0      4     magic ``LSR1`` (the last character is the version)
4      4     CRC-32 of everything from offset 8 on
8      4     length of the header, ``h``, without its padding
12     4     length of the body, ``b``
16     h     header: `RecordHeader` as MessagePack, then NUL up to a multiple of 8
16+h.. b     body: what the kind says
====== ===== ==========================================================
"""

from __future__ import annotations

import struct
import zlib
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from lineside.domain.errors import IntegrityError
from lineside.wire.unreadable import UNREADABLE

MAGIC: Final = b"LSR1"
_PREFIX: Final = struct.Struct("<4sIII")


class RecordKind(StrEnum):
    """What the body of a record holds."""

    CATALOGUE = "catalogue"
    READINGS = "readings"
    PARTS = "parts"
    PREDICTIONS = "predictions"
    ALERTS = "alerts"
    OUTCOMES = "outcomes"
    EVENTS = "events"
    QUARANTINE = "quarantine"
    RECEIPTS = "receipts"
    REDUCED = "reduced"
    """Readings of which some had to go while the buffer was full, with what takes their place."""
    HEALTH = "health"
    LATE = "late"
    """Notes of readings that came too late for their parts."""


Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""What a sequence or a count can be: stores keep 63 bits."""


class RecordHeader(msgspec.Struct, frozen=True, array_like=True):
    """Identity and routing of a record; ``count`` is the number of items in the body, ``written`` UTC ns."""

    writer: str
    epoch: str
    sequence: Natural
    site: str
    line: str
    kind: RecordKind
    count: Natural
    written: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Record(msgspec.Struct, frozen=True):
    """A record in hand: its header, its body, and the bytes that are both."""

    header: RecordHeader
    body: bytes
    data: bytes


_encoder: Final = msgspec.msgpack.Encoder()
_header_decoder: Final = msgspec.msgpack.Decoder(RecordHeader)


def pack(header: RecordHeader, body: bytes) -> bytes:
    """Return the bytes of a record."""
    head = _encoder.encode(header)
    lengths = struct.pack("<II", len(head), len(body))
    head += b"\0" * _padding(len(head))
    checksum = zlib.crc32(body, zlib.crc32(head, zlib.crc32(lengths)))
    return b"".join((MAGIC, struct.pack("<I", checksum), lengths, head, body))


def unpack(data: bytes) -> Record:
    """Return the record that the bytes hold.

    Raises:
        IntegrityError: the bytes are cut, changed, of another version or no record at all.
    """
    if len(data) < _PREFIX.size:
        raise IntegrityError("a record is cut short", field="length", value=len(data))
    magic, checksum, head_length, body_length = _PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise IntegrityError("not a record of this version", field="magic", value=magic, choices=(MAGIC,))
    head_end = _PREFIX.size + head_length
    body_start = head_end + _padding(head_length)
    if len(data) != body_start + body_length:
        raise IntegrityError("a record has the wrong length", field="length", value=len(data))
    if zlib.crc32(data[8:]) != checksum:
        raise IntegrityError("a record's checksum does not fit", field="checksum")
    try:
        header = _header_decoder.decode(data[_PREFIX.size : head_end])
    except UNREADABLE as error:
        raise IntegrityError(f"a record's header cannot be read: {error}") from error
    return Record(header=header, body=data[body_start:], data=data)


def _padding(length: int) -> int:
    """Return how many bytes follow a header of that length, so that what comes next is aligned to 8."""
    return -length % 8
