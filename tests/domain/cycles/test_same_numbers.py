"""Guarantee 3: the same readings give the same part records, bit for bit, however they arrive."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.readings import BAD, Catalogue, ReadingBatch, make_batch
from lineside.domain.units import MILLISECOND

SIGNALS = ("torque", "speed", "hall_temp", "running", "serial_no", "stage", "lot")
CATALOGUE = Catalogue(SIGNALS, frozenset({"serial_no", "lot"}))
CODES = CATALOGUE.codes()
LATENESS = 40
ALL = [
    "count",
    "mean",
    "std",
    "min",
    "max",
    "range",
    "slope",
    "area",
    "first",
    "last",
    "p5",
    "p50",
    "p99.5",
    "above(0)",
    "curve(3)",
    "waves(2)",
]
CYCLES: tuple[dict[str, Any], ...] = (
    {"by": "trigger", "signal": "running", "longest": "300 ms"},
    {"by": "trigger", "signal": "running", "ends": "next"},
    {"by": "serial", "signal": "serial_no"},
    {"by": "window", "length": "70 ms"},
)


def a_plan(cycle: dict[str, Any], *, sources: int = 1) -> Plan:
    place = {"station": "cell", "source": "machine"}
    second = place | {"source": "machine" if sources < 2 else "chiller"}
    third = place | {"source": "machine" if sources < 3 else "reader"}
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "works"},
            "area": {"id": "hall"},
            "line": {"id": "one"},
            "part": {"number": "1"},
            "sources": [{"id": name, "kind": "opcua"} for name in ("machine", "chiller", "reader")],
            "stations": [
                {
                    "id": "cell",
                    "cycle": cycle,
                    "lateness": f"{LATENESS} ms",
                    "serial": "serial_no",
                    "phases": [
                        {"id": "early", "until": "50 ms"},
                        {"id": "marked", "signal": "stage", "equals": 1},
                    ],
                }
            ],
            "signals": [
                {
                    "id": "torque",
                    "features": ALL,
                    "phase_features": {"early": ALL, "marked": ["mean", "p90", "curve(2)"]},
                    **place,
                },
                {"id": "speed", "features": ALL, **second},
                {"id": "hall_temp", "role": "environment", "features": ["last", "mean"], **second},
                {"id": "running", "role": "trigger", **place},
                {"id": "serial_no", "role": "context", "type": "text", **third},
                {"id": "stage", "role": "trigger", **place},
                {"id": "lot", "role": "context", "type": "text", **third},
            ],
        }
    )


Reading = tuple[int, str, float | str, bool]


@st.composite
def streams(draw: st.DrawFn) -> list[Reading]:
    """Readings of distinct (time, signal), times in ms; the delimiters among them too."""
    number = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False)
    values: dict[str, st.SearchStrategy[float | str]] = {
        "torque": number,
        "speed": number,
        "hall_temp": number,
        "running": st.sampled_from([0.0, 1.0]),
        "stage": st.sampled_from([0.0, 1.0, 2.0]),
        "serial_no": st.sampled_from(["", "A1", "B2", "C3"]),
        "lot": st.sampled_from(["L1", "L2", "L3"]),
    }
    keys = draw(
        st.lists(st.tuples(st.integers(0, 600), st.sampled_from(SIGNALS)), min_size=1, max_size=120, unique=True)
    )
    return [(time, name, draw(values[name]), draw(st.integers(0, 19)) == 0) for time, name in sorted(keys)]


def as_batch(rows: list[Reading], received: list[int] | None = None) -> ReadingBatch:
    texts = tuple(dict.fromkeys(value for _, _, value, _ in rows if isinstance(value, str)))
    return make_batch(
        CATALOGUE,
        [CODES[name] for _, name, _, _ in rows],
        [time * MILLISECOND for time, _, _, _ in rows],
        [texts.index(value) if isinstance(value, str) else value for _, _, value, _ in rows],
        receive_time=None if received is None else [time * MILLISECOND for time in received],
        status=np.array([BAD if bad else 0 for *_, bad in rows], dtype=np.uint32),
        texts=texts,
    )


def assemble(plan: Plan, batches: list[list[Reading]]) -> list[PartRecord]:
    assembler = CycleAssembler(plan, "cell", CATALOGUE)
    parts = [part for rows in batches for part in assembler.push(as_batch(rows))]
    parts += assembler.flush()
    assert assembler.counts.late == 0
    return parts


def everything(part: PartRecord) -> tuple[object, ...]:
    """All of a record but its receive time, which depends on arrival; features as their bits."""
    return (
        part.cycle_id,
        part.unit,
        part.started,
        part.ended,
        part.features.tobytes(),
        tuple(sorted(part.context.items())),
        part.readings,
        part.incomplete,
        part.missing,
    )


@settings(max_examples=150)
@given(
    rows=streams(),
    cycle=st.sampled_from(CYCLES),
    jitter=st.lists(st.integers(0, LATENESS), min_size=120, max_size=120),
    cuts=st.lists(st.integers(0, 120), max_size=30),
)
def test_any_batches_and_any_order_within_the_lateness_give_the_same_records(
    rows: list[Reading], cycle: dict[str, Any], jitter: list[int], cuts: list[int]
) -> None:
    plan = a_plan(cycle)
    expected = [everything(part) for part in assemble(plan, [rows])]
    arrival = [row for _, row in sorted(zip(jitter, rows, strict=False), key=lambda pair: pair[0] + pair[1][0])]
    edges = [0, *sorted(cut for cut in cuts if cut < len(arrival)), len(arrival)]
    batches = [arrival[start:stop] for start, stop in itertools.pairwise(edges) if stop > start]
    assert [everything(part) for part in assemble(plan, batches)] == expected


@settings(max_examples=25)
@given(rows=streams(), cycle=st.sampled_from(CYCLES))
def test_one_reading_at_a_time_gives_the_same_records_as_all_at_once(
    rows: list[Reading], cycle: dict[str, Any]
) -> None:
    plan = a_plan(cycle)
    alone = assemble(plan, [[row] for row in rows])
    assert [everything(part) for part in alone] == [everything(part) for part in assemble(plan, [rows])]


@settings(max_examples=150)
@given(
    rows=streams(),
    cycle=st.sampled_from(CYCLES),
    sources=st.integers(1, 3),
    usual=st.lists(st.integers(-400, 400), min_size=3, max_size=3),
    more=st.lists(st.integers(0, 3 * LATENESS), min_size=120, max_size=120),
    cuts=st.lists(st.integers(0, 120), max_size=30),
)
def test_sources_of_any_delay_and_clock_give_the_same_records_whatever_the_batches(
    rows: list[Reading],
    cycle: dict[str, Any],
    sources: int,
    usual: list[int],
    more: list[int],
    cuts: list[int],
) -> None:
    """Also where some readings come too late: which ones do is a matter of arrival, never of batches."""
    plan = a_plan(cycle, sources=sources)
    place = {signal.id: ("machine", "chiller", "reader").index(signal.source) for signal in plan.signals}
    delayed = [(row[0] + usual[place[row[1]]] + extra, row) for row, extra in zip(rows, more, strict=False)]
    arrival = sorted(delayed, key=lambda pair: pair[0])
    edges = [0, *sorted(cut for cut in cuts if cut < len(arrival)), len(arrival)]

    def records(stretches: list[tuple[int, int]]) -> tuple[list[tuple[object, ...]], int]:
        assembler = CycleAssembler(plan, "cell", CATALOGUE)
        parts: list[PartRecord] = []
        for start, stop in stretches:
            some = arrival[start:stop]
            parts += assembler.push(as_batch([row for _, row in some], [time for time, _ in some]))
        return [everything(part) for part in [*parts, *assembler.flush()]], assembler.counts.late

    at_once = records([(0, len(arrival))])
    assert records([(start, stop) for start, stop in itertools.pairwise(edges) if stop > start]) == at_once
    assert records([(row, row + 1) for row in range(len(arrival))]) == at_once
