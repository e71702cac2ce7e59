"""A signed offer: that gateways of certain lines may run a certain model, and what they fall back to.

A bundle is what was learned; an offer is the permission to run it. The offer lists every file of the bundle with size
and SHA-256 (the bundle's manifest among them, as ``manifest.json``), so that nothing can be exchanged, added or left
out. Its ``version`` counts up for each station and characteristic: a gateway that has seen version 7 takes nothing
older, and a deliberate return to an old model is a new version that names the old digest. After ``expires`` an offer
is not taken any more, so that holding messages back cannot keep a gateway on something old for ever unnoticed; what
already runs goes on. ``fallback_digest`` names the only model to which a gateway may return by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from lineside.domain.errors import IntegrityError
from lineside.domain.units import DAY
from lineside.wire.bundle import (
    GOLDEN_ANSWERS,
    GOLDEN_PARTS,
    Bundle,
    FileFact,
    encode_manifest,
    manifest_digest,
    unpack_bundle,
)
from lineside.wire.signed import Signer, TrustedKey, decode_envelope, verify
from lineside.wire.unreadable import UNREADABLE

PURPOSE: Final = "lineside model offer"
RELEASE_ROLE: Final = "release"
"""The role of the key that signs offers."""
MANIFEST_FILE: Final = "manifest.json"
VALID_FOR: Final = 90 * DAY
"""How long an offer may be taken, unless said otherwise."""


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One offer; times are UTC ns of the wall clock, digests SHA-256 in hexadecimal.

    ``model`` is the bundle's name for people, ``digest`` that of its manifest (`manifest_digest`), ``golden`` that of
    its golden parts with their answers; ``plan_digest`` and ``recipe`` are what it was learned for.
    """

    format: int = 1
    version: int
    site: str
    lines: tuple[str, ...]
    station: str
    characteristic: str
    model: str
    digest: str
    files: tuple[FileFact, ...]
    plan_digest: str
    recipe: str
    golden: str
    fallback_digest: str = ""
    made: int
    expires: int
    note: str = ""

    @property
    def place(self) -> str:
        """What the model is for: ``<station>/<characteristic>``."""
        return f"{self.station}/{self.characteristic}"

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(fact.size for fact in self.files)


def make_offer(
    bundle: Bundle, *, version: int, now: int, fallback: str = "", valid_for: int = VALID_FOR, note: str = ""
) -> Offer:
    """Return the offer of a bundle to its own line; ``fallback`` is the digest of the model to return to."""
    manifest = bundle.manifest
    return Offer(
        version=version,
        site=manifest.site,
        lines=(manifest.line,),
        station=manifest.station,
        characteristic=manifest.characteristic,
        model=bundle.name,
        digest=manifest_digest(manifest),
        files=file_facts(bundle),
        plan_digest=manifest.plan_digest,
        recipe=manifest.recipe,
        golden=golden_digest(bundle),
        fallback_digest=fallback,
        made=now,
        expires=now + valid_for,
        note=note,
    )


def file_facts(bundle: Bundle) -> tuple[FileFact, ...]:
    """Return size and hash of every file of a bundle, its manifest first."""
    raw = encode_manifest(bundle.manifest)
    manifest = FileFact(name=MANIFEST_FILE, size=len(raw), sha256=hashlib.sha256(raw).hexdigest())
    return (manifest, *bundle.manifest.files)


def golden_digest(bundle: Bundle) -> str:
    """Return the digest of a bundle's golden parts and their answers; empty where it has none."""
    if GOLDEN_PARTS not in bundle.files or GOLDEN_ANSWERS not in bundle.files:
        return ""
    return hashlib.sha256(
        b"".join(hashlib.sha256(bundle.files[name]).digest() for name in (GOLDEN_PARTS, GOLDEN_ANSWERS))
    ).hexdigest()


def sign_offer(offer: Offer, signer: Signer) -> bytes:
    """Return the envelope of an offer, signed."""
    return signer.sign(PURPOSE, msgspec.json.encode(offer, order="deterministic"))


def verify_offer(data: bytes, trusted: Iterable[TrustedKey], now: int) -> Offer:
    """Return the offer that an envelope holds, its signature checked; ``now`` in UTC ns.

    Raises:
        IntegrityError: it is not signed by a key trusted for releases, or is no offer.
    """
    return _decode(verify(data, purpose=PURPOSE, roles=(RELEASE_ROLE,), trusted=trusted, now=now))


def read_offer(data: bytes) -> Offer:
    """Return the offer in an envelope without asking who signed it: to show it, never to act on it.

    Raises:
        IntegrityError: it is no envelope of an offer.
    """
    return _decode(decode_envelope(data).payload)


def offered_bundle(offer: Offer, body: bytes) -> Bundle:
    """Return the bundle of an offer from its packed bytes.

    Raises:
        IntegrityError: the bytes are another bundle, or hold other files than the offer lists.
    """
    bundle = unpack_bundle(body)
    if manifest_digest(bundle.manifest) != offer.digest or file_facts(bundle) != offer.files:
        raise IntegrityError("a bundle is not the one that was signed", field=offer.model, value=bundle.name)
    if golden_digest(bundle) != offer.golden:
        raise IntegrityError("a bundle's golden parts are not those that were signed", field=offer.model)
    return bundle


def fallback_bundle(offer: Offer, body: bytes) -> Bundle:
    """Return the fallback of an offer from its packed bytes.

    Raises:
        IntegrityError: the bytes are another bundle than the one whose digest was signed.
    """
    bundle = unpack_bundle(body)
    if manifest_digest(bundle.manifest) != offer.fallback_digest:
        raise IntegrityError("a fallback is not the one that was signed", field=offer.model, value=bundle.name)
    return bundle


def _decode(payload: bytes) -> Offer:
    try:
        offer = msgspec.json.decode(payload, type=Offer)
    except UNREADABLE as error:
        raise IntegrityError(f"a signed offer cannot be read: {error}") from error
    if offer.format != 1 or offer.version < 1 or not offer.digest:
        raise IntegrityError("a signed offer is of another form", field="version", value=offer.version)
    return offer
