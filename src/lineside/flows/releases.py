"""Models on their way from the plant to the gateways of a line.

A gateway asks which models are offered, and checks each offer's signature and whether it may take it *before* it
fetches anything. It asks again whenever the plant says that something has changed, and at every start; where the plant
does not answer, or sends what cannot be believed, it runs what it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from lineside.domain.errors import ConfigurationError, IntegrityError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.plan.digest import judging_digest
from lineside.domain.plan.model import Plan
from lineside.ports import Bus
from lineside.wire.offers import Offer
from lineside.wire.releases import PIECE, ReleaseReply, ReleaseRequest, decode, encode
from lineside.wire.subjects import Subjects

QUEUE: Final = "releases"
CHANGED: Final = b"releases"
"""Message on the control subject: ask again which models are offered."""
_OVERHEAD: Final = 4 << 10
"""Bytes of a packed bundle beyond those of its files, at most."""


async def serve_releases(
    bus: Bus,
    subjects: Subjects,
    offers: Callable[[], Iterable[bytes]],
    body: Callable[[str], bytes],
    canaries: Callable[[], Iterable[bytes]] = tuple,
) -> None:
    """Answer the gateways of a line.

    Args:
        bus: the transport.
        subjects: those of the line.
        offers: gives the signed offers in force.
        body: gives the packed bundle of a digest; empty where it is none that is offered or fallen back to.
        canaries: gives the signed canary offers in force.
    """

    async def answer(data: bytes) -> bytes:
        request = decode(data, ReleaseRequest)
        if not request.digest:
            found = tuple(await asyncio.to_thread(offers)), tuple(await asyncio.to_thread(canaries))
            return encode(ReleaseReply(offers=found[0], canaries=found[1]))
        whole = await asyncio.to_thread(body, request.digest)
        return encode(ReleaseReply(piece=whole[request.offset : request.offset + PIECE], size=len(whole)))

    await bus.serve(subjects.release, answer, QUEUE)


async def fetch_offers(bus: Bus, subjects: Subjects, within: float = 2.0) -> tuple[bytes, ...]:
    """Return the envelopes that the plant offers, none of them checked.

    Raises:
        UnavailableError: the plant does not answer.
        IntegrityError: what it answers is no reply.
    """
    return decode(await bus.request(subjects.release, encode(ReleaseRequest()), within), ReleaseReply).offers


async def fetch_canaries(bus: Bus, subjects: Subjects, within: float = 2.0) -> tuple[bytes, ...]:
    """Return the canary envelopes that the plant offers, none of them checked; errors as `fetch_offers`."""
    return decode(await bus.request(subjects.release, encode(ReleaseRequest()), within), ReleaseReply).canaries


async def fetch_body(bus: Bus, subjects: Subjects, digest: str, most: int, within: float = 2.0) -> bytes:
    """Return the packed bundle of a digest, of ``most`` bytes of files at most; what it holds is not checked here.

    Raises:
        UnavailableError: the plant does not answer.
        IntegrityError: it has no such bundle, or sends more than was signed.
    """
    body, size = b"", 1
    while len(body) < size:
        request = encode(ReleaseRequest(digest, len(body)))
        reply = decode(await bus.request(subjects.release, request, within), ReleaseReply)
        body, size = body + reply.piece, reply.size
        if not reply.piece or size > most + _OVERHEAD:
            raise IntegrityError("the plant does not have the bundle that it offers", field=digest[:12], value=size)
    return body


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a gateway has seen of a place before: the highest version of an offer, and the version that failed here."""

    version: int = 0
    failed: int = 0


def check_offer(offer: Offer, plan: Plan, seen: Seen, now: int) -> None:
    """Refuse an offer that a gateway of this plan must not take; ``now`` is the wall clock, UTC ns.

    Raises:
        IntegrityError: it is for another line, older than what was seen, expired, or has failed here.
        ConfigurationError: it is for another plan than this gateway's.
    """
    if offer.site != plan.site.id or plan.line.id not in offer.lines:
        raise IntegrityError("offered to another line", value=f"{offer.site}/{','.join(offer.lines)}")
    places = {f"{item.station}/{item.id}" for item in plan.characteristics}
    if offer.place not in places:
        raise IntegrityError("offered to a place that this line has not got", value=offer.place, choices=sorted(places))
    if offer.version < seen.version:
        raise IntegrityError("older than an offer seen before", value=offer.version, choices=(f">= {seen.version}",))
    if offer.version == seen.failed:
        raise IntegrityError(
            "this offer has failed here",
            value=offer.version,
            next_step="a newer offer is taken: `lineside model offer`",
        )
    if now >= offer.expires:
        raise IntegrityError("the offer has expired", next_step="renew it by `lineside model offer`")
    wanted = judging_digest(plan), recipe_for(plan, offer.station).digest
    for field, found, own in zip(("plan", "recipe"), (offer.plan_digest, offer.recipe), wanted, strict=True):
        if found != own:
            raise ConfigurationError(
                f"the model {offer.model} is for another {field}",
                field=field,
                value=found,
                choices=(own,),
                next_step="train it again with this plan",
            )
