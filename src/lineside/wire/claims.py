"""What a gateway says that it has accepted, stretch by stretch, and what the plant says to that.

A claim travels to the same subject as records do. The answer is signed as a watermark is.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import astuple
from typing import Final

import msgspec

from lineside.domain.errors import IntegrityError
from lineside.domain.reconciling import Stretch
from lineside.wire.unreadable import UNREADABLE

MAGIC: Final = b"LSC1"


class _Claim(msgspec.Struct, frozen=True, array_like=True):
    writer: str
    epoch: str
    site: str
    line: str
    stretches: tuple[tuple[int, int, int, int], ...]


class Claim(msgspec.Struct, frozen=True):
    """The stretches of one stream, complete and confirmed by the plant's watermark."""

    writer: str
    epoch: str
    site: str
    line: str
    stretches: tuple[Stretch, ...]


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    body: bytes
    signature: bytes


class _Answer(msgspec.Struct, frozen=True, array_like=True):
    epoch: str
    stretches: tuple[tuple[int, int, int, int], ...]
    problem: str = ""


def encode_claim(claim: Claim) -> bytes:
    """Return a claim as bytes."""
    stretches = tuple(astuple(item) for item in claim.stretches)
    return MAGIC + msgspec.msgpack.encode(_Claim(claim.writer, claim.epoch, claim.site, claim.line, stretches))


def is_claim(data: bytes) -> bool:
    """Return whether a request is a claim and no record."""
    return data[: len(MAGIC)] == MAGIC


def decode_claim(data: bytes) -> Claim:
    """Return the claim that the bytes hold; raises `IntegrityError` where they hold none."""
    try:
        found = msgspec.msgpack.decode(data[len(MAGIC) :], type=_Claim)
    except UNREADABLE as error:
        raise IntegrityError(f"a claim cannot be read: {error}") from error
    return Claim(found.writer, found.epoch, found.site, found.line, _stretches(found.stretches))


def sign_answer(epoch: str, stretches: tuple[Stretch, ...], key: bytes, problem: str = "") -> bytes:
    """Return what the plant holds of the claimed stretches, or why it cannot say, with an HMAC-SHA256 over it."""
    body = msgspec.msgpack.encode(_Answer(epoch, tuple(astuple(item) for item in stretches), problem))
    return msgspec.msgpack.encode(_Signed(body, hmac.digest(key, body, hashlib.sha256)))


def read_answer(data: bytes, epoch: str, key: bytes) -> dict[int, Stretch]:
    """Return what the plant holds of a stream, by the number of the stretch.

    Raises:
        IntegrityError: the answer is damaged, not signed with this key, of another stream, or says why there is none.
    """
    try:
        signed = msgspec.msgpack.decode(data, type=_Signed)
        if not hmac.compare_digest(hmac.digest(key, signed.body, hashlib.sha256), signed.signature):
            raise IntegrityError("the signature of an answer to a claim does not fit")
        found = msgspec.msgpack.decode(signed.body, type=_Answer)
    except UNREADABLE as error:
        raise IntegrityError(f"an answer to a claim cannot be read: {error}") from error
    if found.problem or found.epoch != epoch:
        raise IntegrityError(found.problem or "an answer about another stream", field="epoch", value=found.epoch)
    return {item.number: item for item in _stretches(found.stretches)}


def _stretches(found: tuple[tuple[int, int, int, int], ...]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(number=number, records=records, readings=readings, keys=keys)
        for number, records, readings, keys in found
    )
