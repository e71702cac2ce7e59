"""A signed canary offer: that gateways may let a model judge some of the parts beside the one in service.

It holds an ordinary offer with the scope of the canary, and is signed for a purpose of its own: it never passes for an
offer, and a gateway that knows no canaries never sees one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from lineside.domain.errors import InputError, IntegrityError
from lineside.domain.releases.canary import Canary
from lineside.domain.units import DAY
from lineside.wire.offers import RELEASE_ROLE, Offer
from lineside.wire.signed import Signer, TrustedKey, decode_envelope, verify
from lineside.wire.unreadable import UNREADABLE

PURPOSE: Final = "lineside canary offer"
CANARY_LASTS: Final = 14 * DAY
"""How long a canary may be taken: it is a trial, and ends by itself."""


class CanaryOffer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One canary: the offer of its bundle, the share of parts (0: all) and the stations (empty: all) it judges."""

    offer: Offer
    share: float
    stations: tuple[str, ...] = ()

    @property
    def canary(self) -> Canary:
        """Its scope."""
        return Canary(share=self.share, stations=self.stations)


def sign_canary(canary: CanaryOffer, signer: Signer) -> bytes:
    """Return the envelope of a canary offer, signed."""
    return signer.sign(PURPOSE, msgspec.json.encode(canary, order="deterministic"))


def verify_canary(data: bytes, trusted: Iterable[TrustedKey], now: int) -> CanaryOffer:
    """Return the canary offer that an envelope holds, its signature checked; ``now`` in UTC ns.

    Raises:
        IntegrityError: it is not signed by a key trusted for releases, or is no canary offer.
    """
    return _decode(verify(data, purpose=PURPOSE, roles=(RELEASE_ROLE,), trusted=trusted, now=now))


def read_canary(data: bytes) -> CanaryOffer:
    """Return the canary offer in an envelope without asking who signed it: to show it, never to act on it.

    Raises:
        IntegrityError: it is no envelope of a canary offer.
    """
    return _decode(decode_envelope(data).payload)


def _decode(payload: bytes) -> CanaryOffer:
    try:
        found = msgspec.json.decode(payload, type=CanaryOffer)
        _ = found.canary  # refuses a scope that no canary may have
    except (*UNREADABLE, InputError) as error:
        raise IntegrityError(f"a signed canary offer cannot be read: {error}") from error
    return found
