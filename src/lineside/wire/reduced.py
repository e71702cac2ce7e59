"""The body of a REDUCED record: the readings that are left, aggregates, and the gaps that account for the rest.

It takes the place of a READINGS record under the same identity, so that the plant holds either the one or the other,
never both. Gaps are short (codes of signals, not names): a buffer that is full must not fill up with receipts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import Final

import msgspec
import numpy as np

from lineside.domain.buffering import Aggregate, Gap, Kept, Why, receipts_for
from lineside.domain.errors import IntegrityError
from lineside.domain.readings import Catalogue
from lineside.domain.receipts import Receipt
from lineside.wire.codecs import check_readings, decode_readings, encode_readings, readings_catalogue, readings_count
from lineside.wire.records import RecordHeader
from lineside.wire.unreadable import UNREADABLE


class _Gap(msgspec.Struct, frozen=True, array_like=True):
    why: int
    signals: bytes
    first: int
    last: int
    count: int


class _Aggregate(msgspec.Struct, frozen=True, array_like=True):
    signal: str
    minute: int
    count: int
    mean: float
    least: float
    most: float


class _Body(msgspec.Struct, frozen=True, array_like=True):
    catalogue: str
    readings: bytes
    gaps: tuple[_Gap, ...]
    aggregates: tuple[_Aggregate, ...]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Body)


def encode_reduced(kept: Kept) -> bytes:
    """Return the body of a REDUCED record."""
    readings = encode_readings(kept.readings) if len(kept.readings) else b""
    gaps = tuple(
        _Gap(gap.why, np.asarray(gap.signals, dtype="<i4").tobytes(), gap.first, gap.last, gap.count)
        for gap in kept.gaps
    )
    aggregates = tuple(_Aggregate(*astuple(item)) for item in kept.aggregates)
    return _encoder.encode(_Body(kept.readings.catalogue.digest, readings, gaps, aggregates))


def decode_reduced(body: bytes, catalogues: Mapping[str, Catalogue]) -> Kept:
    """Return what a REDUCED body holds; ``catalogues`` by their digests.

    Raises:
        IntegrityError: it cannot be read, or its catalogue is not known.
    """
    found = _read(body)
    catalogue = catalogues.get(found.catalogue)
    if catalogue is None:
        raise IntegrityError("readings of a catalogue that never arrived", field="catalogue", value=found.catalogue)
    try:
        gaps = tuple(
            Gap(why=Why(gap.why), signals=_codes(gap, catalogue), first=gap.first, last=gap.last, count=gap.count)
            for gap in found.gaps
        )
    except ValueError as error:
        raise IntegrityError(f"a gap cannot be read: {error}") from error
    aggregates = tuple(Aggregate(**msgspec.structs.asdict(item)) for item in found.aggregates)
    readings = decode_readings(found.readings, catalogue) if found.readings else catalogue.nothing()
    return Kept(readings=readings, gaps=gaps, aggregates=aggregates)


def reduced_catalogue(body: bytes) -> str:
    """Return the digest of the catalogue that a REDUCED body was written with."""
    return _read(body).catalogue


def accepted_in(body: bytes) -> int:
    """Return for how many accepted readings a REDUCED body stands: those left, and those in its gaps."""
    found = _read(body)
    left = readings_count(found.readings) if found.readings else 0
    return left + sum(gap.count for gap in found.gaps)


def check_reduced(body: bytes) -> None:
    """Check that a REDUCED body is whole; raises `IntegrityError` where it is not."""
    found = _read(body)
    if found.readings:
        check_readings(found.readings)
        if readings_catalogue(found.readings) != found.catalogue:
            raise IntegrityError("readings of another catalogue than their record", field="catalogue")


def receipts_in(header: RecordHeader, kept: Kept) -> list[Receipt]:
    """Return the gaps of a record as receipts, named after it."""
    name = f"buffer-{header.writer}-{header.epoch}-{header.sequence}"
    catalogue = kept.readings.catalogue
    return receipts_for(kept.gaps, catalogue, name=name, source="outbox", recorded=header.written)


def _codes(gap: _Gap, catalogue: Catalogue) -> tuple[int, ...]:
    codes = np.frombuffer(gap.signals, dtype="<i4")
    if len(codes) and (codes.min() < 0 or codes.max() >= len(catalogue.signals)):
        raise IntegrityError("a gap names signals that its catalogue does not have", field="signals")
    return tuple(codes.tolist())


def _read(body: bytes) -> _Body:
    try:
        return _decoder.decode(body)
    except UNREADABLE as error:
        raise IntegrityError(f"a reduced record cannot be read: {error}") from error
