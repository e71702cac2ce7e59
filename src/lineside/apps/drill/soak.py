"""The soak drill: hours of a line in compressed time, to see that nothing grows that should not.

Gateway, plant and transport run as `lineside up` runs them, on a clock that is many times as fast. After a warm-up the
memory, threads, open descriptors and working files of each process are sampled; the median of the last quarter of the
samples is compared with that of the quarter after the first half. What accumulates for good on purpose (the history,
the audit record) is not counted.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from lineside.adapters.clocks import ProcessClock, SystemClock, describe
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.drill.line import both_ends, first_delivery, free_port, prepare, settled
from lineside.apps.drill.watching import Watch
from lineside.apps.layout import Layout
from lineside.apps.up import ChildSpec, Supervisor, UpSettings
from lineside.wire.records import RecordKind

PARTS: Final = ("gateway", "plant", "nats")
_SPACING: Final = 100
"""Milliseconds of the line's time between two rows: 50 readings a second."""
_MOST_FILES: Final = 400
_LATENESS: Final = 1.0
_MEGABYTE: Final = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Soak:
    """How long to run (seconds), how many times as fast, and how long to let caches fill before looking (seconds)."""

    seconds: float
    speed: float
    warm_up: float
    every: float = 1.0

    @property
    def hours(self) -> float:
        """The line's hours that this is."""
        return self.seconds * self.speed / 3600


SPEED: Final = 120
SHORT_SOAK: Final = Soak(seconds=30, speed=SPEED, warm_up=10)


def soak_of(hours: float) -> Soak:
    """Return a soak of so many of the line's hours; a quarter of it fills caches before anything is looked at."""
    seconds = hours * 3600 / SPEED
    return Soak(seconds=seconds, speed=SPEED, warm_up=seconds / 4)


FULL_SOAK: Final = soak_of(24)


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What a process used, in the middle of a stretch of time."""

    megabytes: float
    threads: float
    descriptors: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SoakResult:
    """What came of a soak: both ends' counts, and by process what it used before and at the end."""

    hours: float
    accepted: int
    in_history: int
    lost: int
    duplicated: int
    restarts: int
    before: dict[str, Use] = field(default_factory=dict)
    after: dict[str, Use] = field(default_factory=dict)

    @property
    def grown(self) -> dict[str, str]:
        """What has grown beyond the noise of an allocator, in words, by process."""
        found = {}
        for part, use in self.after.items():
            was = self.before[part]
            if use.megabytes > was.megabytes * 1.05 + 8:
                found[part] = f"memory from {was.megabytes:.0f} to {use.megabytes:.0f} MB"
            elif use.threads > was.threads + 2 or use.descriptors > was.descriptors + 8:
                found[part] = f"threads {was.threads:g} to {use.threads:g}, descriptors to {use.descriptors:g}"
        return found

    @property
    def passed(self) -> bool:
        """Whether nothing was lost or doubled, no process ended, and nothing has grown."""
        return not self.lost and not self.duplicated and not self.restarts and not self.grown

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self) | {"grown": self.grown, "passed": self.passed}


async def soak_drill(root: Path, soak: Soak) -> SoakResult:
    """Run the drill below a folder and return what came of it.

    Raises:
        UnavailableError: the processes do not come up.
    """
    layout = Layout(root / "data")
    plan_file = await asyncio.to_thread(prepare, root, layout, _LATENESS, soak.speed)
    now = SystemClock().now()
    clock = describe(ProcessClock(soak.speed, now, now))
    supervisor = Supervisor(UpSettings(plan=plan_file, data=layout.root, port=free_port(), clock=clock))
    watch = Watch(layout)
    try:
        await supervisor.start()
        command = [sys.executable, "-m", "lineside", "drill", "machine", str(root / "inbox"), "--clock", clock]
        command += ["--spacing", str(_SPACING), "--most-files", str(_MOST_FILES)]
        machine = supervisor.add(ChildSpec(name="machine", command=command))
        await first_delivery(lambda: watch.accepted(RecordKind.READINGS))
        pids = supervisor.pids()
        samples = await _sample(supervisor, soak)
        restarts = sum(supervisor.pids()[part] != pids[part] for part in PARTS)
        await machine.stop()
        await settled(layout, lambda: watch.accepted(RecordKind.READINGS))  # the machine's oldest files are gone
    finally:
        await supervisor.stop()
    ends = await both_ends(layout, load_plan(plan_file))
    half, quarter = len(samples) // 2, len(samples) // 4
    return SoakResult(
        hours=soak.hours,
        accepted=ends.accepted,
        in_history=ends.in_history,
        lost=ends.lost,
        duplicated=ends.duplicated,
        restarts=restarts,
        before=_middle(samples[half : half + quarter]),
        after=_middle(samples[-quarter:]),
    )


async def _sample(supervisor: Supervisor, soak: Soak) -> list[dict[str, Use]]:
    """Return what each process uses, again and again until the time is over."""
    await asyncio.sleep(soak.warm_up)
    end = asyncio.get_running_loop().time() + soak.seconds - soak.warm_up
    samples = []
    while asyncio.get_running_loop().time() < end:
        pids = supervisor.pids()
        samples.append({part: use for part in PARTS if (use := _use(pids.get(part))) is not None})
        await asyncio.sleep(soak.every)
    return samples


def _use(pid: int | None) -> Use | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            return Use(
                megabytes=process.memory_info().rss / _MEGABYTE,
                threads=process.num_threads(),
                descriptors=process.num_fds(),
            )
    except psutil.Error:
        return None


def _middle(samples: list[dict[str, Use]]) -> dict[str, Use]:
    """Return the median of each figure by process, over the samples in which the process was there."""
    found = {}
    for part in PARTS:
        uses = [sample[part] for sample in samples if part in sample]
        if uses:
            found[part] = Use(
                megabytes=round(statistics.median(use.megabytes for use in uses), 1),
                threads=statistics.median(use.threads for use in uses),
                descriptors=statistics.median(use.descriptors for use in uses),
            )
    return found
