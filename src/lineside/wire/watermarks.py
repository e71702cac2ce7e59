"""The plant's answer to a record: how much of a writer's sequence it holds without a gap, signed."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec

from lineside.domain.errors import IntegrityError


class Watermark(msgspec.Struct, frozen=True, array_like=True):
    """All records of ``(writer, epoch)`` up to and including ``sequence`` are durable at the plant.

    ``missing`` lists sequences above it that are known to be absent though later ones have come. ``refused``
    says why the record at hand was not taken, where it was not.
    """

    writer: str
    epoch: str
    sequence: int
    missing: tuple[int, ...] = ()
    refused: str = ""


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
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"a watermark cannot be read: {error}") from error
