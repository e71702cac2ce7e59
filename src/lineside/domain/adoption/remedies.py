"""What would fix a prototype, the most useful first, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lineside.domain.adoption.findings import Finding, Gravity, by_gravity
from lineside.domain.adoption.result import Rerun
from lineside.domain.adoption.verdicts import Judgement, Verdict

_BY_SCHEME = {
    "later": "Validate on later periods, as `lineside backtest --protocol walk-forward` does, and learn again "
    "regularly: "
    "what the model learns does not last.",
    "day": "Hold out whole days, and judge features against the day's own baseline: parts of a day resemble each "
    "other.",
    "group": "Hold out whole groups, and collect more of them: the model knows groups rather than defects.",
}


def remedies(
    findings: Sequence[Finding], inflated: Sequence[Rerun], verdicts: Sequence[Verdict], *, stand_in: bool
) -> tuple[str, ...]:
    """Return sentences, each once, the gravest cause first."""
    return tuple(dict.fromkeys(_sentences(findings, inflated, verdicts, stand_in=stand_in)))


def _sentences(
    findings: Sequence[Finding], inflated: Sequence[Rerun], verdicts: Sequence[Verdict], *, stand_in: bool
) -> Iterator[str]:
    ranked = by_gravity(tuple(findings))
    yield from (item.remedy for item in ranked if item.gravity is Gravity.BLOCKS and item.remedy)
    for item in inflated:
        yield _of_scheme(item)
    yield from (item.remedy for item in ranked if item.gravity is Gravity.INFLATES and item.remedy)
    missed = {item.level for item in verdicts if item.judgement is Judgement.MISSED}
    if "false_alarms_per_shift" in missed:
        yield "Set the limit from the plan's budget by parts that the model has not seen, and watch it on later ones."
    if "least_recall" in missed:
        yield "Collect more nonconforming parts; with few of them try a model of normal (family: normal in the plan)."
    if stand_in:
        yield "Bring the recipe (a Python class with fit and predict) so that it is re-run itself and not a stand-in."
    yield from (item.remedy for item in ranked if item.gravity is Gravity.LOOK and item.remedy)


def _of_scheme(item: Rerun) -> str:
    if item.scheme in _BY_SCHEME:
        return _BY_SCHEME[item.scheme]
    kind, _, name = item.scheme.partition(":")
    if kind == "condition":
        return (
            f"Collect parts over the whole range of {name}, or judge features given {name}: worst at "
            f"{item.figure.worst_fold}."
        )
    return f"Hold out whole values of {name} when you validate, and give each a baseline of its own."
