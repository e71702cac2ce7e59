"""Both ends compared: a real outbox, landing table and history, and the reconciler between them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lineside.adapters.clocks import SystemClock
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.adapters.outbox_accounts import OutboxAccounts
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.apps.plant.reconciling import HistoryAccounts
from lineside.domain.errors import IntegrityError
from lineside.domain.reconciling import STRETCH
from lineside.flows.forward import Forwarder, Origin
from lineside.flows.ingest import Ingest, serve_ingest
from lineside.flows.reconcile_ends import Reconciler
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.fakes.bus import FakeBus
from lineside.testing.records import CATALOGUE, a_readings_body
from lineside.wire.codecs import encode_catalogue
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects

KEY = b"k" * 32
SUBJECTS = Subjects("site", "line", "gw")


@dataclass
class Ends:
    outbox: SqliteOutbox
    landing: SqliteLanding
    history: DeltaHistory
    bus: FakeBus
    audit: FakeAudit
    path: Path

    def reconciler(self) -> Reconciler:
        origin = Origin(writer="gw", holder="h", subjects=SUBJECTS)
        return Reconciler(outbox=self.outbox, bus=self.bus, origin=origin, key=KEY, audit=self.audit)

    async def carry(self) -> None:
        """Forward everything, and let the outbox know how far the plant is."""
        origin = Origin(writer="gw", holder="h", subjects=SUBJECTS)
        forwarder = Forwarder(outbox=self.outbox, bus=self.bus, origin=origin, key=KEY)
        running = asyncio.create_task(forwarder.run())
        await asyncio.wait_for(forwarder.drained(), 60)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await self.outbox.forget(self.outbox.last)

    async def compact(self, leave_out: int = 0) -> None:
        landed = await self.landing.after(await self.history.position(), 1 << 30)
        await self.history.append([item for item in landed if item.record.header.sequence != leave_out])


@pytest.fixture
async def ends(tmp_path: Path) -> AsyncIterator[Ends]:
    path = tmp_path / "outbox.db"
    outbox = await SqliteOutbox.open(path, writer="gw", site="site", line="line", clock=SystemClock())
    landing = await SqliteLanding.open(tmp_path / "landing.db")
    history = await DeltaHistory.open(tmp_path / "history")
    bus = FakeBus()
    accounts = HistoryAccounts(landing=landing, history=history, query=HistoryQuery(tmp_path / "history"))
    ingest = Ingest(landing=landing, key=KEY, site="site", lines={"line"}, clock=SystemClock())
    await serve_ingest(bus, ingest, "site", ["line"], accounts.held)
    await outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(CATALOGUE), 1)])
    for start in range(0, 2 * STRETCH, 256):
        await outbox.commit([(RecordKind.READINGS, a_readings_body(start + n, 2), 2) for n in range(256)])
    yield Ends(outbox, landing, history, bus, FakeAudit(), path)
    await outbox.close()
    await landing.close()


async def test_two_ends_that_hold_the_same_agree(ends: Ends) -> None:
    await ends.outbox.set_aside(3, "for the sake of it")
    await ends.carry()
    await ends.compact()
    status = await ends.reconciler().compare_now()
    assert (status.compared, status.differences) == (2, ())
    assert ends.audit.kept == []


async def test_a_record_that_the_history_lacks_is_found_named_and_audited_once(ends: Ends) -> None:
    await ends.carry()
    await ends.compact(leave_out=1500)
    reconciler = ends.reconciler()
    for _ in range(2):
        status = await reconciler.compare_now()
        assert [item.number for item in status.differences] == [1]
    assert "the gateway accepted 2048 readings, the plant holds 2046" in status.differences[0].words
    assert [entry.action for entry in ends.audit.kept] == ["record.differs"]


async def test_what_is_not_complete_or_not_confirmed_is_not_compared(ends: Ends) -> None:
    status = await ends.reconciler().compare_now()
    assert (status.compared, status.differences) == (0, ())


async def test_the_same_can_be_read_beside_the_gateway_that_holds_the_outbox(ends: Ends) -> None:
    await ends.carry()
    accounts = OutboxAccounts(ends.path)
    assert accounts.epoch == ends.outbox.epoch
    assert await accounts.stretches(-1, 10) == await ends.outbox.stretches(-1, 10)


async def test_an_answer_that_is_not_signed_with_the_key_is_not_believed(ends: Ends) -> None:
    await ends.carry()
    await ends.compact()
    reconciler = ends.reconciler()
    reconciler._key = b"other"
    with pytest.raises(IntegrityError, match="signature"):
        await reconciler.compare_now()
