"""The measuring side: starts a process per subject and lets them work in turn.

Alternating matters more than repeating: on a machine that others use too, what disturbs one subject disturbs its
neighbours in the same round, and the ratio between medians stays.
"""

from __future__ import annotations

import json
import os
import selectors
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from measuring.clocks import SAMPLES, spread
from measuring.environments import UnavailableError, python_of
from measuring.works import OWN, Figure, Missing, Subject, Work

MOST_SECONDS = 600
GRACE_SECONDS = 20
_QUIET = {
    # one thread each, so that CPU time means one core; and nobody calls home
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "PATHWAY_THREADS": "1",
    "PATHWAY_MONITORING_SERVER": "",
    "DO_NOT_TRACK": "1",
}


class Worker:
    """A process that does one work for one subject, once per call of `once`."""

    def __init__(self, subject: Subject, work: Work, folder: Path) -> None:
        self._subject = subject
        self._work = work
        self._folder = folder
        self._errors = folder / f"{subject.module}-{subject.name.replace(' ', '-').replace('/', '-')}.err"
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start the process, unless each repetition starts its own."""
        if not self._subject.afresh:
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._stop()

    def once(self) -> dict[str, Any]:
        """Do the work once and return what came of it."""
        if self._subject.afresh:
            self._start()
        answer = self._ask("go")
        if self._subject.afresh:
            self._stop()
        return answer

    def _start(self) -> None:
        here = Path(__file__).resolve().parent
        python = python_of(self._subject.environment)
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(python), str(here / "worker.py"), self._subject.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=os.environ | _QUIET,
            )
        available = sorted(os.sched_getaffinity(0))
        cores = available[-self._work.cores :]
        shared = {"cores": cores, "folder": str(self._folder)}
        self._ask(json.dumps({**self._work.parameters, **self._subject.options, **shared}))

    def _ask(self, line: str) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise UnavailableError(self._last_words()) from None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(MOST_SECONDS):
                raise UnavailableError(f"no answer within {MOST_SECONDS} s")
        answer = process.stdout.readline()
        if not answer:
            raise UnavailableError(self._last_words())
        result: dict[str, Any] = json.loads(answer)
        return result

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            process.communicate(timeout=GRACE_SECONDS)
        process.kill()
        process.wait()

    def _last_words(self) -> str:
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "the process ended without a word"


def measure(work: Work, folder: Path) -> Iterator[Figure | Missing]:
    """Let all subjects of a work do it in turn, and yield each one's median; subjects that fail are yielded too.

    ``folder`` holds what subjects share and what they complain of, for a whole run.
    """
    _set_up(work, folder)
    results: dict[str, list[dict[str, Any]]] = {}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for subject in work.subjects:
            try:
                workers[subject.name] = stack.enter_context(Worker(subject, work, folder))
                results[subject.name] = []
            except UnavailableError as error:
                yield Missing(work=work.name, subject=subject.name, reason=str(error))
        for _ in range(work.repetitions):
            for name in list(workers):
                try:
                    results[name].append(workers[name].once())
                except UnavailableError as error:
                    del workers[name], results[name]
                    yield Missing(work=work.name, subject=name, reason=str(error))
    reference = next(iter(results.values()), [{}])[0].get(work.compare)
    shortened = {subject.name for subject in work.subjects if subject.options}
    for name, answers in results.items():
        yield _figure(work, name, answers, None if name in shortened else reference)


def _set_up(work: Work, folder: Path) -> None:
    done = folder / f"{work.setup}.done"
    if not work.setup or done.exists():
        return
    root = Path(__file__).resolve().parent.parent
    code = f"import pathlib, subjects.{work.setup} as shared; shared.make(pathlib.Path({str(folder)!r}))"
    subprocess.run([str(python_of(OWN)), "-c", code], cwd=root, env=os.environ | _QUIET, check=True)
    done.touch()


def _figure(work: Work, name: str, answers: list[dict[str, Any]], reference: list[float] | None) -> Figure:
    values = tuple(float(answer["value"]) for answer in answers)
    remarks = {key: value for key, value in answers[-1].items() if key not in {"value", SAMPLES, work.compare}}
    if SAMPLES in answers[-1]:
        remarks |= spread([sample for answer in answers for sample in answer[SAMPLES]])
    mine = answers[-1].get(work.compare)
    if reference is not None and mine is not None:
        remarks["agrees"] = all(abs(a - b) <= 1e-6 * max(1.0, abs(b)) for a, b in zip(mine, reference, strict=True))
    return Figure(work=work, subject=name, value=statistics.median(values), values=values, remarks=remarks)
