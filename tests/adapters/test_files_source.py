from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.files.source import FileOptions, FileSource, Position, open_source
from lineside.adapters.files.watching import WatchedFiles
from lineside.domain.errors import SourceError
from lineside.domain.plan.model import FilesSpec
from lineside.domain.readings import BAD, GOOD, UNCERTAIN_EU_EXCEEDED
from lineside.domain.units import HOUR, MINUTE, SECOND
from lineside.ports import SourceDelivery
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.plans import plan_with_source

START = A_MOMENT - HOUR


def source_of(
    file: Path,
    text: bytes | None = None,
    *,
    options: FileOptions | None = None,
    clock: ManualClock | None = None,
    **source: object,
) -> FileSource | WatchedFiles:
    if text is not None:
        file.write_bytes(text)
    cycle = source.pop("cycle", None)
    spec = {"kind": "files", "path": file.name, "time_column": "time", **source}
    plan = plan_with_source(spec, cycle=cycle)  # type: ignore[arg-type]
    clock = clock or ManualClock()
    return open_source(
        plan,
        plan.source_as(FilesSpec, "machine"),
        clock,
        root=file.parent,
        options=options or FileOptions(),
        sleep=clock.sleep,
    )


async def all_of(source: FileSource | WatchedFiles) -> list[SourceDelivery]:
    return [delivery async for delivery in source.deliveries()]


def values_of(deliveries: list[SourceDelivery]) -> list[tuple[str, int, float]]:
    return [
        (item.readings.catalogue.signals[code], int(time), float(value))
        for item in deliveries
        if item.readings is not None
        for code, time, value in zip(item.readings.signal, item.readings.source_time, item.readings.value, strict=True)
    ]


def reasons_of(deliveries: list[SourceDelivery]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for delivery in deliveries:
        for item in delivery.quarantined:
            counts[item.reason] = counts.get(item.reason, 0) + item.count
    return counts


WIDE = b"""time,temperature,pressure,running,serial
2026-11-18 10:06:40,21.5,1.0,0,A1
2026-11-18 10:06:41,22.5,,1,A1
2026-11-18 10:06:42,23.5,3.0,1,A2
"""


async def test_a_wide_table_gives_a_reading_per_cell_row_by_row(tmp_path: Path) -> None:
    deliveries = await all_of(source_of(tmp_path / "run.csv", WIDE))
    assert values_of(deliveries) == [
        ("temperature", START, 21.5),
        ("pressure", START, 1.0),
        ("running", START, 0.0),
        ("serial", START, 0.0),
        ("temperature", START + SECOND, 22.5),
        ("running", START + SECOND, 1.0),
        ("serial", START + SECOND, 0.0),
        ("temperature", START + 2 * SECOND, 23.5),
        ("pressure", START + 2 * SECOND, 3.0),
        ("running", START + 2 * SECOND, 1.0),
        ("serial", START + 2 * SECOND, 1.0),
    ]
    [delivery] = deliveries
    assert delivery.readings is not None
    assert delivery.readings.texts == ("A1", "A2")
    assert delivery.replayed
    assert not delivery.quarantined


async def test_a_bad_cell_costs_itself_and_a_bad_row_itself(tmp_path: Path) -> None:
    text = (
        WIDE
        + b'2026-11-18 10:06:43,warm,4.0,1,A2\nnonsense\n1601-01-01 00:00:00,1,1,1,A\n2026-11-18 10:06:44,"25,1,1,A\n'
        + b"2026-11-18 10:06:45,26.5,6.0,1,\xff\xfe\n"
    )
    deliveries = await all_of(source_of(tmp_path / "run.csv", text))
    assert reasons_of(deliveries) == {"not_a_number": 1, "malformed_row": 2, "time_implausible": 1, "encoding": 1}
    assert values_of(deliveries)[-3:] == [
        ("temperature", START + 5 * SECOND, 26.5),
        ("pressure", START + 5 * SECOND, 6.0),
        ("running", START + 5 * SECOND, 1.0),
    ]
    bad = next(item for item in deliveries[0].quarantined if item.reason == "not_a_number")
    assert bad.signal == "temperature"
    assert bad.raw == b"2026-11-18 10:06:43,warm,4.0,1,A2"


async def test_a_value_outside_the_plausible_range_is_kept_and_marked(tmp_path: Path) -> None:
    deliveries = await all_of(source_of(tmp_path / "run.csv", WIDE.replace(b"22.5", b"999")))
    assert deliveries[0].readings is not None
    status = deliveries[0].readings.status
    assert status[4] == UNCERTAIN_EU_EXCEEDED
    assert np.count_nonzero(status != GOOD) == 1


async def test_the_same_reading_twice_is_dropped_and_counted_and_another_value_is_a_conflict(tmp_path: Path) -> None:
    text = WIDE + b"2026-11-18 10:06:42,23.5,9.0,1,A2\n"
    deliveries = await all_of(source_of(tmp_path / "run.csv", text))
    assert sum(item.duplicates for item in deliveries) == 3
    assert reasons_of(deliveries) == {"conflicting": 1}


async def test_a_long_table_gives_a_reading_per_row_with_its_quality(tmp_path: Path) -> None:
    text = b"""time;tag;value;quality
1794996400;temperature;21,5;good
1794996400;pressure;;bad
1794996401;serial;A1;
1794996401;volume;3;good
1794996402;temperature;22,5;maybe
1794996402;#;22,5;
1794996403;temperature;;good
1794996403;temperature;23,5;uncertain
"""
    deliveries = await all_of(source_of(tmp_path / "run.csv", text, layout="long", decimal=","))
    [delivery] = deliveries
    assert delivery.readings is not None
    assert [name for name, _, _ in values_of(deliveries)] == ["temperature", "pressure", "serial", "temperature"]
    assert delivery.readings.status.tolist() == [GOOD, BAD, GOOD, 0x4000_0000]
    assert np.isnan(delivery.readings.value[1])
    assert reasons_of(deliveries) == {"unknown_signal": 1, "unknown_quality": 1, "bad_name": 1, "null": 1}


async def test_finished_part_rows_become_part_records(tmp_path: Path) -> None:
    deliveries = await all_of(source_of(tmp_path / "run.csv", WIDE, cycle={"by": "rows"}))
    rows = [row for delivery in deliveries for row in delivery.rows]
    assert [row.unit for row in rows] == ["A1", "A1", "A2"]
    assert [row.cycle_id for row in rows] == ["press:run:1", "press:run:2", "press:run:3"]
    assert rows[0].features.tolist() == [21.5, 1.0]
    assert rows[1].missing == ("pressure",)
    assert rows[0].context == {"running": "0", "serial": "A1"}
    assert rows[0].started == rows[0].ended == START
    assert all(delivery.readings is None for delivery in deliveries)


async def test_rows_without_times_are_counted_from_the_year_2000(tmp_path: Path) -> None:
    text = b"temperature;pressure;running;serial\n1;2;0;\n3;4;0;\n"
    deliveries = await all_of(
        source_of(tmp_path / "run.csv", text, time_column="", row_interval="3 min", cycle={"by": "rows"})
    )
    rows = [row for delivery in deliveries for row in delivery.rows]
    assert rows[1].ended - rows[0].ended == 3 * MINUTE
    assert [row.unit for row in rows] == ["run:1", "run:2"]


async def test_a_folder_is_read_file_by_file_and_a_wreck_between_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(WIDE)
    (tmp_path / "b.csv").write_bytes(WIDE.decode().encode("utf-16"))
    (tmp_path / "c.parquet").write_bytes(b"PAR1 no, not at all")
    (tmp_path / "d.csv").write_bytes(b"")
    (tmp_path / "e.csv").write_bytes(b"\xef\xbb\xbf" + WIDE.replace(b"10:06", b"10:07").replace(b"\n", b"\r\n"))
    (tmp_path / "f.csv").write_bytes(b"when,temperature\n1,2\n")
    source = source_of(tmp_path / "x", path=".")
    deliveries = await all_of(source_of(tmp_path / "x", path="."))
    assert len(values_of(deliveries)) == 22
    assert sum(delivery.duplicates for delivery in deliveries) == 11
    assert reasons_of(deliveries) == {"unreadable_file": 3, "missing_field": 3}
    assert isinstance(source, FileSource)
    assert source.position == Position()


async def test_a_line_without_end_is_refused_without_being_held(tmp_path: Path) -> None:
    text = WIDE + b"x" * 5_000_000 + b"\n2026-11-18 10:06:50,1,2,1,A3\n"
    deliveries = await all_of(source_of(tmp_path / "run.csv", text))
    assert reasons_of(deliveries) == {"line_too_long": 1}
    assert values_of(deliveries)[-1] == ("serial", START + 10 * SECOND, 0.0)
    assert deliveries[-1].readings is not None
    assert deliveries[-1].readings.texts == ("A3",)


async def test_a_stopped_reader_goes_on_behind_what_was_acknowledged(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(WIDE)
    (tmp_path / "b.csv").write_bytes(WIDE.replace(b"10:06", b"10:07"))
    state = tmp_path / "state" / "machine.json"
    state.parent.mkdir()
    options = FileOptions(block_rows=1, state=state)
    whole = values_of(await all_of(source_of(tmp_path / "x", path=".", options=options)))
    for stop in range(1, 7):
        state.unlink(missing_ok=True)
        source = source_of(tmp_path / "x", path=".", options=options)
        kept: list[SourceDelivery] = []
        async for delivery in source.deliveries():
            if len(kept) == stop:
                break
            kept.append(delivery)
            await source.acknowledge(delivery.token)
        await source.close()
        kept += await all_of(source_of(tmp_path / "x", path=".", options=options))
        assert values_of(kept) == whole


async def test_rows_go_at_the_speed_of_their_own_times(tmp_path: Path) -> None:
    clock = ManualClock()
    source = source_of(tmp_path / "run.csv", WIDE, clock=clock, options=FileOptions(speed=2.0))
    began, seen = clock.now(), []
    async for delivery in source.deliveries():
        assert delivery.readings is not None
        seen.append((clock.now() - began) / SECOND)
        assert set(delivery.readings.receive_time.tolist()) == {clock.now()}
    assert seen == pytest.approx([0.0, 0.5, 1.0], abs=0.01)


async def test_rebased_rows_begin_now_and_are_live(tmp_path: Path) -> None:
    source = source_of(tmp_path / "run.csv", WIDE, options=FileOptions(speed=1.0, rebase=True))
    deliveries = await all_of(source)
    assert [time - A_MOMENT for _, time, _ in values_of(deliveries)][::4] == [0, SECOND, 2 * SECOND]
    assert not any(delivery.replayed for delivery in deliveries)


async def test_a_followed_folder_yields_files_that_come_later(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(WIDE)
    source = source_of(tmp_path / "x", path=".", options=FileOptions(follow=True))
    seen = 0
    async for delivery in source.deliveries():
        seen += 1
        assert not delivery.replayed
        if seen == 1:
            (tmp_path / "b.csv").write_bytes(WIDE.replace(b"10:06", b"10:07"))
        else:
            await source.close()
    assert seen == 2


async def test_a_path_that_does_not_exist_says_so(tmp_path: Path) -> None:
    source = source_of(tmp_path / "absent.csv")
    with pytest.raises(SourceError, match=r"sources.machine.path"):
        await all_of(source)


async def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    csv = pytest.importorskip("pyarrow.csv")
    (tmp_path / "run.csv").write_bytes(WIDE)
    parquet.write_table(csv.read_csv(tmp_path / "run.csv"), tmp_path / "run.parquet")
    deliveries = await all_of(source_of(tmp_path / "run.parquet"))
    assert values_of(deliveries) == values_of(await all_of(source_of(tmp_path / "run.csv")))
    parquet.write_table(
        arrow.table({"time": [START, START + SECOND], "temperature": ["12", "x"], "pressure": [1, None]}),
        tmp_path / "text.parquet",
    )
    deliveries = await all_of(source_of(tmp_path / "text.parquet"))
    assert [item[::2] for item in values_of(deliveries)] == [("temperature", 12.0), ("pressure", 1.0)]
    assert reasons_of(deliveries) == {"missing_field": 2, "not_a_number": 1}


async def test_a_column_that_is_missing_is_reported_once_for_each_file(tmp_path: Path) -> None:
    text = WIDE.replace(b"pressure", b"pressure_old")
    deliveries = await all_of(source_of(tmp_path / "run.csv", text, options=FileOptions(block_rows=1)))
    assert reasons_of(deliveries) == {"missing_field": 1}
    assert len(deliveries) == 3
