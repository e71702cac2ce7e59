"""How much of its own record a gateway reads again when it starts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.apps.gateway import past
from lineside.apps.gateway.past import Past, read_past, read_words
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import BAD, ReadingBatch, make_batch
from lineside.domain.units import HOUR, MINUTE, SECOND
from lineside.testing.clocks import ManualClock
from lineside.testing.plans import CASTING
from lineside.wire.codecs import encode_items, encode_readings
from lineside.wire.records import RecordKind

PLACE = {"station": "cast", "source": "machine"}
PLAN = Plan.model_validate(
    {
        **CASTING,
        "sources": [{"id": "machine", "kind": "opcua"}],
        "stations": [
            {"id": "cast", "cycle": {"by": "trigger", "signal": "running", "longest": "1 h"}, "lateness": "0 s"}
        ],
        "signals": [
            {"id": "running", "role": "trigger", **PLACE},
            {"id": "mold", "role": "context", "type": "text", **PLACE},
            {"id": "hall", "role": "environment", **PLACE},
            {"id": "die_temp", **PLACE},
        ],
        "characteristics": [{"id": "porosity", "station": "cast"}],
    }
)
CATALOGUE = catalogue_for(PLAN)
CODES = CATALOGUE.codes()
BEGAN = 1_000 * HOUR


class Gateway:
    """Commits records at times of its own."""

    def __init__(self, outbox: SqliteOutbox, clock: ManualClock) -> None:
        self.outbox = outbox
        self.clock = clock

    async def say(self, name: str, value: float | str, at: int, status: int = 0) -> None:
        texts = (value,) if isinstance(value, str) else ()
        number = 0.0 if isinstance(value, str) else value
        states = np.array([status], dtype=np.uint32)
        batch = make_batch(CATALOGUE, [CODES[name]], [at], [number], status=states, texts=texts)
        await self.outbox.commit([(RecordKind.READINGS, encode_readings(batch), 1)])

    async def pass_records(self, count: int, until: int) -> None:
        """Commit small records of one signal until a time."""
        self.clock.move(until - self.clock.now())
        body = encode_readings(make_batch(CATALOGUE, [CODES["die_temp"]], [until], [200.0]))
        await self.outbox.commit([(RecordKind.READINGS, body, 1)] * count)

    async def end_part(self, ended: int) -> None:
        part = PartRecord(
            cycle_id=f"cast-{ended}", unit="U", station="cast", started=ended - SECOND, ended=ended, received=ended,
            recipe="r", features=np.zeros(1), context={}, readings=1,
        )  # fmt: skip
        await self.outbox.commit([(RecordKind.PARTS, encode_items([part]), 1)])

    async def past(self) -> Past:
        return await read_past(self.outbox, self.outbox.last, CATALOGUE, PLAN)

    async def words(self) -> tuple[ReadingBatch, ...]:
        return await read_words(self.outbox, await self.past(), CATALOGUE, PLAN)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    clock = ManualClock(BEGAN)
    outbox = await SqliteOutbox.open(tmp_path / "outbox.db", writer="g", site="s", line="l", clock=clock)
    yield Gateway(outbox, clock)
    await outbox.close()


def said(batches: Sequence[ReadingBatch], name: str) -> list[float]:
    return [float(value) for batch in batches for value in batch.value[batch.signal == CODES[name]]]


async def test_a_long_cycle_is_taken_up_from_its_beginning(gateway: Gateway) -> None:
    await gateway.say("running", 1, BEGAN)
    await gateway.pass_records(6_000, BEGAN + 50 * MINUTE)
    assert said((await gateway.past()).readings, "running") == [1.0]


async def test_no_more_is_read_than_an_open_cycle_needs(gateway: Gateway) -> None:
    await gateway.pass_records(6_000, BEGAN + MINUTE)
    await gateway.pass_records(3_000, BEGAN + 2 * MINUTE)
    await gateway.end_part(BEGAN + 2 * MINUTE)
    await gateway.pass_records(1_500, BEGAN + 3 * MINUTE)
    assert sum(len(batch) for batch in (await gateway.past()).readings) < 5_000


async def test_what_a_signal_said_last_is_found_before_that_and_no_bad_word_of_it(gateway: Gateway) -> None:
    await gateway.say("hall", 21.0, BEGAN)
    await gateway.say("hall", 23.5, BEGAN + 1)
    await gateway.say("hall", 99.0, BEGAN + 2, status=BAD)
    await gateway.say("mold", "M1", BEGAN + 3)
    await gateway.pass_records(6_000, BEGAN + MINUTE)
    await gateway.end_part(BEGAN + MINUTE)
    words = await gateway.words()
    assert said(words, "hall") == [23.5]
    assert {batch.texts for batch in words} == {(), ("M1",)}


async def test_what_was_said_lately_is_not_looked_for(gateway: Gateway) -> None:
    await gateway.say("hall", 21.0, BEGAN)
    await gateway.pass_records(6_000, BEGAN + MINUTE)
    await gateway.say("hall", 22.0, BEGAN + MINUTE)
    await gateway.say("mold", "M1", BEGAN + MINUTE)
    await gateway.end_part(BEGAN + MINUTE)
    assert said((await gateway.past()).readings, "hall") == [22.0]
    assert await gateway.words() == ()


async def test_what_is_read_is_bounded_however_long_a_cycle_may_be(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "RESUMED_BYTES", 100_000)
    await gateway.say("running", 1, BEGAN)
    await gateway.pass_records(6_000, BEGAN + 50 * MINUTE)
    found = await gateway.past()
    assert said(found.readings, "running") == []
    assert 0 < sum(len(batch) for batch in found.readings) < 3_000


async def test_a_new_outbox_has_no_past(gateway: Gateway) -> None:
    assert (await gateway.past()).readings == ()
    assert await gateway.words() == ()
