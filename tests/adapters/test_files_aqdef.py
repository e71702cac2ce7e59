"""AQDEF files as a source: readings and part rows by the plan."""

from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.files.source import FileOptions, open_source
from lineside.domain.plan.model import FilesSpec, Plan
from lineside.domain.readings import BAD, GOOD, UNCERTAIN_EU_EXCEEDED
from lineside.domain.units import HOUR
from lineside.ports import SourceDelivery
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.plans import plan_with_source

SIGNALS = (
    {"id": "temperature", "address": "Durchmesser", "unit": "mm"},
    {"id": "pressure", "address": "2", "unit": "mm"},
    {"id": "running", "role": "trigger", "address": "K0010"},
    {"id": "serial", "role": "context", "type": "text", "address": "K0014"},
    {"id": "batch", "role": "context", "type": "text", "address": "K0006"},
    {"id": "part", "role": "context", "type": "text", "address": "K1001"},
    {"id": "checker", "role": "context", "type": "text", "address": "K0008"},
)
DESCRIPTION = """\
K0100 2
K1001/1 4711
K2001/1 1
K2002/1 Durchmesser
K2110/1 9,9
K2111/1 10,1
K2142/1 mm
K2001/2 2
K2002/2 Länge
"""


def line(*values: str, second: int = 40, machine: str = "9") -> str:
    return "\x0f".join(
        f"{value}\x14{attribute or '0'}\x1418.11.2026/11:06:{second:02}\x14\x14#B7\x14\x14Meier\x14{machine}"
        for value, _, attribute in (item.partition("|") for item in values)
    )


def plan_of(path: str, *, rows: bool = False, personal: bool = False) -> Plan:
    signals = [signal for signal in SIGNALS if rows or signal["id"] != "running"] + (
        [] if rows else [{"id": "running", "role": "trigger", "address": "K0010"}]
    )
    spec = {"kind": "files", "path": path, "time_zone": "Europe/Berlin"}
    plan = plan_with_source(spec, cycle={"by": "rows"} if rows else None, signals=signals)
    classes = {"checker": "personal"} if personal else {}
    return Plan.model_validate(plan.model_dump() | {"privacy": {"classes": classes}})


async def taken(root: Path, plan: Plan) -> list[SourceDelivery]:
    options = FileOptions(pseudonyms=root / "pseudonyms.key")
    source = open_source(plan, plan.source_as(FilesSpec, "machine"), ManualClock(), root=root, options=options)
    return [delivery async for delivery in source.deliveries()]


async def test_values_become_readings_with_the_status_that_the_device_gave(tmp_path: Path) -> None:
    values = [line("10,01", "55,5"), line("10,02|290", "1|129", second=41), line("10|256", "0|255", second=42)]
    (tmp_path / "a.dfq").write_bytes((DESCRIPTION + "\r\n".join(values)).encode("cp1252"))
    deliveries = await taken(tmp_path, plan_of("a.dfq"))
    batch = deliveries[0].readings
    assert batch is not None
    names = [batch.catalogue.signals[code] for code in batch.signal]
    rows = [
        (name, value, status)
        for name, value, status in zip(names, batch.value.tolist(), batch.status.tolist(), strict=True)
        if name in {"temperature", "pressure"}
    ]
    assert rows[:3] == [("temperature", 10.01, GOOD), ("pressure", 55.5, GOOD), ("temperature", 10.02, 0x4094_0000)]
    assert UNCERTAIN_EU_EXCEEDED == 0x4094_0000
    assert rows[3][2] == BAD
    assert np.isnan(rows[3][1])
    assert len(rows) == 4
    assert int(batch.source_time[0]) == A_MOMENT - HOUR
    assert set(batch.texts) == {"B7", "4711"}
    reasons = [item.reason for item in deliveries[0].quarantined]
    assert reasons == ["withdrawn"]
    assert b"Meier" not in repr(deliveries).encode()


async def test_a_value_set_becomes_a_part_row_and_the_inspector_a_pseudonym(tmp_path: Path) -> None:
    content = (
        DESCRIPTION + line("10,01", "55,5") + "\nK0014/0 S1\n" + line("10,02", "55,6", second=41) + "\nK0014/0 S2\n"
    )
    (tmp_path / "a.DFQ").write_text(content)
    deliveries = await taken(tmp_path, plan_of("a.DFQ", rows=True, personal=True))
    rows = [row for delivery in deliveries for row in delivery.rows]
    assert [row.unit for row in rows] == ["S1", "S2"]
    assert rows[0].features.tolist() == [10.01, 55.5]
    assert rows[0].context["batch"] == "B7"
    assert rows[0].context["checker"].startswith("p-")
    assert rows[0].context["checker"] == rows[1].context["checker"]
    assert "Meier" not in repr(deliveries)


async def test_values_and_description_in_two_files_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "a.dfd").write_text(DESCRIPTION)
    (tmp_path / "a.dfx").write_text(line("10,01", "55,5"))
    deliveries = await taken(tmp_path, plan_of("."))
    assert deliveries[0].readings is not None
    assert 10.01 in deliveries[0].readings.value.tolist()


@pytest.mark.parametrize("content", ["", "time;value\n1;2\n", "K1001/1 4711\n"])
async def test_what_is_no_aqdef_is_refused_whole(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.dfq").write_text(content)
    deliveries = await taken(tmp_path, plan_of("a.dfq"))
    assert "unreadable_file" in [item.reason for delivery in deliveries for item in delivery.quarantined]


async def test_limits_that_differ_from_the_plan_are_told_once(tmp_path: Path) -> None:
    plan = plan_of(".")
    said = {"id": "diameter", "name": "Durchmesser", "station": "press", "kind": "variable"}
    plan = Plan.model_validate(plan.model_dump() | {"characteristics": [said | {"specification": {"usl": 10.5}}]})
    for number in (1, 2):
        (tmp_path / f"{number}.dfq").write_text(DESCRIPTION + line("10,01", "55,5", second=number))
    told = [item for delivery in await taken(tmp_path, plan) for item in delivery.quarantined]
    assert [item.reason for item in told] == ["specification_differs"]
    assert "10.5" in told[0].detail
