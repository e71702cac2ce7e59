"""Models on their way from the plant to the gateways of a line.

A gateway asks which models are in service and fetches those it does not have, in pieces, checking the digest
of the whole. It asks again whenever the plant says that something has changed, and at every start; where the
plant does not answer it runs what it has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from lineside.domain.errors import IntegrityError
from lineside.ports import Bus
from lineside.wire.releases import PIECE, ReleaseEntry, ReleaseReply, ReleaseRequest, decode, encode
from lineside.wire.subjects import Subjects

QUEUE: Final = "releases"
CHANGED: Final = b"releases"
"""Message on the control subject: ask again which models are in service."""


async def serve_releases(bus: Bus, subjects: Subjects, in_service: Callable[[], Mapping[str, bytes]]) -> None:
    """Answer the gateways of a line; ``in_service`` gives the packed bundles by name."""

    async def answer(data: bytes) -> bytes:
        request = decode(data, ReleaseRequest)
        bundles = in_service()
        entries = tuple(ReleaseEntry(name, _digest(body), len(body)) for name, body in sorted(bundles.items()))
        piece = bundles.get(request.name, b"")[request.offset : request.offset + PIECE]
        return encode(ReleaseReply(entries, piece))

    await bus.serve(subjects.release, answer, QUEUE)


async def fetch_releases(
    bus: Bus, subjects: Subjects, known: Mapping[str, bytes], within: float = 2.0
) -> dict[str, bytes]:
    """Return the packed bundles in service by name, taking from ``known`` those that have not changed.

    Raises:
        UnavailableError: the plant does not answer.
        IntegrityError: what came is not what the plant announced.
    """
    reply = decode(await bus.request(subjects.release, encode(ReleaseRequest()), within), ReleaseReply)
    bundles = {}
    for entry in reply.entries:
        body = known.get(entry.name, b"")
        bundles[entry.name] = body if _digest(body) == entry.digest else await _fetch(bus, subjects, entry, within)
    return bundles


async def _fetch(bus: Bus, subjects: Subjects, entry: ReleaseEntry, within: float) -> bytes:
    body = b""
    while len(body) < entry.size:
        request = encode(ReleaseRequest(entry.name, len(body)))
        piece = decode(await bus.request(subjects.release, request, within), ReleaseReply).piece
        if not piece:
            break
        body += piece
    if _digest(body) != entry.digest:
        raise IntegrityError("a bundle is not what the plant announced", field=entry.name)
    return body


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
