"""The child that tries models (see `lineside.adapters.onnx_judge.accepting`): it forks for each of them.

It is told its terms first and then a model at a time, on standard input, and answers each on standard output. It opens
no model itself, so that no thread of ONNX Runtime is there to be lost in a fork.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import time
from typing import Final, NoReturn

import msgspec
import numpy as np

from lineside.adapters.child_process import Limits, die_with_parent, limit_memory, why_ended
from lineside.adapters.onnx_judge.accepting import LENGTH_BYTES, Acceptance, ClassResult, Terms, Trial, Tried, framed
from lineside.adapters.onnx_judge.golden import check_golden
from lineside.domain.errors import LinesideError
from lineside.domain.plan.model import Plan
from lineside.wire.bundle import unpack_bundle

_MOST_SAID: Final = 8 << 20


def main() -> None:
    """Try model after model, until no more comes for a while or the parent is gone."""
    terms = msgspec.msgpack.decode(_frame(), type=Terms)
    plan = Plan.model_validate_json(terms.plan)
    limits = Limits(cpu=terms.cpu, seconds=terms.seconds, memory=0)
    while select.select([0], [], [], terms.idle)[0] and (frame := _frame()):
        tried = _in_a_fork(plan, msgspec.msgpack.decode(frame, type=Trial), limits)
        sys.stdout.buffer.write(framed(msgspec.msgpack.encode(tried)))
        sys.stdout.buffer.flush()


def _frame() -> bytes:
    """Return the next message; empty where no more comes."""
    return _exactly(int.from_bytes(_exactly(LENGTH_BYTES)))


def _exactly(count: int) -> bytes:
    pieces = []
    while count and (piece := os.read(0, count)):
        pieces.append(piece)
        count -= len(piece)
    return b"" if count else b"".join(pieces)


def _in_a_fork(plan: Plan, trial: Trial, limits: Limits) -> Tried:
    reading, writing = os.pipe()
    parent = os.getpid()
    fork = os.fork()
    if fork == 0:
        _try(plan, trial, writing, parent)
    os.close(writing)
    output, ended = _drained(reading, time.monotonic() + limits.seconds)
    os.close(reading)
    if not ended:
        os.kill(fork, signal.SIGKILL)
    _, status = os.waitpid(fork, 0)
    late = f"it took more than {limits.seconds:g} s"
    return Tried(why_ended(os.waitstatus_to_exitcode(status), limits) if ended else late, output)


def _drained(reading: int, until: float) -> tuple[bytes, bool]:
    """Return what a fork has said, and whether it came to an end in time and within bounds."""
    said = bytearray()
    while len(said) < _MOST_SAID and select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
        piece = os.read(reading, 1 << 16)
        if not piece:
            return bytes(said), True
        said += piece
    return bytes(said), False


def _try(plan: Plan, trial: Trial, writing: int, parent: int) -> NoReturn:
    """In a fork: judge the golden parts, write the answer and end, whatever state a model has left things in."""
    try:
        die_with_parent(parent)
        os.dup2(2, 1)  # what a model's runtime prints is no answer
        with os.fdopen(writing, "wb") as answer:
            answer.write(msgspec.json.encode(_judged(plan, trial)))
    except BaseException:  # noqa: BLE001 - nothing of the parent's program may go on here
        os._exit(1)
    os._exit(0)


def _judged(plan: Plan, trial: Trial) -> Acceptance:
    bundle = unpack_bundle(trial.bundle)
    before = _peak()
    limit_memory(trial.memory)
    try:
        run = check_golden(plan, bundle)
    except LinesideError as error:
        return Acceptance(problems=(str(error),))
    except MemoryError:
        return Acceptance(problems=("the model needs more memory than it may have",))
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises a dozen classes of its own, all meaning: not this model
        return Acceptance(problems=(f"the model cannot be run: {type(error).__name__}: {error}"[:500],))
    taken = np.array(run.taken_us or (0.0,))
    wanted = plan.characteristic(bundle.manifest.characteristic).acceptance.judging_p99 / 1000.0
    median = float(np.median(taken))
    problems = list(run.comparison.problems)
    if median > wanted:  # the few golden parts are no measure of a tail: that is watched once the model judges
        problems.append(f"judging a part takes {median / 1000:.3g} ms (the plan allows {wanted / 1000:.3g} ms)")
    return Acceptance(
        problems=tuple(problems),
        classes={name: ClassResult(item.parts, item.agree) for name, item in run.comparison.classes.items()},
        worst_score=min(run.comparison.worst_score, sys.float_info.max),
        worst_share=min(run.comparison.worst_share, sys.float_info.max),
        p50_us=median,
        p99_us=float(np.quantile(taken, 0.99)),
        memory=max(0, _peak() - before),
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
