"""A copy of everything, and its way back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.durable_files import load_key
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.apps.backup import LIST, back_up, check, restore
from lineside.apps.layout import Layout
from lineside.apps.plant.stores import open_stores
from lineside.apps.plant_state import move_state, open_plant_state
from lineside.domain.audit import verify_chain
from lineside.domain.errors import ConfigurationError, IntegrityError
from lineside.domain.outcomes import Outcome
from lineside.testing.clocks import ManualClock
from lineside.testing.conformance.notifier import message
from lineside.testing.records import BORN, a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind


def outcomes(number: int) -> bytes:
    found = Outcome(unit=f"U{number}", characteristic="porosity", value="conforming", found=BORN, source="xray")
    return encode_items([found])


async def a_plant(root: Path, records: int = 12) -> Layout:
    """A data folder as a plant leaves it: some records in the history, some only landed."""
    layout = Layout(root)
    layout.create()
    landing, history = await SqliteLanding.open(layout.landing), await DeltaHistory.open(layout.history, {})
    for number in range(1, records + 1):
        await landing.land([a_record(number, outcomes(number), kind=RecordKind.OUTCOMES)])
        if number % 4 == 0:
            await history.append(await landing.after(await history.position(), 1 << 20))
    await landing.close()
    audit = await SqliteAudit.open(layout.plant_audit, writer="plant", clock=ManualClock(), key=layout.audit_key)
    await audit.append("login", {"account": 1})
    await audit.close()
    state = open_state(sqlite_url(layout.state))
    await state.deliveries.add("hook", message(), 1)
    state.close()
    load_key(layout.watermark_key)
    layout.notify_file.write_text("targets: []\n")
    return layout


async def test_what_was_copied_comes_back_and_the_plant_goes_on(tmp_path: Path) -> None:
    layout = await a_plant(tmp_path / "data", records=14)
    made = back_up(layout.root, tmp_path / "copy", BORN)
    again = Layout(tmp_path / "again")
    assert restore(tmp_path / "copy", again.root) == made
    stores = await open_stores(again.landing, again.history, {})
    assert stores.mended == ()
    assert [
        item.record.header.sequence for item in await stores.landing.after(await stores.history.position(), 1 << 20)
    ] == [13, 14]
    await stores.landing.land([a_record(15, outcomes(15), kind=RecordKind.OUTCOMES)])
    await stores.history.append(await stores.landing.after(await stores.history.position(), 1 << 20))
    await stores.landing.close()
    assert (
        HistoryQuery(again.history).sql("SELECT count(DISTINCT unit) FROM outcomes").to_pylist()[0].popitem()[1] == 15
    )
    audit = await SqliteAudit.open(again.plant_audit, writer="plant", clock=ManualClock(), key=again.audit_key)
    assert verify_chain(await audit.entries()) == ()
    await audit.close()
    state = open_state(sqlite_url(again.state))
    assert len(await state.deliveries.listed()) == 1
    state.close()
    assert again.watermark_key.read_bytes() == layout.watermark_key.read_bytes()
    assert again.watermark_key.stat().st_mode & 0o777 == 0o600


async def test_a_copy_that_is_made_while_records_come_in_is_sound(tmp_path: Path) -> None:
    layout = await a_plant(tmp_path / "data")
    landing, history = await SqliteLanding.open(layout.landing), await DeltaHistory.open(layout.history, {})
    stop = asyncio.Event()

    async def go_on() -> int:
        number = 12
        while not stop.is_set():
            number += 1
            await landing.land([a_record(number, outcomes(number), kind=RecordKind.OUTCOMES)])
            if number % 2:
                await history.append(await landing.after(await history.position(), 1 << 20))
        return number

    writing = asyncio.create_task(go_on())
    for number in range(5):
        await asyncio.to_thread(back_up, layout.root, tmp_path / f"copy{number}", BORN)
    stop.set()
    last = await writing
    await landing.close()
    for number in range(5):
        again = Layout(tmp_path / f"again{number}")
        restore(tmp_path / f"copy{number}", again.root)
        stores = await open_stores(again.landing, again.history, {})
        assert (await stores.landing.counts()).position >= await stores.history.position()
        await stores.history.append(await stores.landing.after(await stores.history.position(), 1 << 20))
        landed = (await stores.landing.counts()).position
        await stores.landing.close()
        units = HistoryQuery(again.history).sql("SELECT unit FROM outcomes").to_pylist()
        assert sorted(int(row["unit"][1:]) for row in units) == list(range(1, landed + 1))
        assert landed <= last


@pytest.mark.parametrize("damage", ["missing", "changed", "more", "link"])
async def test_a_copy_that_is_not_whole_is_named_and_nothing_is_restored(tmp_path: Path, damage: str) -> None:
    layout = await a_plant(tmp_path / "data", records=4)
    copy = tmp_path / "copy"
    back_up(layout.root, copy, BORN)
    victim = copy / "plant" / "audit.db"
    if damage == "missing":
        victim.unlink()
    elif damage == "changed":
        victim.write_bytes(victim.read_bytes()[:-1] + b"\xff")
    elif damage == "link":
        aside = tmp_path / "aside.db"
        victim.rename(aside)
        victim.symlink_to(aside)
    else:
        (copy / "plant" / "more.db").write_bytes(b"x")
    with pytest.raises(IntegrityError):
        restore(copy, tmp_path / "again")
    assert not (tmp_path / "again").exists()


async def test_nothing_is_restored_over_something_and_nothing_copied_over_a_copy(tmp_path: Path) -> None:
    layout = await a_plant(tmp_path / "data", records=4)
    copy = tmp_path / "copy"
    back_up(layout.root, copy, BORN)
    with pytest.raises(ConfigurationError, match="holds something"):
        restore(copy, layout.root)
    with pytest.raises(ConfigurationError, match="there already"):
        back_up(layout.root, copy, BORN)
    with pytest.raises(ConfigurationError, match="within"):
        back_up(layout.root, layout.root / "copy", BORN)
    with pytest.raises(ConfigurationError, match="no data folder"):
        back_up(tmp_path / "nothing", tmp_path / "c2", BORN)
    with pytest.raises(ConfigurationError, match="no copy"):
        check(layout.root)


async def test_a_copy_of_another_form_says_who_can_restore_it(tmp_path: Path) -> None:
    layout = await a_plant(tmp_path / "data", records=4)
    copy = tmp_path / "copy"
    back_up(layout.root, copy, BORN)
    listed = (copy / LIST).read_text().replace('"format": 1', '"format": 2')
    (copy / LIST).write_text(listed)
    with pytest.raises(ConfigurationError, match="another form"):
        restore(copy, tmp_path / "again")


async def test_a_copy_that_was_broken_off_leaves_none_under_its_name(tmp_path: Path) -> None:
    layout = await a_plant(tmp_path / "data", records=4)
    (tmp_path / "copy.part").mkdir()
    (tmp_path / "copy.part" / "left").write_text("over")
    back_up(layout.root, tmp_path / "copy", BORN)
    assert not (tmp_path / "copy.part").exists()
    assert not (tmp_path / "copy" / "left").exists()


async def test_a_state_in_a_database_is_copied_and_comes_back_as_a_file(
    tmp_path: Path, postgresql_database: str
) -> None:
    layout = await a_plant(tmp_path / "data")
    move_state(layout, postgresql_database)
    back_up(layout.root, tmp_path / "copy", BORN)
    again = Layout(tmp_path / "again")
    restore(tmp_path / "copy", again.root)
    assert again.state.exists()
    assert not again.state_address.exists()
    state = open_plant_state(again)
    assert len(await state.deliveries.listed()) == 1
    state.close()
