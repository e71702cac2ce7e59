"""The plant's answer to a record: how much of a writer's sequence it holds without a gap, signed."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from typing import Final

import msgspec

from lineside.domain.errors import IntegrityError
from lineside.wire.unreadable import UNREADABLE


class Refusal(StrEnum):
    """Why the plant did not take a record; ``Watermark.refused`` begins with it."""

    DAMAGED = "damaged"
    """It came with a checksum that does not fit: send it again."""
    NOT_OURS = "not_ours"
    """Of a site, line or writer that this plant does not know: its set-up must change, the record need not."""
    UNREADABLE = "unreadable"
    """Whole, but its body is not what its kind says: it will never be taken."""
    CONFLICT = "conflict"
    """Another record holds its identity: two writers share one outbox, or one was restored from a copy."""
    HELD = "held"
    """Another live process holds the same outbox: one of the two must be stopped."""


class Watermark(msgspec.Struct, frozen=True, array_like=True):
    """All records of ``(writer, epoch)`` up to and including ``sequence`` are durable at the plant.

    ``missing`` lists sequences above it that are known to be absent though later ones have come. ``refused``
    says why the record at hand was not taken, where it was not: a `Refusal`, then ``": "`` and a sentence.
    """

    writer: str
    epoch: str
    sequence: int
    missing: tuple[int, ...] = ()
    refused: str = ""

    @property
    def refusal(self) -> Refusal | None:
        """The kind of refusal, None where the record was taken."""
        return Refusal(self.refused.partition(":")[0]) if self.refused else None


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    body: bytes
    signature: bytes


_encoder: Final = msgspec.msgpack.Encoder()


def sign_watermark(watermark: Watermark, key: bytes) -> bytes:
    """Return the watermark as bytes with an HMAC-SHA256 over them."""
    body = _encoder.encode(watermark)
    return _encoder.encode(_Signed(body, hmac.digest(key, body, hashlib.sha256)))


def read_watermark(data: bytes, key: bytes) -> Watermark:
    """Return the watermark that the bytes hold.

    Raises:
        IntegrityError: the bytes are damaged or were not signed with this key.
    """
    try:
        signed = msgspec.msgpack.decode(data, type=_Signed)
        if not hmac.compare_digest(hmac.digest(key, signed.body, hashlib.sha256), signed.signature):
            raise IntegrityError("a watermark's signature does not fit")
        return msgspec.msgpack.decode(signed.body, type=Watermark)
    except UNREADABLE as error:
        raise IntegrityError(f"a watermark cannot be read: {error}") from error
