"""river at `features`: its online statistics, one update per reading; the 95th percentile is approximate (P2)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from river import stats

from measuring.clocks import per_cpu_second
from subjects.workload import BEGIN, CYCLE, readings


class _Cycle:
    """The statistics of one signal's open cycle."""

    def __init__(self) -> None:
        self.mean, self.least, self.most = stats.Mean(), stats.Min(), stats.Max()
        self.spread, self.percentile = stats.Var(), stats.Quantile(0.95)
        self.together, self.times = stats.Cov(), stats.Var()

    def update(self, seconds: float, value: float) -> None:
        """Take one reading in."""
        for statistic in (self.mean, self.least, self.most, self.spread, self.percentile):
            statistic.update(value)
        self.together.update(seconds, value)
        self.times.update(seconds)

    def features(self) -> tuple[float, ...]:
        """Return the six features."""
        simple = (self.mean.get(), self.least.get(), self.most.get(), self.spread.get() ** 0.5)
        return (*simple, self.together.get() / self.times.get(), self.percentile.get())


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run over the work's readings, one after another."""
    data = readings(work)
    passed = data.time - BEGIN
    rows = list(
        zip(
            data.signal.tolist(), (passed // CYCLE).tolist(), (passed * 1e-9).tolist(), data.value.tolist(), strict=True
        )
    )

    def run() -> dict[str, object]:
        open_cycles: dict[int, tuple[int, _Cycle]] = {}
        done = 0
        for signal, cycle, seconds, value in rows:
            known = open_cycles.get(signal)
            if known is None or known[0] != cycle:
                if known is not None:
                    known[1].features()
                    done += 1
                known = open_cycles[signal] = (cycle, _Cycle())
            known[1].update(seconds, value)
        done += len([known.features() for _, known in open_cycles.values()])
        return {"version": version("river"), "results": done}

    return per_cpu_second(len(rows), run)
