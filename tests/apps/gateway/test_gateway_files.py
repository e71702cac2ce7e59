"""A watched folder through the gateway's flow: from the file to the containment alert, and never a live one."""

import os
from pathlib import Path
from typing import Any

import pytest

from lineside.adapters.files.source import FileOptions, open_source
from lineside.domain.alerts import AlertEvent
from lineside.domain.parts import PartRecord
from lineside.domain.plan.liveness import stations_of_files
from lineside.domain.plan.model import FilesSpec, Plan
from lineside.domain.predictions import Prediction
from lineside.domain.units import HOUR, SECOND
from lineside.flows.collect import Collector
from lineside.flows.judge import LineJudge
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.fakes.judge import FakeJudge
from lineside.testing.fakes.outbox import FakeOutbox
from lineside.testing.plans import CASTING
from lineside.wire.codecs import decode_items, decode_readings
from lineside.wire.records import RecordKind

SIGNALS: list[dict[str, Any]] = [
    {"id": "serial", "station": "cast", "source": "folder", "role": "context", "type": "text"},
    {"id": "die_temp", "station": "cast", "source": "folder", "features": ["mean"]},
    {"id": "running", "station": "cast", "source": "folder", "role": "trigger"},
]


def plan_of(by: str, **changes: Any) -> Plan:
    cycle = {"by": "rows"} if by == "rows" else {"by": "trigger", "signal": "running"}
    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{"id": "folder", "kind": "files", "path": "drop", "time_column": "time"}],
            "stations": [{"id": "cast", "cycle": cycle, "lateness": "0 s", "serial": "serial"}],
            "signals": [signal for signal in SIGNALS if by != "rows" or signal["id"] != "running"],
            "characteristics": [{"id": "porosity", "station": "cast"}],
            "reactions": [
                {"id": "any", "characteristic": "porosity", "text": "Porous.", "priority": "critical"}
                | {"steps": [{"do": "stop", "text": "Stop"}]}
            ],
        }
        | changes
    )


class Gateway:
    """The gateway's flow over a folder, a step of time at a look."""

    def __init__(self, root: Path, plan: Plan) -> None:
        self.root, self.plan = root, plan
        self.clock, self.outbox = ManualClock(), FakeOutbox()
        (root / "drop").mkdir(exist_ok=True)

    async def run(self, looks: int = 5) -> None:
        judge = FakeJudge("porosity", limit=200.0, width=1, cause="any")
        catalogue, late = self._source(looks).catalogue, stations_of_files(self.plan)
        line = LineJudge(self.plan, catalogue, lambda _: judge, "gateway", never_live=late)

        async def publish(*_: object) -> None: ...

        collector = Collector(
            outbox=self.outbox, audit=FakeAudit(), line=line, publish=publish, clock=self.clock, tick=0.01
        )
        await collector.run({"folder": self.source})

    def _source(self, looks: int) -> Any:
        left = [looks]

        async def sleep(seconds: float) -> None:
            await self.clock.sleep(seconds)
            left[0] -= 1
            if not left[0]:
                await self.source.close()

        options = FileOptions(follow=True, state=self.root / "files.db")
        spec = self.plan.source_as(FilesSpec, "folder")
        self.source = open_source(self.plan, spec, self.clock, root=self.root, options=options, sleep=sleep)
        return self.source

    def drop(self, name: str, temperatures: list[float], began: int, first: int = 1) -> None:
        """Write a file of cycles of two readings each, which began at a time."""
        rows = ["time,serial,die_temp,running"]
        for number, value in enumerate(temperatures):
            start = began + number * SECOND
            for step, running in ((0, 0), (1, 1), (2, 1), (3, 0)):
                rows.append(f"{start + step * SECOND // 8},S{first + number},{value},{running}")
        if not any(signal.id == "running" for signal in self.plan.signals):
            rows = [row.rsplit(",", 1)[0] for row in (rows[0], *rows[1::4])]
        file = self.root / "drop" / name
        file.write_text("\n".join(rows) + "\n")
        os.utime(file, ns=(self.clock.now() - 1_000_001, self.clock.now() - 1_000_001))

    def items(self, kind: RecordKind, form: Any) -> list[Any]:
        records = [record for record in self.outbox.records.values() if record.header.kind is kind]
        return [item for record in records for item in decode_items(record.body, form)]

    def readings(self) -> int:
        records = [record for record in self.outbox.records.values() if record.header.kind is RecordKind.READINGS]
        return sum(len(decode_readings(record.body, self.source.catalogue)) for record in records)


@pytest.mark.parametrize("by", ["trigger", "rows"])
async def test_a_file_gives_a_containment_alert_with_the_suspect_serials_however_quickly_it_came(
    tmp_path: Path, by: str
) -> None:
    gateway = Gateway(tmp_path, plan_of(by))
    gateway.drop("shots.csv", [190, 260, 270, 190], A_MOMENT - 6 * SECOND)
    await gateway.run()
    parts = gateway.items(RecordKind.PARTS, PartRecord)
    predictions = gateway.items(RecordKind.PREDICTIONS, Prediction)
    events = gateway.items(RecordKind.ALERTS, AlertEvent)
    assert {prediction.unit for prediction in predictions} == {"S1", "S2", "S3", "S4"}
    assert all(prediction.late for prediction in predictions)
    assert all(part.late for part in parts) or by == "rows"
    assert events[0].kind == "raised"
    assert events[0].suspects == ("S2",)
    assert [event.suspects for event in events if event.kind == "updated"] == [("S3",)]
    assert all(event.late and event.priority == "advisory" for event in events)


async def test_an_old_file_corrects_history_and_is_never_live(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, plan_of("trigger"))
    gateway.drop("new.csv", [190, 190], A_MOMENT - 6 * SECOND)
    await gateway.run()
    before = gateway.readings()
    gateway.drop("old.csv", [260], A_MOMENT - 30 * HOUR, first=90)
    await gateway.run()
    assert gateway.readings() == before + 12
    assert not [event for event in gateway.items(RecordKind.ALERTS, AlertEvent) if not event.late]


@pytest.mark.parametrize(("within", "late"), [("1 s", True), ("10 min", False)])
async def test_a_stated_live_within_decides(tmp_path: Path, within: str, late: bool) -> None:  # noqa: FBT001
    plan = plan_of("trigger")
    station = plan.model_dump()["stations"][0] | {"live_within": within}
    gateway = Gateway(tmp_path, plan_of("trigger", stations=[station]))
    gateway.drop("shots.csv", [260], A_MOMENT - 6 * SECOND)
    await gateway.run()
    assert {event.late for event in gateway.items(RecordKind.ALERTS, AlertEvent)} == {late}


def test_a_station_that_a_live_signal_closes_is_live_though_a_file_brings_more() -> None:
    sources = [{"id": "folder", "kind": "files", "path": "drop"}, {"id": "press", "kind": "opcua"}]
    signals = [signal | ({"source": "press"} if signal["id"] == "running" else {}) for signal in SIGNALS]
    assert stations_of_files(plan_of("trigger")) == {"cast"}
    assert stations_of_files(plan_of("trigger", sources=sources, signals=signals)) == frozenset()
