"""The judgement of a model before it judges: golden parts on this device, in a child process with limits.

A child of this program loads what judging needs, which takes a second, and forks for each model, which takes a fifth of
one (`lineside.adapters.onnx_judge.accepting_child`). The fork limits its memory, opens the model and judges the golden
parts. A model that eats memory, never ends or crashes takes its fork with it and nothing else, and is refused with the
reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Final, Self

import msgspec

from lineside.adapters.child_process import Limits, become_limited
from lineside.domain.errors import LinesideError
from lineside.domain.judging.graph_check import check_graph
from lineside.domain.plan.model import Plan
from lineside.domain.rule_coverage import uncovered
from lineside.wire.bundle import MODEL_FILE, Bundle, pack_bundle
from lineside.wire.unreadable import UNREADABLE

LIMITS: Final = Limits(cpu=30, seconds=120.0, memory=8 << 30)
"""Of a fork as a whole; what the model may take of it is `MODEL_MEMORY`."""
MODEL_MEMORY: Final = 768 << 20
"""Bytes of address space that opening and running a model may take, beside those of its file."""
IDLE_SECONDS: Final = 10.0
"""For how long the child waits for another model before it ends."""
_LOADING_SECONDS: Final = 60.0
LENGTH_BYTES: Final = 8
"""Of the length before each message of the child's pipes."""
_MODULE: Final = "lineside.adapters.onnx_judge.accepting_child"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told first: the plan (JSON), limits of a fork in seconds of processor time and of the clock."""

    plan: bytes
    cpu: int
    seconds: float
    idle: float


class Trial(msgspec.Struct, frozen=True):
    """A model to be tried: its packed bundle, and the memory that it may take."""

    bundle: bytes
    memory: int


class Tried(msgspec.Struct, frozen=True):
    """What came of a trial: why the fork ended before its time, or the `Acceptance` that it wrote."""

    why: str
    output: bytes


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


class Trials:
    """Tries models, one at a time; the child comes with the first and ends when it has been idle, or with `close`.

    Args:
        limits: of the trial of one model.
        memory: bytes of address space that a model may take, beside those of its file.
        idle: seconds that the child waits for another model.
    """

    def __init__(self, limits: Limits = LIMITS, memory: int = MODEL_MEMORY, idle: float = IDLE_SECONDS) -> None:
        self._limits = limits
        self._memory = memory
        self._idle = idle
        self._child: asyncio.subprocess.Process | None = None
        self._plan: Plan | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def child(self) -> int | None:
        """The number of the child's process; None where there is none."""
        return None if self._child is None or self._child.returncode is not None else self._child.pid

    async def accept(self, plan: Plan, bundle: Bundle) -> Acceptance:
        """Return whether a bundle judges its golden parts here as it should; never raises for what a model does."""
        manifest = bundle.manifest
        if lacks := uncovered(plan, manifest.characteristic, manifest.nonconforming, manifest.limit):
            return Acceptance(problems=lacks)
        try:
            check_graph(bundle.files[MODEL_FILE])
        except LinesideError as error:
            return Acceptance(problems=(str(error),))
        return await self.try_in_child(plan, bundle)

    async def try_in_child(self, plan: Plan, bundle: Bundle) -> Acceptance:
        """Open a bundle and judge its golden parts in a child; what its graph consists of is not asked first."""
        body = pack_bundle(bundle)
        trial = msgspec.msgpack.encode(Trial(body, self._memory + 4 * len(body)))
        async with self._turn:
            tried = await self._tried(plan, trial) or await self._tried(plan, trial)  # an idle child ends at any moment
        if tried is not None and tried.why:
            return Acceptance(problems=(f"the model was tried in a process of its own: {tried.why}",))
        try:
            return msgspec.json.decode(b"" if tried is None else tried.output, type=Acceptance)
        except UNREADABLE:
            return Acceptance(problems=("the model was tried in a process of its own, which said nothing of use",))

    async def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.communicate()

    async def _tried(self, plan: Plan, trial: bytes) -> Tried | None:
        """Return what came of a trial; None where the child has ended or hangs, and is no more."""
        try:
            async with asyncio.timeout(_LOADING_SECONDS + self._limits.seconds):
                child = await self._loaded(plan)
                assert child.stdin is not None
                assert child.stdout is not None
                child.stdin.write(framed(trial))
                await child.stdin.drain()
                length = int.from_bytes(await child.stdout.readexactly(LENGTH_BYTES))
                return msgspec.msgpack.decode(await child.stdout.readexactly(length), type=Tried)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            await self.close()
            return None
        except BaseException:
            await self.close()  # an answer that nobody waits for must not be taken for the next one's
            raise

    async def _loaded(self, plan: Plan) -> asyncio.subprocess.Process:
        """Return the child that tries models of a plan."""
        if self._child is not None and (self._plan is not plan or self._child.returncode is not None):
            await self.close()
        if self._child is None:
            parent, limits = os.getpid(), self._limits
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                preexec_fn=lambda: become_limited(parent, limits),
            )
            self._plan = plan
            terms = Terms(plan=plan.model_dump_json().encode(), cpu=limits.cpu, seconds=limits.seconds, idle=self._idle)
            assert self._child.stdin is not None
            self._child.stdin.write(framed(msgspec.msgpack.encode(terms)))
        return self._child


async def accept(plan: Plan, bundle: Bundle) -> Acceptance:
    """Try one model: see `Trials.accept`."""
    async with Trials() as trials:
        return await trials.accept(plan, bundle)


def framed(body: bytes) -> bytes:
    """Return a message of the child's pipes: its length, and itself."""
    return len(body).to_bytes(LENGTH_BYTES) + body
