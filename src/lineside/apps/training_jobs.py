"""Runs trainings as jobs: one at a time, each in a child process of its own, with limits, progress and its cost.

The child is the command `lineside train`: what a job does is what a person would do by hand. It learns and keeps a
bundle, which stands on the ladder as a draft; no job puts anything in service.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import os
import resource
import secrets
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineside.adapters.job_folder import OPEN, Job, JobFolder, JobState
from lineside.domain.learning_again import Reason, Trigger, triggers
from lineside.domain.performance.report import PerformanceReport
from lineside.domain.plan.model import Plan
from lineside.domain.units import HOUR, SECOND
from lineside.ports import Clock

_LOOK_SECONDS: Final = 0.5
_IDLE_SECONDS: Final = 5.0
_GENTLE: Final = 10
_MOST_LOG: Final = 64 << 10
_LOG: Final = logging.getLogger(__name__)
Audit = Callable[[str, Mapping[str, object]], Awaitable[object]]


def queue_job(
    folder: JobFolder, characteristic: str, reason: str, text: str, now: int, seed: int = 0, since: int = 0
) -> Job | None:
    """Queue a training from parts made since a time (UTC ns; 0: any); None where one of that is open already."""
    if any(job.characteristic == characteristic and job.state in OPEN for job in folder.all()):
        return None
    job = Job(
        id=f"{characteristic}-{secrets.token_hex(3)}",
        characteristic=characteristic,
        reason=reason,
        text=text,
        created=now,
        seed=seed,
        since=since,
    )
    return folder.keep(job)


@dataclass(frozen=True, slots=True)
class Relearn:
    """Says what speaks for learning a model again, and queues a training where the plan wants that by itself.

    ``on_trial`` says whether a canary of a characteristic judges: what it shows is waited for.
    """

    plan: Plan
    folder: JobFolder
    clock: Clock
    on_trial: Callable[[str], bool] = lambda _: False

    def __call__(self, report: PerformanceReport, now: int) -> tuple[Trigger, ...]:
        """Return the reasons, at a moment of the line's time (UTC ns)."""
        wish = self.plan.learn_again
        most_outside = self.plan.service_levels.false_alarm_of_outside_experience
        found = triggers(report, wish, most_outside, now)
        ready = [item for item in found if item.ready]
        if report.since.worse:
            self.folder.note_change(report.model, now)
        if wish.automatic and ready and self._may_mix(report, ready, now) and self._rested(report.characteristic):
            reason, now = ready[0], self.clock.now()
            since = max(*(item.since for item in ready), self._changed(report.characteristic))
            queue_job(self.folder, report.characteristic, reason.reason.value, str(reason.text), now, since=since)
        return found

    def _may_mix(self, report: PerformanceReport, ready: Sequence[Trigger], now: int) -> bool:
        """Return whether parts may be learned from as if they were of one kind, or are told apart.

        They may not within a `pause` of the last look that has seen a change: a loss that comes and goes from look to
        look has happened all the same (`lineside.domain.learning_again.triggers` says why that waits).
        """
        seen = self.folder.change_seen(report.model)
        if seen is None or now - seen >= self.plan.learn_again.pause:
            return True
        return any(item.reason is Reason.PERFORMANCE for item in ready)

    def _changed(self, characteristic: str) -> int:
        """Return from when on earlier trainings learned: a change that is no longer seen has happened all the same."""
        return max((job.since for job in self.folder.all() if job.characteristic == characteristic), default=0)

    def _rested(self, characteristic: str) -> bool:
        if self.on_trial(characteristic):
            return False
        before = [job.created for job in self.folder.all() if job.characteristic == characteristic]
        return not before or self.clock.now() - before[0] >= self.plan.learn_again.pause


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRunner:
    """Runs what is queued.

    Args:
        folder: the jobs.
        plan_file: the control plan.
        plan: the same, loaded.
        data: the plant's data folder.
        audit: adds an entry to the plant's audit record.
        clock: the wall clock.
    """

    folder: JobFolder
    plan_file: Path
    plan: Plan
    data: Path
    audit: Audit
    clock: Clock

    async def keep_running(self) -> None:
        """Run one job after the other until cancelled; what an earlier runner left is queued again.

        A failure of this, such as a job that cannot be read, is said and tried again: the plant does without trainings.
        """
        taken_up = False
        while True:
            ran = False
            try:
                if not taken_up:
                    self.take_up()
                    taken_up = True
                ran = await self.run_next()
            except Exception:  # noqa: BLE001 - no training is worth stopping the plant
                _LOG.exception("trainings cannot be run")
            if not ran:
                await asyncio.sleep(_IDLE_SECONDS)

    def take_up(self) -> None:
        """Queue again what was running when a runner ended."""
        for job in self.folder.all():
            if job.state is JobState.RUNNING:
                again = job.tried < job.attempts
                state = JobState.QUEUED if again else JobState.FAILED
                self.folder.change(job.id, state=state, progress="the process that ran it ended")

    async def run_next(self) -> bool:
        """Run the oldest job that is queued; return whether there was one."""
        queued = [job for job in self.folder.all() if job.state is JobState.QUEUED]
        if not queued:
            return False
        await self._run(queued[-1])
        self.folder.tidy()
        return True

    async def _run(self, job: Job) -> None:
        now = self.clock.now()
        job = self.folder.change(job.id, state=JobState.RUNNING, started=now, tried=job.tried + 1, progress="starting")
        await self.audit("training.started", {"job": job.id, "reason": job.reason, "text": job.text})
        with self.folder.log(job.id).open("w+b") as log:
            # It is waited for without blocking, by `os.wait4`, which also says what this child alone has taken.
            child = subprocess.Popen(  # noqa: ASYNC220, S603 - as above; our own command, with ids of the plan
                [
                    sys.executable, "-m", "lineside", "train", str(self.plan_file), "--data", str(self.data),
                    "--characteristic", job.characteristic, "--seed", str(job.seed), *_since(job),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            self._limit(child.pid)
            try:
                status, usage, why = await self._wait(child.pid, job.id)
            except asyncio.CancelledError:
                child.kill()
                child.wait()
                raise
        child.returncode = os.waitstatus_to_exitcode(status)
        lines = _lines(self.folder.log(job.id))
        problem = why or ("" if child.returncode == 0 else (lines or [f"exit code {child.returncode}"])[-1])
        await self._end(job, problem, _bundle_of(lines), usage)

    def _limit(self, pid: int) -> None:
        """Let the child be gentle to the line, and stay within the memory that the plan allows."""
        most = round(self.plan.learn_again.most_memory * 1e9)
        with contextlib.suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, pid, _GENTLE)
            resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))

    async def _wait(self, pid: int, job_id: str) -> tuple[int, resource.struct_rusage, str]:
        """Wait for the end, telling the progress; return the status, what it took, and why it was ended, if it was."""
        deadline = asyncio.get_running_loop().time() + self.plan.learn_again.most_time / SECOND
        why = ""
        while True:
            done, status, usage = os.wait4(pid, os.WNOHANG)  # noqa: ASYNC222 - it does not block
            if done:
                return status, usage, why
            job = self.folder.get(job_id)
            last = (_lines(self.folder.log(job_id)) or ["starting"])[-1][:300]
            if job.state is JobState.RUNNING and job.progress != last:
                self.folder.change(job_id, progress=last)
            if job.state is JobState.CANCELLED:
                why = "cancelled"
            elif asyncio.get_running_loop().time() > deadline:
                why = "it took longer than the plan allows"
            if why:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _end(self, job: Job, problem: str, result: str, usage: resource.struct_rusage) -> None:
        """Keep what came of it; one that failed is queued again while it has attempts."""
        seconds, rates = usage.ru_utime + usage.ru_stime, self.plan.rates
        kept = self.folder.change(
            job.id,
            state=self._state_after(job, problem),
            ended=self.clock.now(),
            progress=problem[:300],
            result=result,
            processor_seconds=round(job.processor_seconds + seconds, 2),
            peak_bytes=usage.ru_maxrss * 1024,
            cost=None if rates is None else round(rates.processor_hour * seconds * SECOND / HOUR, 6),
        )
        said = {"job": job.id, "state": kept.state.value, "result": kept.result, "seconds": kept.processor_seconds}
        await self.audit("training.ended", said | ({"problem": problem[:300]} if problem else {}))

    def _state_after(self, job: Job, problem: str) -> JobState:
        if self.folder.get(job.id).state is JobState.CANCELLED:
            return JobState.CANCELLED
        if not problem:
            return JobState.DONE
        return JobState.QUEUED if job.tried < job.attempts else JobState.FAILED


def _since(job: Job) -> list[str]:
    return ["--since", dt.datetime.fromtimestamp(job.since // SECOND, tz=dt.UTC).isoformat()] if job.since else []


def _lines(log: Path) -> list[str]:
    """Return the lines of a log that say something; of a long one the end."""
    text = log.read_bytes()[-_MOST_LOG:].decode(errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _bundle_of(lines: list[str]) -> str:
    """Return the name of the bundle that `lineside train` says it kept."""
    words = [line.split() for line in lines]
    return next((word[1] for word in words if len(word) > 1 and word[0] == "bundle"), "")
