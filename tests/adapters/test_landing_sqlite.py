from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.domain.errors import IntegrityError
from lineside.testing.conformance.landing import LandingConformance
from lineside.testing.fakes.landing import FakeLanding
from lineside.testing.records import a_record

A_LOT = 1 << 30


class TestSqliteLanding(LandingConformance):
    @pytest.fixture
    async def landing(self, tmp_path: Path) -> AsyncIterator[SqliteLanding]:
        landing = await SqliteLanding.open(tmp_path / "landing.db")
        yield landing
        await landing.close()


class TestFakeLanding(LandingConformance):
    @pytest.fixture
    def landing(self) -> FakeLanding:
        return FakeLanding()


async def test_two_open_tables_on_one_file_land_everything_once(tmp_path: Path) -> None:
    one, other = [await SqliteLanding.open(tmp_path / "l.db") for _ in range(2)]
    for sequence in range(1, 30):
        for landing in (one, other):
            marks = await landing.land([a_record(sequence)])
            assert marks["gw", "e1"].sequence == sequence
    assert [item.position for item in await one.after(0, A_LOT)] == list(range(1, 30))
    await one.close()
    await other.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(st.lists(st.tuples(st.integers(1, 12), st.sampled_from("ab")), max_size=6), max_size=25),
    forget=st.integers(0, 10),
)
async def test_the_table_and_the_fake_agree_on_any_run(
    tmp_path_factory: pytest.TempPathFactory, calls: list[list[tuple[int, str]]], forget: int
) -> None:
    real, fake = await SqliteLanding.open(tmp_path_factory.mktemp("l") / "l.db"), FakeLanding()
    for number, call in enumerate(calls):
        records = [a_record(sequence, writer=writer) for sequence, writer in call]
        assert await real.land(records) == await fake.land(records)
        if number == forget:
            for landing in (real, fake):
                await landing.forget(number)
        # In one call with several writers the order of the positions between writers is free.
        for writer in "ab":
            landed = [[i.record for i in await ends.after(0, A_LOT)] for ends in (real, fake)]
            mine = [[r.header.sequence for r in found if r.header.writer == writer] for found in landed]
            if number < forget:
                assert mine[0] == mine[1]
    await real.close()


async def test_a_landed_record_that_the_disk_has_changed_is_not_handed_on(tmp_path: Path) -> None:
    landing = await SqliteLanding.open(tmp_path / "l.db")
    await landing.land([a_record(1)])
    await landing.close()
    connection = apsw.Connection(str(tmp_path / "l.db"))
    connection.execute("UPDATE records SET data = zeroblob(length(data))")
    connection.close()
    landing = await SqliteLanding.open(tmp_path / "l.db")
    with pytest.raises(IntegrityError):
        await landing.after(0, A_LOT)
    await landing.close()


async def test_counts_say_how_far_the_table_is(tmp_path: Path) -> None:
    landing = await SqliteLanding.open(tmp_path / "l.db")
    await landing.land([a_record(1), a_record(2), a_record(5)])
    await landing.forget(1)
    counts = await landing.counts()
    assert (counts.position, counts.forgotten, counts.waiting) == (2, 1, 1)
    marks = await landing.watermarks()
    assert marks["gw", "e1"].sequence == 2
    assert marks["gw", "e1"].missing == (3, 4)
    await landing.close()
