"""Variants of a model, measured against it on this device: speed, memory, size, and whether each class survives."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.onnx_judge.accepting import Trials
from lineside.adapters.onnx_judge.golden import (
    answers_to,
    golden_records,
    part_records,
    reference_of,
    with_own_rows,
)
from lineside.domain.acceptance import GoldenAnswer, Tolerance, compare
from lineside.domain.errors import InputError
from lineside.domain.parts import PartRecord, PartTable
from lineside.domain.plan.model import Plan
from lineside.learn.variants import Variant, as_bundle, variants_of
from lineside.wire.bundle import GOLDEN_ANSWERS, GOLDEN_PARTS, Bundle

ORIGINAL: Final = "original"
MOST_PARTS: Final = 500
"""Newest parts of the given data that every variant judges."""
_ROUNDS: Final = 3
_NOT_RUN: Final = frozenset({GOLDEN_PARTS, GOLDEN_ANSWERS})


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of a class, and how many of them are decided as by the original."""

    parts: int
    agree: int


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One variant: microseconds of processor time a part, bytes of memory and of files, agreement by class.

    ``accepted``: a gateway of this kind would take it under the plan's tolerance; ``problems`` say why not. Where
    ``suits`` is false there is no such variant, and ``how`` says why.
    """

    name: str
    how: str
    suits: bool = True
    p50_us: float = 0.0
    p99_us: float = 0.0
    memory: int = 0
    size: int = 0
    classes: dict[str, Agreement] = {}
    worst_score: float = 0.0
    accepted: bool = False
    problems: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class _Running:
    """A variant while it is measured."""

    name: str
    how: str
    bundle: Bundle
    judge: OnnxJudge
    taken: list[float] = field(default_factory=list)
    answers: list[GoldenAnswer] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compressed:
    """What came of it: the measurements, the original first, and the variants as bundles by name."""

    measured: tuple[Measured, ...]
    bundles: dict[str, Bundle]


async def compress(plan: Plan, bundle: Bundle, table: PartTable | None, tolerance: float, version: int) -> Compressed:
    """Make every variant that suits a bundle, and measure each on the golden parts and the given ones.

    Args:
        plan: the plan that the bundle is for.
        bundle: the original, with golden parts.
        table: further parts with their outcomes, or None.
        tolerance: greatest difference of a pruned model's scores, relative to ``1 + |score|``.
        version: the version that a variant gets.

    Raises:
        InputError: the bundle has no golden parts.
    """
    if GOLDEN_PARTS not in bundle.files:
        raise InputError("the bundle has no golden parts to compare by", value=bundle.name, next_step="train it again")
    parts, labels = _parts(bundle, table)
    inputs = np.stack([part.features for part in parts])[:, list(bundle.manifest.inputs)]
    variants = variants_of(bundle, inputs.astype(np.float32).astype(np.float64), tolerance)
    running = [_running(plan, ORIGINAL, "as it is", bundle)]
    running += [
        _running(plan, item.name, item.how, with_own_rows(as_bundle(bundle, item, version)))
        for item in variants
        if item.files is not None
    ]
    _time(running, parts, labels)
    async with Trials() as trials:
        measured = [await _measured(plan, item, running[0], trials) for item in running]
    return Compressed(
        measured=(*measured, *(_unsuitable(item) for item in variants if item.files is None)),
        bundles={item.name: item.bundle for item in running[1:]},
    )


def _parts(bundle: Bundle, table: PartTable | None) -> tuple[list[PartRecord], list[str]]:
    """Return the golden parts, and behind them the newest of the given ones, with what was found of each."""
    parts, labels = golden_records(bundle), [item.label for item in reference_of(bundle)]
    if table is not None:
        parts += part_records(bundle, np.asarray(table.features, dtype=np.float64)[-MOST_PARTS:])
        labels += list(table.outcome[-MOST_PARTS:])
    return parts, labels


def _running(plan: Plan, name: str, how: str, bundle: Bundle) -> _Running:
    return _Running(name=name, how=how, bundle=bundle, judge=OnnxJudge(plan, bundle.manifest.station, [bundle]).open())


def _time(running: Sequence[_Running], parts: Sequence[PartRecord], labels: Sequence[str]) -> None:
    """Let every variant judge all parts, in turn and several times, so that what disturbs the device disturbs all."""
    for number in range(_ROUNDS + 1):
        for item in running:
            item.judge.reset()
            item.answers, taken = answers_to(item.judge, parts, labels, time.thread_time_ns)
            item.taken += taken if number else ()  # the first round warms up


async def _measured(plan: Plan, item: _Running, original: _Running, trials: Trials) -> Measured:
    accepted = await trials.accept(plan, item.bundle)
    found = compare(original.answers, item.answers, Tolerance(score=1.0, decisions=1.0))
    return Measured(
        name=item.name,
        how=item.how,
        p50_us=round(float(np.quantile(item.taken, 0.5)), 1),
        p99_us=round(float(np.quantile(item.taken, 0.99)), 1),
        memory=accepted.memory,
        size=sum(len(data) for name, data in item.bundle.files.items() if name not in _NOT_RUN),
        classes={name or "?": Agreement(parts=one.parts, agree=one.agree) for name, one in found.classes.items()},
        worst_score=min(found.worst_score, sys.float_info.max),
        accepted=accepted.accepted,
        problems=accepted.problems,
    )


def _unsuitable(variant: Variant) -> Measured:
    return Measured(name=variant.name, how=variant.how, suits=False)
