"""Golden parts judged: to give them their reference where a model was made, and to compare with it on a device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from lineside.adapters.onnx_judge.explain import feeder_for
from lineside.adapters.onnx_judge.judge import OnnxJudge
from lineside.adapters.onnx_judge.model import open_session
from lineside.domain.acceptance import Comparison, GoldenAnswer, Tolerance, compare, golden_answer
from lineside.domain.errors import IntegrityError
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64
from lineside.domain.units import SECOND
from lineside.wire.bundle import (
    GOLDEN_ANSWERS,
    GOLDEN_INPUTS,
    GOLDEN_PARTS,
    GOLDEN_SCORES,
    MODEL_FILE,
    Bundle,
    array_bytes,
    seal,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenRun:
    """What came of judging the golden parts: the comparison, and how long each part took (microseconds)."""

    comparison: Comparison
    taken_us: tuple[float, ...]


def with_reference(plan: Plan, bundle: Bundle) -> Bundle:
    """Return a bundle whose golden parts have the answers that it gives here, as the reference for all devices.

    A bundle without golden parts is returned as it is.
    """
    if GOLDEN_PARTS not in bundle.files:
        return bundle
    labels = [item.label for item in reference_of(bundle)]
    answers, _ = answer_golden(plan, bundle, labels)
    return seal(bundle.manifest, {**bundle.files, GOLDEN_ANSWERS: msgspec.json.encode(answers)})


def with_own_rows(bundle: Bundle) -> Bundle:
    """Return a bundle of a model without memory whose golden rows have the scores that it gives here itself."""
    session, feed = open_session(bundle.files[MODEL_FILE]), feeder_for(bundle)
    rows = np.ascontiguousarray(bundle.array(GOLDEN_INPUTS), dtype=np.float32)
    scores = [session.run(["score"], feed(row[None, :]))[0][0, 0] for row in rows]
    files = {**bundle.files, GOLDEN_SCORES: array_bytes(np.array(scores, dtype=np.float32))}
    return seal(bundle.manifest, files)


def check_golden(plan: Plan, bundle: Bundle) -> GoldenRun:
    """Judge a bundle's golden parts here and compare with the reference, within the plan's tolerance.

    A bundle without golden parts has nothing to compare: its golden rows are checked when it is opened.

    Raises:
        ConfigurationError: the bundle is for another plan.
        IntegrityError: it cannot be opened, answers with no number, or its golden parts have no reference.
    """
    wanted = plan.characteristic(bundle.manifest.characteristic).acceptance
    tolerance = Tolerance(score=wanted.score_tolerance, decisions=wanted.decisions)
    if GOLDEN_PARTS not in bundle.files:
        OnnxJudge(plan, bundle.manifest.station, [bundle]).open()
        return GoldenRun(comparison=compare([], [], tolerance), taken_us=())
    reference = reference_of(bundle)
    found, taken = answer_golden(plan, bundle, [item.label for item in reference])
    try:
        return GoldenRun(comparison=compare(reference, found, tolerance), taken_us=taken)
    except ValueError as error:
        raise IntegrityError("a bundle's golden parts have no reference", field=bundle.name) from error


def reference_of(bundle: Bundle) -> list[GoldenAnswer]:
    """Return the answers that a bundle says its golden parts must have.

    Raises:
        IntegrityError: they cannot be read.
    """
    try:
        return msgspec.json.decode(bundle.files[GOLDEN_ANSWERS], type=list[GoldenAnswer])
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError("a bundle's golden answers cannot be read", field=GOLDEN_ANSWERS) from error


def golden_records(bundle: Bundle) -> list[PartRecord]:
    """Return a bundle's golden parts as parts of its station, a second apart."""
    return part_records(bundle, bundle.array(GOLDEN_PARTS).astype(np.float64))


def part_records(bundle: Bundle, features: Float64) -> list[PartRecord]:
    """Return rows of features as parts of a bundle's station, a second apart."""
    return [
        PartRecord(
            cycle_id=f"golden-{number}",
            unit=f"golden-{number}",
            station=bundle.manifest.station,
            started=number * SECOND,
            ended=(number + 1) * SECOND,
            received=(number + 1) * SECOND,
            recipe=bundle.manifest.recipe,
            features=row,
        )
        for number, row in enumerate(features)
    ]


def answer_golden(plan: Plan, bundle: Bundle, labels: Sequence[str]) -> tuple[list[GoldenAnswer], tuple[float, ...]]:
    """Return a bundle's answers to its golden parts, and the time each took in microseconds."""
    parts = golden_records(bundle)
    if len(parts) != len(labels):
        raise IntegrityError(
            "golden parts and their answers differ in number", value=len(parts), choices=(len(labels),)
        )
    return answers_to(OnnxJudge(plan, bundle.manifest.station, [bundle], setups=False).open(), parts, labels)


def answers_to(
    judge: OnnxJudge,
    parts: Sequence[PartRecord],
    labels: Sequence[str],
    timer: Callable[[], int] = time.perf_counter_ns,
) -> tuple[list[GoldenAnswer], tuple[float, ...]]:
    """Return a judge's answers to parts, one after another, and the time each took in microseconds.

    ``timer`` is a clock in ns.
    """
    answers, taken = [], []
    for part, label in zip(parts, labels, strict=True):
        began = timer()
        (prediction,) = judge.judge(part, part.ended).predictions
        taken.append((timer() - began) / 1000.0)
        answers.append(golden_answer(label, prediction))
    return answers, tuple(taken)
