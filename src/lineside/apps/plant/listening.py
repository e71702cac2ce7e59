"""What gateways say live to the plant: statuses, births and goodbyes, each taken only in the sender's own name."""

from __future__ import annotations

import asyncio
from typing import Final

from lineside.adapters.clocks import SystemClock
from lineside.apps.plant.feed import FloorFeed
from lineside.apps.plant.witness import Witness
from lineside.ports import Bus
from lineside.wire.life import BIRTH, BIRTHS_WANTED, GOODBYE, decode_birth, decode_goodbye
from lineside.wire.status import STATUS, decode_status
from lineside.wire.subjects import Subjects

WATCH_SECONDS: Final = 2.0


async def listen_to_gateways(bus: Bus, subjects: Subjects, feed: FloorFeed, witness: Witness) -> None:
    """Take in what the gateways of a line say of themselves, and ask for births that were missed."""
    clock = SystemClock()

    async def status(subject: str, data: bytes) -> None:
        said = decode_status(data)
        if not _vouched(subject, said.gateway):
            return
        feed.status(said, clock.now())
        await witness.hear(said, clock.now())
        if feed.gateways.wants_birth():
            await bus.publish(subjects.control, BIRTHS_WANTED)

    async def birth(subject: str, data: bytes) -> None:
        said = decode_birth(data)
        if _vouched(subject, said.gateway):
            feed.born(said, clock.now())

    async def goodbye(subject: str, data: bytes) -> None:
        said = decode_goodbye(data)
        if _vouched(subject, said.gateway):
            feed.went(said, clock.now())

    await bus.subscribe(f"{subjects.live}.{STATUS}", status)
    await bus.subscribe(f"{subjects.live}.{BIRTH}", birth)
    await bus.subscribe(f"{subjects.live}.{GOODBYE}", goodbye)


async def watch_gateways(feed: FloorFeed) -> None:
    """Look every few seconds whether a gateway has gone."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        feed.watch(SystemClock().now())


def _vouched(subject: str, gateway: str) -> bool:
    """Whether a message speaks in its sender's name: the transport vouches for the subject alone."""
    return subject.split(".")[-2] == gateway
