"""How a gateway becomes known to its plant: the token, the request and the answer.

The token is carried to the device by a person and holds everything that the device must trust from then on: where
the plant is, the keys by which it knows the plant, and the authority of its TLS certificate. Its secret is the seed
of a key pair: it signs the request and signs in at the transport, and neither sends it anywhere. The plant keeps its
public half. The request is signed by the token's key and by the gateway's new one, the answer by the plant's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final, TypeVar

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lineside.domain.enrolment import Applicant
from lineside.domain.errors import InputError, IntegrityError
from lineside.wire.signed import Signer, TrustedKey, decode_envelope, verify
from lineside.wire.unreadable import UNREADABLE

REQUEST: Final = "lineside enrolment request"
ANSWER: Final = "lineside enrolment answer"
ROTATION: Final = "lineside gateway key rotation"
_PREFIX: Final = "lineside-enrol."
_CHECK_BYTES: Final = 4
_MOST_TEXT: Final = 16_384

_T = TypeVar("_T")


class EnrolToken(msgspec.Struct, frozen=True, array_like=True):
    """All that a device needs to enrol. ``secret`` is shown to nobody but the device; ``authority`` is DER, or empty.

    ``plant`` is the public key by which answers and configuration are checked, ``exchange`` the one from which
    the key of watermarks is derived (32 bytes each).
    """

    id: str
    gateway: str
    site: str
    line: str
    url: str
    secret: bytes
    plant: bytes
    exchange: bytes
    authority: bytes
    expires: int

    def __repr__(self) -> str:
        """Return the token without its secret."""
        return f"EnrolToken(id={self.id!r}, gateway={self.gateway!r}, line={self.line!r})"


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device asks with: the token, itself, and the public halves of its keys."""

    token: str
    gateway: str
    site: str
    line: str
    key: bytes
    exchange: bytes
    time: int

    @property
    def applicant(self) -> Applicant:
        """The same for the rules."""
        return Applicant(
            token=self.token,
            gateway=self.gateway,
            site=self.site,
            line=self.line,
            key=self.key.hex(),
            exchange=self.exchange.hex(),
            time=self.time,
        )


class EnrolAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plant's answer to the device with that key: enrolled, or ``refused`` with the reason.

    ``trusted`` are the keys whose signed offers of models the device shall believe from now on.
    """

    token: str
    key: bytes
    time: int
    refused: str = ""
    trusted: tuple[TrustedKey, ...] = ()


class KeyRotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a gateway wants to be known by another key from now on; signed by the old one and the new one."""

    gateway: str
    key: bytes
    time: int


def encode_token(token: EnrolToken) -> str:
    """Return a token as one line of text."""
    body = msgspec.msgpack.encode(token)
    return _PREFIX + base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:_CHECK_BYTES] + body).decode().rstrip("=")


def decode_token(text: str) -> EnrolToken:
    """Return the token that a text holds.

    Raises:
        InputError: it is none, or not the whole of one. The text itself is not repeated: it is a secret.
    """
    text = text.strip()
    wrong = InputError("not an enrolment token, or not the whole of one", next_step="copy all of it, or have a new one")
    if not text.startswith(_PREFIX) or len(text) > _MOST_TEXT:
        raise wrong
    coded = text.removeprefix(_PREFIX)
    try:
        raw = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True)
        check, body = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        if hashlib.sha256(body).digest()[:_CHECK_BYTES] != check:
            raise wrong
        return msgspec.msgpack.decode(body, type=EnrolToken)
    except (*UNREADABLE, binascii.Error, ValueError) as error:
        raise wrong from error


def sign_request(request: EnrolRequest, token: Signer, gateway: Signer) -> bytes:
    """Return a request signed by the token's key and by the gateway's own."""
    return gateway.cosign(token.sign(REQUEST, msgspec.json.encode(request)))


def peek_request(data: bytes) -> EnrolRequest:
    """Return what an unchecked request says, to look its token up; raises `IntegrityError` where it is none."""
    return _decode(decode_envelope(data).payload, EnrolRequest)


def verify_request(data: bytes, token_public: bytes, now: int) -> EnrolRequest:
    """Return a request whose signatures are the token's and the gateway's.

    Raises:
        IntegrityError: one of them is missing or does not fit.
    """
    claimed = peek_request(data)
    trusted = (
        TrustedKey(name="token", public=token_public, roles=("token",)),
        TrustedKey(name=claimed.gateway, public=claimed.key, roles=("gateway",)),
    )
    payload = verify(data, purpose=REQUEST, roles=("token", "gateway"), trusted=trusted, now=now)
    return _decode(payload, EnrolRequest)


def sign_answer(answer: EnrolAnswer, plant: Signer) -> bytes:
    """Return an answer signed by the plant."""
    return plant.sign(ANSWER, msgspec.json.encode(answer))


def verify_answer(data: bytes, plant: bytes, now: int) -> EnrolAnswer:
    """Return an answer that the plant with that public key has signed.

    Raises:
        IntegrityError: somebody else has, or nobody.
    """
    trusted = TrustedKey(name="plant", public=plant, roles=("plant",))
    return _decode(verify(data, purpose=ANSWER, roles=("plant",), trusted=(trusted,), now=now), EnrolAnswer)


def sign_rotation(rotation: KeyRotation, old: Signer, new: Signer) -> bytes:
    """Return a change of key signed by both keys."""
    return new.cosign(old.sign(ROTATION, msgspec.json.encode(rotation)))


def verify_rotation(data: bytes, known: bytes, now: int) -> KeyRotation:
    """Return a change of key that the key known so far and the new one have signed.

    Raises:
        IntegrityError: one of them has not.
    """
    claimed = _decode(decode_envelope(data).payload, KeyRotation)
    trusted: tuple[TrustedKey, ...] = (
        TrustedKey(name="known", public=known, roles=("known",)),
        TrustedKey(name="new", public=claimed.key, roles=("new",)),
    )
    if claimed.key == known:  # it was taken before, and the answer was lost
        trusted = (TrustedKey(name="known", public=known, roles=("known", "new")),)
    return _decode(verify(data, purpose=ROTATION, roles=("known", "new"), trusted=trusted, now=now), KeyRotation)


def exchange_public(private: bytes) -> bytes:
    """Return the public half (32 bytes) of a key for `watermark_key`."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def watermark_key(private: bytes, public: bytes, writer: str) -> bytes:
    """Return the key of a writer's watermarks, which its two sides derive and nobody sends (X25519, then HKDF).

    Raises:
        IntegrityError: the public key is none.
    """
    try:
        shared = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise IntegrityError("not a key for the exchange", field="exchange", value=len(public)) from error
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"lineside watermark " + writer.encode()).derive(
        shared
    )


def _decode(data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        raise IntegrityError(f"a message about enrolment cannot be read: {error}") from error
