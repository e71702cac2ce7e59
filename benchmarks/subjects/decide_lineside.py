"""Lineside at `decide`: from the readings that close a cycle to its judgement and the alert events of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.flows.judge import LineJudge
from lineside.wire.bundle import unpack_bundle
from measuring.clocks import Calls
from subjects.normal import batch_of
from subjects.plans import line_of
from subjects.workload import PER_CYCLE, readings

CYCLES = 30


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return a run over some cycles; only the tick that closes each is timed."""
    signals = int(work["signals"])
    family = str(work["family"])
    plan = line_of(signals, model={"family": family})
    bundle = unpack_bundle((Path(work["folder"]) / f"{family}.bundle").read_bytes())
    data = readings({"signals": signals, "cycles": CYCLES + 1})
    ticks = [batch_of(plan, data, slice(at, at + signals)) for at in range(0, len(data.signal), signals)]

    def run() -> dict[str, float]:
        judge = OnnxJudge(plan, "station", [bundle]).open()
        line = LineJudge(plan, ticks[0].catalogue, lambda _: judge, "bench")
        times, events = Calls(), 0
        for batch in ticks:
            now = int(batch.source_time[-1])
            judged = times.time(lambda batch=batch, now=now: line.push(batch, now))
            times.keep_only_if(judged)
            events += len(judged.events)
        return {"events": events, **times.answer()}

    run()
    assert len(ticks) == PER_CYCLE * (CYCLES + 1)
    return run
