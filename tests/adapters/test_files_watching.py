"""A watched folder: what is taken, when, and that it is taken once."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineside.adapters.files.source import FileOptions, open_source
from lineside.adapters.files.watching import WatchedFiles
from lineside.domain.plan.model import FilesSpec
from lineside.domain.units import HOUR, MINUTE, SECOND
from lineside.ports import SourceDelivery
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.plans import plan_with_source

START = A_MOMENT - HOUR
HEADER = b"time,temperature\n"


def rows(first: int, count: int = 2) -> bytes:
    return b"".join(f"{START + row * SECOND},{row}.5\n".encode() for row in range(first, first + count))


@dataclass
class Folder:
    """A folder with a clock and a ledger; ``watch`` is one life of the gateway."""

    path: Path
    clock: ManualClock = field(default_factory=ManualClock)
    spec: dict[str, Any] = field(default_factory=dict)
    block_rows: int = 8_192

    def put(self, name: str, content: bytes, age: int = 60) -> Path:
        file = self.path / "drop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        changed = self.clock.now() - age * SECOND + 1_000_000
        os.utime(file, ns=(changed, changed))
        return file

    def source(self) -> WatchedFiles:
        (self.path / "drop").mkdir(exist_ok=True)
        spec = {"kind": "files", "path": "drop", "time_column": "time", **self.spec}
        cycle = {"by": "rows"} if spec.pop("parts", False) else None
        plan = plan_with_source(spec, cycle=cycle)
        options = FileOptions(follow=True, state=self.path / "files.db", block_rows=self.block_rows)
        source = open_source(
            plan, plan.source_as(FilesSpec, "machine"), self.clock, root=self.path, options=options, sleep=self.sleep
        )
        assert isinstance(source, WatchedFiles)
        self.life = source
        return source

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self.looks -= 1
        if self.looks <= 0:
            await self.life.close()
        else:
            self.between(self.looks)

    async def watch(
        self, looks: int = 4, stop: int = 10**9, between: Callable[[int], object] = lambda _: None
    ) -> list[SourceDelivery]:
        """Watch for some looks, or until a delivery that is not acknowledged any more, as when the power fails."""
        self.looks, self.between = looks, between
        source = self.source()
        kept: list[SourceDelivery] = []
        async for delivery in source.deliveries():
            if len(kept) == stop:
                await source.close()
                break
            kept.append(delivery)
            await source.acknowledge(delivery.token)
        return kept


def values(deliveries: list[SourceDelivery]) -> list[float]:
    batches = [item.readings for item in deliveries if item.readings is not None]
    return [value for batch in batches for value in batch.value.tolist()]


def reasons(deliveries: list[SourceDelivery]) -> list[str]:
    return [item.reason for delivery in deliveries for item in delivery.quarantined if item.reason != "missing_field"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


async def test_files_are_taken_once_across_restarts(folder: Folder) -> None:
    folder.put("a.csv", HEADER + rows(0))
    assert values(await folder.watch()) == [0.5, 1.5]
    folder.put("b.csv", HEADER + rows(2))
    assert values(await folder.watch()) == [2.5, 3.5]
    assert values(await folder.watch()) == []


async def test_files_come_in_the_order_of_their_times_and_late_ones_with_earlier_names_too(folder: Folder) -> None:
    folder.put("z.csv", HEADER + rows(0), age=300)
    folder.put("b.csv", HEADER + rows(2), age=200)
    folder.put("c.csv", HEADER + rows(4), age=200)
    assert values(await folder.watch()) == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    folder.put("a.csv", HEADER + rows(6))
    assert values(await folder.watch()) == [6.5, 7.5]


async def test_what_is_half_written_is_left_alone(folder: Folder) -> None:
    for name in ("a.csv.part", "~$a.csv", ".a.csv", "a.tmp"):
        folder.put(name, HEADER + rows(0))
    growing = folder.put("b.csv", HEADER)
    content = bytearray(HEADER)

    def grow(looks: int) -> None:
        if looks > 4:
            content.extend(rows(10 - looks, 1))
            growing.write_bytes(content)

    deliveries = await folder.watch(looks=8, between=grow)
    assert values(deliveries) == [3.5, 4.5, 5.5]
    assert len(deliveries) == 1


async def test_a_marker_or_an_age_is_waited_for(folder: Folder) -> None:
    folder.spec = {"done_marker": ".done", "min_age": "1 min"}
    folder.put("a.csv", HEADER + rows(0), age=300)
    folder.put("b.csv", HEADER + rows(2), age=300)
    folder.put("c.csv", HEADER + rows(4), age=1)
    for marker in ("b.csv.done", "c.done"):
        folder.put(marker, b"")
    assert values(await folder.watch()) == [2.5, 3.5]
    folder.clock.move(MINUTE)
    assert values(await folder.watch()) == [4.5, 5.5]


async def test_a_file_replaced_under_its_name_is_a_new_one(folder: Folder) -> None:
    folder.put("a.csv", HEADER + rows(0))
    await folder.watch()
    folder.put("a.csv", HEADER + rows(7), age=30)
    assert values(await folder.watch()) == [7.5, 8.5]


async def test_a_renamed_file_is_a_duplicate_and_counted(folder: Folder) -> None:
    file = folder.put("a.csv", HEADER + rows(0))
    await folder.watch()
    file.rename(file.with_name("b.csv"))
    again = await folder.watch()
    assert values(again) == []
    assert [item.duplicates for item in again] == [2]
    assert await folder.watch() == []


async def test_without_times_the_same_content_under_another_name_is_another_file(folder: Folder) -> None:
    folder.spec = {"time_column": "", "parts": True}
    for name in ("p1.csv", "p2.csv"):
        folder.put(name, b"temperature\n21.5\n")
    deliveries = await folder.watch()
    parts = [row for delivery in deliveries for row in delivery.rows]
    assert [part.unit for part in parts] == ["p1:1", "p2:1"]
    assert parts[1].ended - parts[0].ended == SECOND


async def test_what_a_machine_appends_is_read_on_from_where_it_was(folder: Folder) -> None:
    folder.spec = {"parts": True}
    file = folder.put("log.csv", HEADER + rows(0))
    first = [row for delivery in await folder.watch() for row in delivery.rows]
    with file.open("ab") as more:
        more.write(rows(2))
    second = [row for delivery in await folder.watch() for row in delivery.rows]
    assert [part.cycle_id for part in first + second] == [f"press:log:{row}" for row in (1, 2, 3, 4)]


async def test_the_parts_of_a_replaced_file_have_ids_of_their_own(folder: Folder) -> None:
    folder.spec = {"parts": True}
    folder.put("run.csv", HEADER + rows(0))
    first = [row for delivery in await folder.watch() for row in delivery.rows]
    folder.put("run.csv", HEADER + rows(5), age=10)
    second = [row for delivery in await folder.watch() for row in delivery.rows]
    assert {part.cycle_id for part in first}.isdisjoint(part.cycle_id for part in second)
    assert second[0].cycle_id.startswith("press:run@")


@pytest.mark.parametrize("stop", range(1, 7))
async def test_a_crash_at_any_delivery_loses_nothing_and_repeats_nothing(folder: Folder, stop: int) -> None:
    folder.block_rows = 1
    folder.put("a.csv", HEADER + rows(0, 3), age=90)
    folder.put("b.csv", HEADER + rows(3, 3), age=80)
    kept = await folder.watch(stop=stop)
    kept += await folder.watch()
    assert values(kept) == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


async def test_a_file_that_cannot_be_read_now_is_told_once_tried_again_and_holds_up_no_other(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.put("a.csv", HEADER + rows(0), age=90)
    folder.put("b.csv", HEADER + rows(2), age=80)
    tries: list[int] = []

    def open_or_not(place: Any, name: str) -> Any:
        if name == "a.csv" and len(tries) < 3:
            tries.append(folder.clock.now())
            raise PermissionError(13, "Permission denied", name)
        return (place.path(name)).open("rb")

    monkeypatch.setattr("lineside.adapters.files.places.FsspecPlace.open", open_or_not)
    troubles = []
    deliveries = await folder.watch(looks=30, between=lambda _: troubles.append(folder.life.condition.troubles))
    assert values(deliveries) == [2.5, 3.5, 0.5, 1.5]
    assert reasons(deliveries) == ["file_unavailable"]
    waits = [after - before for before, after in pairwise(tries)]
    assert waits == sorted(waits)
    assert waits[0] >= 2 * SECOND
    assert any(what == "a.csv" and "Permission denied" in why for found in troubles for what, why in found)
    assert "a.csv" not in dict(folder.life.condition.troubles)


async def test_a_file_that_cannot_be_decoded_is_quarantined_once_and_the_next_is_taken(folder: Folder) -> None:
    folder.put("a.parquet", b"PAR1 no, not at all", age=90)
    folder.put("b.csv", HEADER + rows(2), age=80)
    deliveries = await folder.watch()
    assert values(deliveries) == [2.5, 3.5]
    assert reasons(deliveries) == ["unreadable_file"]
    assert await folder.watch() == []


async def test_a_folder_that_goes_away_is_told_once_and_taken_up_again(folder: Folder) -> None:
    drop, away = folder.path / "drop", folder.path / "away"
    folder.put("a.csv", HEADER + rows(0))
    phases = []

    def unmount(looks: int) -> None:
        phases.append(folder.life.condition.phase.value)
        if looks == 15:
            drop.rename(away)
        if looks == 8:
            away.rename(drop)
            folder.put("b.csv", HEADER + rows(2))

    deliveries = await folder.watch(looks=20, between=unmount)
    assert values(deliveries) == [0.5, 1.5, 2.5, 3.5]
    assert reasons(deliveries) == ["source_unreachable"]
    assert list(dict.fromkeys(phases)) == ["connected", "lost"]
    assert phases[-1] == "connected"


async def test_taken_files_are_moved_if_the_plan_says_so_and_never_taken_again(folder: Folder) -> None:
    folder.spec = {"after": "move", "subfolders": True}
    folder.put("a.csv", HEADER + rows(0))
    folder.put("day/a.csv", HEADER + rows(2))
    folder.put("bad.parquet", b"PAR1 no")
    assert sorted(values(await folder.watch(looks=8))) == [0.5, 1.5, 2.5, 3.5]
    here = {str(path.relative_to(folder.path / "drop")) for path in (folder.path / "drop").rglob("*.*")}
    assert here == {"taken/a.csv", "taken/day/a.csv", "bad.parquet"}
    assert values(await folder.watch()) == []


async def test_one_file_can_be_watched_alone(folder: Folder) -> None:
    folder.spec = {"path": "drop/a.csv"}
    folder.put("a.csv", HEADER + rows(0))
    folder.put("b.csv", HEADER + rows(2))
    assert values(await folder.watch()) == [0.5, 1.5]


async def test_only_names_that_are_wanted_are_taken(folder: Folder) -> None:
    folder.spec = {"include": ["press_*"], "ignore": ["*_old.csv"]}
    folder.put("press_1.csv", HEADER + rows(0))
    folder.put("press_1_old.csv", HEADER + rows(2))
    folder.put("oven_1.csv", HEADER + rows(4))
    assert values(await folder.watch()) == [0.5, 1.5]


@pytest.mark.parametrize(
    "name", [b"Pr\xfcfung.csv", b"new\nline.csv", "\u202egnp.csv".encode(), b"'; DROP TABLE files.csv"]
)
async def test_names_of_any_bytes_are_taken_once(folder: Folder, name: bytes) -> None:
    folder.spec = {"parts": True, "after": "move"}
    folder.put(os.fsdecode(name), HEADER + rows(0))
    parts = [row for delivery in await folder.watch(looks=6) for row in delivery.rows]
    assert len(parts) == 2
    assert all(part.cycle_id.isprintable() for part in parts)
    assert (folder.path / "drop" / "taken" / os.fsdecode(name)).exists()
    assert await folder.watch() == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=300), kind=st.sampled_from(["xlsx", "xls", "ods", "parquet", "dfq", "dfx", "csv"]))
async def test_no_content_keeps_the_next_file_from_being_taken(tmp_path: Path, data: bytes, kind: str) -> None:
    folder = Folder(Path(tempfile.mkdtemp(dir=tmp_path)))
    heads = {
        "xlsx": b"PK\x03\x04",
        "ods": b"PK\x05\x06",
        "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "parquet": b"PAR1",
    }
    folder.put(f"a.{kind}", heads.get(kind, b"") + data, age=90)
    folder.put("a.dfd", data, age=95)
    folder.put("b.csv", HEADER + rows(0), age=80)
    assert values(await folder.watch())[-2:] == [0.5, 1.5]


async def test_a_folder_that_takes_long_to_list_is_looked_at_less_often(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def slow(_: Any) -> list[Any]:
        looked.append(folder.clock.now())
        folder.clock.move(2 * SECOND)
        return []

    monkeypatch.setattr("lineside.adapters.files.places.FsspecPlace.look", slow)
    await folder.watch(looks=3)
    assert [after - before for before, after in pairwise(looked)] == [20 * SECOND, 20 * SECOND]
