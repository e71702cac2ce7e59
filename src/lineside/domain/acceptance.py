"""Does a model decide on this device as it did where it was learned?

Golden parts travel with a model: some of every class, some near the limit, some that lack signals. The reference says
how each was judged where the model was learned; a device judges them again before the model goes live. Averages hide
what matters, since a quantised model that loses one rare class still agrees on nearly every part, so decisions are
compared class by class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lineside.domain.predictions import Prediction


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenAnswer:
    """How one golden part was judged.

    ``label`` is what was found to be true of the part (a class, ``conforming`` or ``nonconforming``; empty: unknown),
    ``state``, ``predicted`` and ``score`` are those of the prediction (score None: not a number), ``shares`` the
    greatest contributions by feature. An empty ``state`` says that there is no reference yet.
    """

    label: str = ""
    state: str = ""
    predicted: str = ""
    score: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """What may differ: scores and shares relative to ``1 + |value|``; least share of equal decisions in each class."""

    score: float
    decisions: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassAgreement:
    """How many golden parts of a class there are, and how many were decided as in the reference."""

    parts: int
    agree: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What came of comparing; ``problems`` is empty where the model may go live."""

    classes: Mapping[str, ClassAgreement]
    worst_score: float
    worst_share: float
    problems: tuple[str, ...]


MOST_SHARES = 3
"""Contributions that a golden answer keeps."""


def golden_answer(label: str, prediction: Prediction) -> GoldenAnswer:
    """Return what a golden part's prediction says."""
    regression = prediction.low is not None  # the text is a number then, which the score already holds
    return GoldenAnswer(
        label=label,
        state=str(prediction.state),
        predicted="" if regression else prediction.predicted,
        score=prediction.score if math.isfinite(prediction.score) else None,
        shares={item.feature: item.share for item in prediction.contributions[:MOST_SHARES] if item.share},
    )


def compare(reference: Sequence[GoldenAnswer], found: Sequence[GoldenAnswer], tolerance: Tolerance) -> Comparison:
    """Compare a device's answers with the reference, part by part in the same order."""
    if len(reference) != len(found) or not all(item.state for item in reference):
        raise ValueError("golden answers without a reference of the same length")
    classes = _agreement(reference, found)
    pairs = list(zip(reference, found, strict=True))
    worst_score = max((_difference(one.score, two.score) for one, two in pairs), default=0.0)
    worst_share = max((_share_difference(one, two) for one, two in pairs), default=0.0)
    problems = [
        f"{name or 'parts of unknown class'}: {item.agree} of {item.parts} golden parts are decided as in training"
        f" (the plan asks for {tolerance.decisions:.0%})"
        for name, item in classes.items()
        if item.agree < tolerance.decisions * item.parts
    ]
    for what, worst in (("scores", worst_score), ("contributions", worst_share)):
        if not worst <= tolerance.score:
            problems.append(f"{what} differ from training by {worst:.3g} (the plan allows {tolerance.score:.3g})")
    return Comparison(classes=classes, worst_score=worst_score, worst_share=worst_share, problems=tuple(problems))


def _agreement(reference: Sequence[GoldenAnswer], found: Sequence[GoldenAnswer]) -> dict[str, ClassAgreement]:
    counts: dict[str, list[int]] = {}
    for one, two in zip(reference, found, strict=True):
        count = counts.setdefault(one.label, [0, 0])
        count[0] += 1
        count[1] += (one.state, one.predicted) == (two.state, two.predicted)
    return {name: ClassAgreement(parts=parts, agree=agree) for name, (parts, agree) in sorted(counts.items())}


def _difference(one: float | None, two: float | None) -> float:
    """Return the difference of two values relative to ``1 + |one|``; infinite where only one of them is a number."""
    if one is None or two is None:
        return 0.0 if one is two else math.inf
    return abs(one - two) / (1.0 + abs(one))


def _share_difference(one: GoldenAnswer, two: GoldenAnswer) -> float:
    """Return the greatest difference of a share that both answers keep, relative to one and the score's size."""
    scale = 1.0 + abs(one.score or 0.0)
    return max(
        (abs(one.shares[name] - two.shares[name]) / scale for name in one.shares.keys() & two.shares.keys()),
        default=0.0,
    )
