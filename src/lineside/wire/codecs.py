"""How the bodies of records are written and read.

Readings travel as raw little-endian columns behind a short header; everything else, which is rare beside
them, as MessagePack of the domain's own frozen dataclasses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from lineside.domain.errors import IntegrityError
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.wire.unreadable import UNREADABLE

_T = TypeVar("_T")


class _ReadingsHead(msgspec.Struct, frozen=True, array_like=True):
    catalogue: str
    count: int
    texts: tuple[str, ...]


_COLUMNS: Final = (
    # (name, type): the widest first, so that each stays aligned
    ("source_time", "<i8"),
    ("receive_time", "<i8"),
    ("value", "<f8"),
    ("signal", "<i4"),
    ("status", "<u4"),
)
_READING_BYTES: Final = sum(np.dtype(kind).itemsize for _, kind in _COLUMNS)


def _to_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value, dtype="<f8").tobytes()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot be written: {type(value).__name__}")


def _from_plain(kind: type, value: Any) -> Any:
    if isinstance(value, bytes):
        return np.frombuffer(value, dtype="<f8")
    raise TypeError(f"cannot be read: {kind!r}")


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_to_plain)
_head_decoder: Final = msgspec.msgpack.Decoder(_ReadingsHead)


def encode_catalogue(catalogue: Catalogue) -> bytes:
    """Return the body of a CATALOGUE record."""
    return _encoder.encode((catalogue.signals, sorted(catalogue.texts)))


def decode_catalogue(body: bytes) -> Catalogue:
    """Return the catalogue that a body holds; raises `IntegrityError` where it cannot be read."""
    signals, texts = _decode(body, tuple[tuple[str, ...], tuple[str, ...]])
    return Catalogue(signals, frozenset(texts))


def encode_readings(batch: ReadingBatch) -> bytes:
    """Return the body of a READINGS record: a padded header, then one raw column after another."""
    head = _encoder.encode(_ReadingsHead(batch.catalogue.digest, len(batch), batch.texts))
    padding = b"\0" * (-(len(head) + 4) % 8)
    size = len(head).to_bytes(4, "little")
    columns = [np.ascontiguousarray(getattr(batch, name), dtype=kind).tobytes() for name, kind in _COLUMNS]
    return b"".join((size, head, padding, *columns))


def readings_catalogue(body: bytes) -> str:
    """Return the digest of the catalogue that a READINGS body was written with."""
    return _readings_head(body)[0].catalogue


def readings_count(body: bytes) -> int:
    """Return how many readings a READINGS body says that it holds."""
    return _readings_head(body)[0].count


def check_readings(body: bytes) -> None:
    """Check that a READINGS body is whole; raises `IntegrityError` where it is not."""
    head, offset = _readings_head(body)
    if len(body) != offset + head.count * _READING_BYTES:
        raise IntegrityError("readings have the wrong length", field="length", value=len(body))


def decode_readings(body: bytes, catalogue: Catalogue) -> ReadingBatch:
    """Return the readings that a body holds; its columns are read-only views of the body.

    Raises:
        IntegrityError: the body is damaged, or was written with another catalogue.
    """
    head, offset = _readings_head(body)
    if head.catalogue != catalogue.digest:
        raise IntegrityError("readings of another catalogue", value=head.catalogue, choices=(catalogue.digest,))
    check_readings(body)
    columns = {}
    for name, kind in _COLUMNS:
        columns[name] = np.frombuffer(body, dtype=kind, count=head.count, offset=offset)
        offset += columns[name].nbytes
    return ReadingBatch(catalogue=catalogue, texts=head.texts, **columns)


def encode_items(items: Sequence[Any]) -> bytes:
    """Return the body of a record of frozen dataclasses (parts, predictions, alert events, outcomes, ...)."""
    return _encoder.encode(tuple(items))


def decode_items(body: bytes, kind: type[_T]) -> tuple[_T, ...]:
    """Return the items of one kind that a body holds; raises `IntegrityError` where they cannot be read."""
    items: tuple[_T, ...] = _decode(body, tuple[kind, ...])  # type: ignore[valid-type]
    return items


def _readings_head(body: bytes) -> tuple[_ReadingsHead, int]:
    size = int.from_bytes(body[:4], "little")
    try:
        return _head_decoder.decode(body[4 : 4 + size]), 4 + size + -(size + 4) % 8
    except UNREADABLE as error:
        raise IntegrityError(f"the header of readings cannot be read: {error}") from error


def _decode(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.msgpack.decode(body, type=kind, dec_hook=_from_plain)
    except (*UNREADABLE, TypeError) as error:
        raise IntegrityError(f"a body cannot be read: {error}") from error
