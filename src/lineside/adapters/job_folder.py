"""Trainings as jobs, a file each: what is asked for and why, how far it is, what it cost and what came of it.

A file is replaced durably, so that a power cut leaves the job as it was before or after a change. A job that was
running when its runner ended is queued again, for as many attempts as it has. Only the runner changes a job that it
has taken up; who cancels it puts a mark beside it, which no change of the runner's can undo.

Beside the jobs stands when a change of the process was last seen through each model: what may be learned from depends
on it, after a restart too.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from lineside.adapters.durable_files import replace_file
from lineside.domain.errors import InputError, IntegrityError

MOST_KEPT = 500
MOST_CHANGES = 100
"""Models of which it is remembered when a change was last seen."""


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_CHANGES = "changes-seen"
OPEN = frozenset({JobState.QUEUED, JobState.RUNNING})


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One training; times are UTC ns (0: not yet), ``processor_seconds`` and ``peak_bytes`` what it took.

    ``since`` is when the oldest part was made that it learns from (0: any).
    """

    id: str
    characteristic: str
    reason: str
    text: str
    created: int
    seed: int = 0
    since: int = 0
    attempts: int = 2
    tried: int = 0
    state: JobState = JobState.QUEUED
    started: int = 0
    ended: int = 0
    progress: str = ""
    result: str = ""
    processor_seconds: float = 0.0
    peak_bytes: int = 0
    cost: float | None = None


class JobFolder:
    """The jobs of a plant; the folder is made with the first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, job: Job) -> Job:
        """Keep a job durably, and return it."""
        self._path.mkdir(parents=True, exist_ok=True)
        replace_file(self._path / f"{job.id}.json", msgspec.json.encode(job))
        return job

    def all(self) -> tuple[Job, ...]:
        """Return every job, the newest first."""
        found = [self._read(path) for path in self._path.glob("*.json")] if self._path.is_dir() else []
        return tuple(sorted(found, key=lambda job: (-job.created, job.id)))

    def get(self, job_id: str) -> Job:
        """Return a job; raises `InputError` where there is none of that name."""
        path = self._path / f"{job_id}.json"
        if "/" in job_id or not path.exists():
            raise InputError("no such job", field="JOB", value=job_id, choices=tuple(job.id for job in self.all()[:20]))
        return self._read(path)

    def log(self, job_id: str) -> Path:
        """Return the file that a job's training prints to."""
        return self._path / f"{job_id}.log"

    def change(self, job_id: str, **changes: object) -> Job:
        """Keep a job with other values of some fields, and return it."""
        return self.keep(msgspec.structs.replace(self.get(job_id), **changes))

    def cancel(self, job_id: str) -> Job:
        """Cancel a job for good, and return it; raises `InputError` where it is over or not there."""
        found = self.get(job_id)
        if found.state not in OPEN:
            raise InputError("it is over already", field="JOB", value=f"{job_id}: {found.state.value}")
        replace_file(self._mark(job_id), b"")
        return self.get(job_id)

    def note_change(self, model: str, seen: int) -> None:
        """Remember when a change of the process was last seen through a model (UTC ns)."""
        known = {name: when for name, when in self._changes().items() if name != model} | {model: seen}
        self._path.mkdir(parents=True, exist_ok=True)
        newest = dict(sorted(known.items(), key=lambda item: item[1])[-MOST_CHANGES:])
        replace_file(self._path / _CHANGES, msgspec.json.encode(newest))

    def change_seen(self, model: str) -> int | None:
        """Return when a change was last seen through a model, None where none was."""
        return self._changes().get(model)

    def _changes(self) -> dict[str, int]:
        path = self._path / _CHANGES
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, int]) if path.exists() else {}
        except (OSError, msgspec.MsgspecError) as error:
            raise IntegrityError(f"the changes that were seen cannot be read: {error}", where=str(path)) from error

    def tidy(self) -> None:
        """Forget the oldest of those that are over, beyond `MOST_KEPT`."""
        over = [job for job in self.all() if job.state not in OPEN]
        for job in over[MOST_KEPT:]:
            (self._path / f"{job.id}.json").unlink(missing_ok=True)
            self.log(job.id).unlink(missing_ok=True)
            self._mark(job.id).unlink(missing_ok=True)

    def _mark(self, job_id: str) -> Path:
        return self._path / f"{job_id}.cancelled"

    def _read(self, path: Path) -> Job:
        try:
            job = msgspec.json.decode(path.read_bytes(), type=Job)
        except (OSError, msgspec.MsgspecError) as error:
            raise IntegrityError(f"a job cannot be read: {error}", where=str(path)) from error
        if job.state in OPEN and self._mark(job.id).exists():
            return msgspec.structs.replace(job, state=JobState.CANCELLED)
        return job
