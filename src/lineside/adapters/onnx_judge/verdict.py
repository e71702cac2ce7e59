"""The words and units of a judgement: what is predicted, and what carried it."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from lineside.adapters.onnx_judge.model import Answer, OpenModel
from lineside.domain.baselines import SetupView
from lineside.domain.judging.late_values import Foreseen, out_of_specification
from lineside.domain.judging.risk import logistic, risk_outside
from lineside.domain.judging.rows import Positions, greatest_shares
from lineside.domain.predictions import Contribution, JudgementState
from lineside.domain.readings import Float64

MOST_SHOWN: Final = 10
"""Inputs that are shown with their share; the rest carry less than these."""


class Verdict(NamedTuple):
    """A state and why, where the state needs a reason."""

    state: JudgementState
    reason: str


class Said(NamedTuple):
    """What a model expects: class or value as text, its interval, and the risk of not conforming."""

    text: str = ""
    low: float | None = None
    high: float | None = None
    risk: float | None = None


def predicted(model: OpenModel, answer: Answer | None, late: Foreseen | None = None) -> Said:
    """Return what the model expects of a part, a value as ``late`` corrects it; one of normal expects nothing."""
    if answer is None:
        return Said()
    manifest = model.bundle.manifest
    if "classes" in answer.outputs:
        name = manifest.classes[int(answer.outputs["classes"][0].argmax())]
        return Said(text=name, risk=logistic(answer.score))
    if "value" in answer.outputs:
        value = float(answer.outputs["value"][0, 0])
        if late is not None:
            value, half = value + late.bias, late.half_width
            risk = out_of_specification(value, late.deviation, manifest.lsl, manifest.usl)
            return Said(text=f"{value:.6g}", low=value - half, high=value + half, risk=risk)
        half = manifest.calibration["half_width"]
        risk = risk_outside(value, model.residuals, manifest.lsl, manifest.usl)
        return Said(text=f"{value:.6g}", low=value - half, high=value + half, risk=risk)
    return Said()


def limit_by_setup(setup: SetupView, limit: float) -> float:
    """Return the limit that a score is compared with under a setup."""
    return limit * (setup.width if setup.known or math.isinf(setup.gross) else setup.gross)


def judged_by_setup(setup: SetupView, score: float, limit: float) -> Verdict:
    """Return the verdict of a score under a setup: before it is known, only a gross deviation alarms."""
    if setup.known:
        return Verdict(JudgementState.ALARM if score > limit * setup.width else JudgementState.NORMAL, "")
    if score > limit * setup.gross:
        return Verdict(JudgementState.ALARM, f"farther off than any setup was seen, {setup.words}")
    return Verdict(JudgementState.WARMING_UP, f"warming up: {setup.words}")


def contributions(
    model: OpenModel, features: Float64, answer: Answer, setup: SetupView | None = None
) -> tuple[Contribution, ...]:
    """Return the inputs that moved the score most, by share, then the conditions (share 0).

    What is usual is so under the part's setup, and under its conditions where the model knows what these do.
    """
    chosen = greatest_shares(answer.shares[: model.judged], MOST_SHOWN)
    positions = model.inputs[chosen]
    values, shares = features[positions].tolist(), answer.shares[chosen].tolist()
    if setup is None and "usual" not in answer.outputs:
        result = [
            Contribution(name, signal, value, usual, low, high, unit, share)
            for (name, signal, usual, low, high, unit), value, share in zip(
                [model.usual[position] for position in positions.tolist()], values, shares, strict=True
            )
        ]
    else:
        result = _given(model, answer, setup, chosen, values)
    for position in model.conditions:
        name, signal, usual, low, high, unit = model.usual[position]
        result.append(Contribution(name, signal, float(features[position]), usual, low, high, unit, 0.0))
    return tuple(result)


def _given(
    model: OpenModel, answer: Answer, setup: SetupView | None, chosen: Positions, values: list[float]
) -> list[Contribution]:
    """Return the contributions of the chosen inputs against what is usual for this part."""
    offsets = np.zeros(len(chosen)) if setup is None else setup.offset[chosen].astype(np.float64)
    expected = np.full(len(chosen), np.nan)
    if "usual" in answer.outputs:
        usual_here = answer.outputs["usual"][0]
        answered = chosen < len(usual_here)  # of the conditions themselves, which trees may see too, it says nothing
        expected[answered] = usual_here[chosen[answered]]
    result = []
    for position, value, share, off, here in zip(
        model.inputs[chosen].tolist(),
        values,
        answer.shares[chosen].tolist(),
        offsets.tolist(),
        expected.tolist(),
        strict=True,
    ):
        name, signal, usual, low, high, unit = model.usual[position]
        conditional = not math.isnan(here)
        if conditional:
            below, above = model.bands[position]
            usual, low, high = here, here + below, here + above
        result.append(Contribution(name, signal, value, usual + off, low + off, high + off, unit, share, conditional))
    return result
