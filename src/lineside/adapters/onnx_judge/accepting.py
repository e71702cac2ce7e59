"""The judgement of a model before it judges: golden parts on this device, in a child process with limits.

The parent hands plan and bundle to a child of its own program; the child loads what it needs, then limits its memory,
then opens the model and judges the golden parts. A model that eats memory, never ends or crashes takes the child with
it and nothing else, and is refused with the reason.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Final

import msgspec
import numpy as np

from lineside.adapters.child_process import Limits, limit_memory, run_limited
from lineside.adapters.onnx_judge.golden import check_golden
from lineside.domain.errors import LinesideError
from lineside.domain.judging.graph_check import check_graph
from lineside.domain.plan.model import Plan
from lineside.domain.rule_coverage import uncovered
from lineside.wire.bundle import MODEL_FILE, Bundle, pack_bundle, unpack_bundle
from lineside.wire.unreadable import UNREADABLE

LIMITS: Final = Limits(cpu=30, seconds=120.0, memory=8 << 30)
"""Of the child as a whole; what the model may take of it is `MODEL_MEMORY`."""
MODEL_MEMORY: Final = 768 << 20
"""Bytes of address space that opening and running a model may take, beside those of its file."""
_MODULE: Final = "lineside.adapters.onnx_judge.accepting"


class _Request(msgspec.Struct, frozen=True):
    plan: bytes
    bundle: bytes
    memory: int


class ClassResult(msgspec.Struct, frozen=True):
    """Golden parts of one class, and how many of them were decided as in the reference."""

    parts: int
    agree: int


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; ``problems`` is empty where the model may go live. Times in microseconds, memory in bytes.

    The greatest float stands for a difference that is none, of a number and no number.
    """

    problems: tuple[str, ...] = ()
    classes: dict[str, ClassResult] = {}
    worst_score: float = 0.0
    worst_share: float = 0.0
    p50_us: float = 0.0
    p99_us: float = 0.0
    memory: int = 0

    @property
    def accepted(self) -> bool:
        """Whether the model may go live."""
        return not self.problems


async def accept(plan: Plan, bundle: Bundle, limits: Limits = LIMITS, memory: int = MODEL_MEMORY) -> Acceptance:
    """Return whether a bundle judges its golden parts here as it should; never raises for what a model does."""
    manifest = bundle.manifest
    if lacks := uncovered(plan, manifest.characteristic, manifest.nonconforming, manifest.limit):
        return Acceptance(problems=lacks)
    try:
        check_graph(bundle.files[MODEL_FILE])
    except LinesideError as error:
        return Acceptance(problems=(str(error),))
    return await try_in_child(plan, bundle, limits, memory)


async def try_in_child(plan: Plan, bundle: Bundle, limits: Limits = LIMITS, memory: int = MODEL_MEMORY) -> Acceptance:
    """Open a bundle and judge its golden parts in a child; what its graph consists of is not asked first."""
    body = pack_bundle(bundle)
    request = _Request(plan.model_dump_json().encode(), body, memory + 4 * len(body))
    ended = await run_limited([sys.executable, "-m", _MODULE], msgspec.msgpack.encode(request), limits)
    if ended.why:
        return Acceptance(problems=(f"the model was tried in a process of its own: {ended.why}",))
    try:
        return msgspec.json.decode(ended.output, type=Acceptance)
    except UNREADABLE:
        return Acceptance(problems=("the model was tried in a process of its own, which said nothing of use",))


def _judge(request: _Request) -> Acceptance:
    plan = Plan.model_validate_json(request.plan)
    bundle = unpack_bundle(request.bundle)
    before = _peak()
    limit_memory(request.memory)
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


def main() -> None:
    """Take a request from standard input and write the answer to standard output."""
    request = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Request)
    answer = msgspec.json.encode(_judge(request))
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    os._exit(0)  # a model that left threads or memory in disorder must not spoil the answer at the exit


if __name__ == "__main__":
    main()
