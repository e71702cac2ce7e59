"""How the bodies of records are written and read.

Readings travel as little-endian columns behind a short header, each as narrow as it is without loss
(`lineside.wire.columns`); everything else, which is rare beside them, as MessagePack of the domain's own frozen
dataclasses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from lineside.domain.errors import IntegrityError
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.wire.columns import Form, Shape, check_form, pack_values, pack_whole, unpack_values, unpack_whole
from lineside.wire.unreadable import UNREADABLE

_T = TypeVar("_T")


class _ReadingsHead(msgspec.Struct, frozen=True, array_like=True):
    catalogue: str
    count: int
    texts: tuple[str, ...]
    forms: tuple[Form, ...] = ()
    """Of each column; none where all are raw, as in what was written before there were forms."""


_COLUMNS: Final = (
    # (name, type): the widest first, so that raw ones stay aligned
    ("source_time", "<i8"),
    ("receive_time", "<i8"),
    ("value", "<f8"),
    ("signal", "<i4"),
    ("status", "<u4"),
)
_FEWEST: Final = 64
"""Fewer readings are written as they are: looking for forms would take longer than it saves."""
_MOST: Final = 1 << 20
"""More readings are written as they are: a few bytes must not be able to ask for any amount of memory."""


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
    """Return the body of a READINGS record: a padded header, then one column after another."""
    forms, columns = _packed(batch) if _FEWEST <= len(batch) <= _MOST else _as_they_are(batch)
    head = _encoder.encode(_ReadingsHead(batch.catalogue.digest, len(batch), batch.texts, forms))
    padding = b"\0" * (-(len(head) + 4) % 8)
    size = len(head).to_bytes(4, "little")
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
    _forms_in(body, head, offset)


def decode_readings(body: bytes, catalogue: Catalogue) -> ReadingBatch:
    """Return the readings that a body holds; columns may be read-only views of the body.

    Raises:
        IntegrityError: the body is damaged, or was written with another catalogue.
    """
    head, offset = _readings_head(body)
    if head.catalogue != catalogue.digest:
        raise IntegrityError("readings of another catalogue", value=head.catalogue, choices=(catalogue.digest,))
    columns: dict[str, Any] = {}
    for (name, kind), form in zip(_COLUMNS, _forms_in(body, head, offset), strict=True):
        data = memoryview(body)[offset : offset + form.size]
        if name == "value":
            columns[name] = unpack_values(form, data, head.count)
        else:
            beside = columns["source_time"] if name == "receive_time" else None
            columns[name] = unpack_whole(form, data, kind, head.count, beside)
        offset += form.size
    return ReadingBatch(catalogue=catalogue, texts=head.texts, **columns)


def encode_items(items: Sequence[Any]) -> bytes:
    """Return the body of a record of frozen dataclasses (parts, predictions, alert events, outcomes, ...)."""
    return _encoder.encode(tuple(items))


def decode_items(body: bytes, kind: type[_T]) -> tuple[_T, ...]:
    """Return the items of one kind that a body holds; raises `IntegrityError` where they cannot be read."""
    items: tuple[_T, ...] = _decode(body, tuple[kind, ...])  # type: ignore[valid-type]
    return items


def _packed(batch: ReadingBatch) -> tuple[tuple[Form, ...], list[bytes]]:
    packed = [
        pack_whole(batch.source_time),
        pack_whole(batch.receive_time, beside=batch.source_time),
        pack_values(batch.value),
        pack_whole(batch.signal),
        pack_whole(batch.status),
    ]
    return tuple(form for form, _ in packed), [data for _, data in packed]


def _as_they_are(batch: ReadingBatch) -> tuple[tuple[Form, ...], list[bytes]]:
    return (), [np.ascontiguousarray(getattr(batch, name), dtype=kind).tobytes() for name, kind in _COLUMNS]


def _forms_in(body: bytes, head: _ReadingsHead, offset: int) -> tuple[Form, ...]:
    """Return the form of each column of a body; raises `IntegrityError` where they do not fill it."""
    forms = _forms_of(head)
    if len(body) != offset + sum(form.size for form in forms):
        raise IntegrityError("readings have the wrong length", field="length", value=len(body))
    return forms


def _forms_of(head: _ReadingsHead) -> tuple[Form, ...]:
    """Return the form of each column; raises `IntegrityError` where they are not those of so many readings."""
    if not head.forms:
        return tuple(Form(Shape.RAW, np.dtype(kind).itemsize * head.count) for _, kind in _COLUMNS)
    if len(head.forms) != len(_COLUMNS) or not head.count <= _MOST:
        raise IntegrityError("readings have too many columns or rows", field="count", value=head.count)
    for form, (_, kind) in zip(head.forms, _COLUMNS, strict=True):
        check_form(form, kind, head.count)
    return head.forms


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
