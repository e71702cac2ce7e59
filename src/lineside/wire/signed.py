"""Signed envelopes: bytes, what they are for, and who vouches for them.

A signature (Ed25519, RFC 8032) covers a fixed tag, the *purpose* and the payload, each behind its length, so that what
was signed for one purpose never passes for another, and no two different contents have one form (the pre-authentication
encoding of DSSE, with the purpose as the payload type). An envelope may carry several signatures; who checks it names
the *roles* that must be among them. A key is known by the SHA-256 of its public half, and trusted for certain roles
until a certain time, never because an envelope says so: the keys that count come from outside.

An envelope travels as JSON in one canonical form; bytes in it are base64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lineside.domain.errors import IntegrityError
from lineside.wire.unreadable import UNREADABLE

MOST_BYTES: Final = 8 << 20
"""Greatest size of an envelope: larger things are named in it by their digests."""
_TAG: Final = b"lineside signed v1"
_MOST_SIGNATURES: Final = 8


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The id of a key, and its signature of the envelope's purpose and payload (64 bytes)."""

    key: str
    signature: bytes


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signed bytes; ``purpose`` says what they are, such as ``lineside bundle``."""

    format: int = 1
    purpose: str
    payload: bytes
    signatures: tuple[Signature, ...]


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public key (32 bytes, raw) and what it may vouch for: its roles, until ``expires`` (UTC ns; None: no end)."""

    name: str
    public: bytes
    roles: tuple[str, ...]
    expires: int | None = None

    @property
    def id(self) -> str:
        """The key's id: see `key_id`."""
        return key_id(self.public)


class Signer:
    """Signs with one private key, given by its 32 bytes of seed (`lineside.adapters.durable_files.load_key`)."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def trusted(self, name: str, *roles: str, expires: int | None = None) -> TrustedKey:
        """Return the entry that makes others trust this key for these roles."""
        return TrustedKey(name=name, public=self.public, roles=roles, expires=expires)

    def sign(self, purpose: str, payload: bytes) -> bytes:
        """Return the bytes of an envelope with this key's signature."""
        return encode_envelope(Envelope(purpose=purpose, payload=payload, signatures=(self._sign(purpose, payload),)))

    def cosign(self, data: bytes) -> bytes:
        """Return an envelope's bytes with this key's signature added; its other signatures stay.

        Raises:
            IntegrityError: the bytes are no envelope.
        """
        envelope = decode_envelope(data)
        others = tuple(item for item in envelope.signatures if item.key != key_id(self.public))
        own = self._sign(envelope.purpose, envelope.payload)
        return encode_envelope(msgspec.structs.replace(envelope, signatures=(*others, own)))

    def _sign(self, purpose: str, payload: bytes) -> Signature:
        return Signature(key=key_id(self.public), signature=self._key.sign(_signed(purpose, payload)))


def verify(data: bytes, *, purpose: str, roles: Sequence[str], trusted: Iterable[TrustedKey], now: int) -> bytes:
    """Return the payload of an envelope that a trusted key has signed in each of the roles.

    Signatures of unknown keys count for nothing; one of a known key that does not fit refuses the whole.

    Args:
        data: the envelope's bytes.
        purpose: what the payload must be.
        roles: every role that must have signed; at least one.
        trusted: the keys that count.
        now: the time, UTC ns, against which the keys' ends are held.

    Raises:
        IntegrityError: it is no envelope, is for another purpose, was changed, or a role has not signed.
        ValueError: no role is named, so that nothing would be checked.
    """
    if not roles:
        raise ValueError("verify needs a role that must have signed")
    envelope = decode_envelope(data)
    if envelope.purpose != purpose:
        raise IntegrityError("signed for another purpose", field="purpose", value=envelope.purpose, choices=(purpose,))
    known = {key.id: key for key in trusted}
    signers = [known[item.key] for item in envelope.signatures if _holds(envelope, item, known)]
    for role in roles:
        _check_role(role, signers, [item.key for item in envelope.signatures], now)
    return envelope.payload


def key_id(public: bytes) -> str:
    """Return the id of a public key: the first half of its SHA-256, hexadecimal (32 characters)."""
    return hashlib.sha256(public).hexdigest()[:32]


def encode_envelope(envelope: Envelope) -> bytes:
    """Return the canonical bytes of an envelope."""
    return msgspec.json.encode(envelope, order="deterministic")


def decode_envelope(data: bytes) -> Envelope:
    """Return the envelope that the bytes hold; its signatures are not checked by this.

    Raises:
        IntegrityError: the bytes are no envelope of this version in its canonical form.
    """
    if len(data) > MOST_BYTES:
        raise IntegrityError("a signed envelope is too large", field="length", value=len(data), choices=(MOST_BYTES,))
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
    except UNREADABLE as error:
        raise IntegrityError(f"not a signed envelope: {error}") from error
    if envelope.format != 1 or len(envelope.signatures) > _MOST_SIGNATURES or encode_envelope(envelope) != data:
        raise IntegrityError("a signed envelope is not in its one canonical form, or of another version")
    return envelope


def encode_trust(keys: Sequence[TrustedKey]) -> bytes:
    """Return a list of trusted keys as the bytes of a file."""
    return msgspec.json.format(msgspec.json.encode(keys), indent=2) + b"\n"


def decode_trust(data: bytes) -> tuple[TrustedKey, ...]:
    """Return the trusted keys that a file's bytes list.

    Raises:
        IntegrityError: they hold no such list, or a key that is none.
    """
    try:
        keys = msgspec.json.decode(data, type=tuple[TrustedKey, ...])
        for key in keys:
            Ed25519PublicKey.from_public_bytes(key.public)
    except (*UNREADABLE, ValueError) as error:
        raise IntegrityError(f"a list of trusted keys cannot be read: {error}") from error
    return keys


def _holds(envelope: Envelope, item: Signature, known: dict[str, TrustedKey]) -> bool:
    """Return whether a signature is a known key's; one that does not fit raises."""
    if item.key not in known:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(known[item.key].public)
        public.verify(item.signature, _signed(envelope.purpose, envelope.payload))
    except (InvalidSignature, ValueError) as error:
        raise IntegrityError(
            "a signature does not fit: what was signed was changed", field=envelope.purpose, value=item.key
        ) from error
    return True


def _check_role(role: str, signers: Sequence[TrustedKey], named: Sequence[str], now: int) -> None:
    able = [key for key in signers if role in key.roles]
    if any(key.expires is None or now < key.expires for key in able):
        return
    if able:
        raise IntegrityError(f"signed by a key whose time as {role} has passed", field=role, value=able[0].name)
    raise IntegrityError(
        f"not signed by a key that is trusted as {role}",
        field=role,
        value=list(named),
        next_step="sign it with the right key, or trust the key that signed it",
    )


def _signed(purpose: str, payload: bytes) -> bytes:
    """Return the bytes that a signature covers."""
    kind = purpose.encode()
    return b"%b %d %b %d %b" % (_TAG, len(kind), kind, len(payload), payload)
