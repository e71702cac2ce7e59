"""What people answered at the plant, on its way to the gateway whose alert it was, so that both histories agree.

A gateway's own events travel as records. The other way nothing is pushed: the gateway asks for the answers to the
alerts that it holds open, when it starts, when the plant is back, when the plant says that somebody has answered, and
now and then in between. Events have ids and an alert is the fold of its events, so asking twice changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from lineside.domain.alerts import RESPONSE_KINDS, AlertEvent
from lineside.domain.errors import IntegrityError, UnavailableError
from lineside.ports import Bus
from lineside.wire.codecs import decode_items, encode_items
from lineside.wire.subjects import Subjects
from lineside.wire.unreadable import UNREADABLE

QUEUE: Final = "responses"
RESPONDED: Final = b"responses"
"""Message on the control subject: somebody has answered an alert."""
MOST_ALERTS: Final = 200
"""Alerts that are asked for at once."""
ASK_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 1.0

Answers = Callable[[Sequence[str]], Sequence[AlertEvent]]
Take = Callable[[Sequence[AlertEvent]], Awaitable[None]]


async def serve_responses(bus: Bus, subjects: Subjects, events_of: Answers) -> None:
    """Answer the gateways of a line; ``events_of`` gives the events of some alerts, by id."""

    async def answer(data: bytes) -> bytes:
        wanted = _decode(data)[:MOST_ALERTS]
        return encode_items([event for event in events_of(wanted) if event.kind in RESPONSE_KINDS])

    await bus.serve(subjects.responses, answer, QUEUE)


async def fetch_responses(
    bus: Bus, subjects: Subjects, alerts: Sequence[str], within: float = 2.0
) -> tuple[AlertEvent, ...]:
    """Return what people answered to some alerts.

    Raises:
        UnavailableError: the plant does not answer.
        IntegrityError: what came is no answer.
    """
    events: list[AlertEvent] = []
    for start in range(0, len(alerts), MOST_ALERTS):
        wanted = tuple(alerts[start : start + MOST_ALERTS])
        reply = await bus.request(subjects.responses, msgspec.msgpack.encode(wanted), within)
        events += decode_items(reply, AlertEvent)
    return tuple(events)


async def keep_responses(
    bus: Bus, subjects: Subjects, alerts: Callable[[], Sequence[str]], take: Take, asked: asyncio.Event
) -> None:
    """Ask until cancelled: until the plant answers, whenever ``asked`` is set, and now and then in between."""
    while True:
        pause = ASK_SECONDS
        try:
            await take(await fetch_responses(bus, subjects, alerts()))
        except (UnavailableError, IntegrityError):
            pause = RETRY_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await asked.wait()
        asked.clear()


def _decode(data: bytes) -> tuple[str, ...]:
    try:
        return msgspec.msgpack.decode(data, type=tuple[str, ...])
    except UNREADABLE as error:
        raise IntegrityError(f"a question for responses cannot be read: {error}") from error
