"""Shadow judging: what a challenger makes of the parts that the champion judged, and how the two compare.

The challenger scores the parts of the history, in their order, by the same judge as at a gateway: the same features and
the same artefact give the same scores, so nothing has to run beside the line, and nothing is raised. Only parts count
that ended after all that either was learned from. What a gateway has recorded is believed before what is judged here
again: the alarm that a person saw is the one that counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.outcomes import is_nonconforming, precedence_of
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState
from lineside.domain.releases.comparing import Comparison, Losses, Pair, compare
from lineside.wire.bundle import Bundle

MOST_PARTS: Final = 50_000
"""Newest parts that are looked at."""
_RECORDED: Final = """
SELECT cycle_id, model, state FROM predictions_as_judged
WHERE characteristic = {characteristic} AND model IN ({models}) AND ended > {since}
"""
_TRUTHS: Final = """
SELECT o.unit, o.value, o.found FROM latest_outcomes o SEMI JOIN parts p ON p.unit = o.unit AND p.ended > {since}
WHERE o.characteristic = {characteristic}
"""
_ALARM: Final = JudgementState.ALARM.value
_COULD: Final = frozenset({JudgementState.NORMAL.value, _ALARM})


@dataclass(frozen=True, kw_only=True, slots=True)
class Shadowed:
    """What a challenger made of ``parts``, of which it could judge ``judged``, and how it compares with the champion.

    ``bad`` parts were found nonconforming, ``found`` of them in alarm; the champion had ``champion_found`` in alarm.
    """

    parts: int
    judged: int
    bad: int
    found: int
    champion_found: int
    comparison: Comparison


def shadow(plan: Plan, champion: Bundle, challenger: Bundle, history: Path) -> Shadowed | None:
    """Return what the challenger made of the champion's parts; None where the history holds none."""
    if not (history / "parts").is_dir() or not (history / "predictions").is_dir():
        return None
    query, name = HistoryQuery(history, precedence_of(plan)), challenger.manifest.characteristic
    since = max(champion.manifest.training.last, challenger.manifest.training.last)
    recorded = _recorded(query, name, (champion, challenger), since)
    truths = _truths(query, plan, name, since) if (history / "outcomes").is_dir() else {}
    parts = query.newest_parts(challenger.manifest.station, since + 1, MOST_PARTS)
    first, second = (_states(plan, bundle, parts, recorded) for bundle in (champion, challenger))
    known = [
        (truths[part.unit], one, two)
        for part, one, two in zip(parts, first, second, strict=True)
        if part.unit in truths
    ]
    both = sorted((truth, one, two) for truth, one, two in known if one in _COULD and two in _COULD)
    pairs = [Pair(champion=one == _ALARM, challenger=two == _ALARM, bad=bad) for (_, bad), one, two in both]
    costs = plan.characteristic(name).cost
    losses = Losses(escape=costs.escape, false_alarm=costs.false_alarm)
    return Shadowed(
        parts=len(parts),
        judged=sum(state in _COULD for state in second),
        bad=sum(bad for (_, bad), _, _ in known),
        found=sum(bad and two == _ALARM for (_, bad), _, two in known),
        champion_found=sum(bad and one == _ALARM for (_, bad), one, _ in known),
        comparison=compare(pairs, losses, margin_of(plan, challenger)),
    )


def _states(
    plan: Plan, bundle: Bundle, parts: Sequence[PartRecord], recorded: Mapping[tuple[str, str], str]
) -> list[str]:
    """Return what a model says of each part: as a gateway has recorded it, else as it is judged here."""
    judge = OnnxJudge(plan, bundle.manifest.station, [bundle]).open()
    found = []
    for part in parts:
        (said,) = judge.judge(part, part.ended).predictions
        found.append(recorded.get((bundle.name, part.cycle_id), said.state.value))
    return found


def margin_of(plan: Plan, challenger: Bundle) -> float:
    """Return how much worse a challenger may be per part, as a share of the greatest loss.

    It is what the plan lets recall lose (``greatest_performance_loss``), of the share of parts that were bad among
    those it was learned from: a figure that stands before a part is compared.
    """
    training = challenger.manifest.training
    share = training.nonconforming / training.rows if training.rows else 0.0
    return plan.service_levels.greatest_performance_loss * share


def _recorded(
    query: HistoryQuery, characteristic: str, bundles: tuple[Bundle, ...], since: int
) -> dict[tuple[str, str], str]:
    models = ", ".join(quoted(bundle.name) for bundle in bundles)
    rows = _rows(query, _RECORDED.format(characteristic=quoted(characteristic), models=models, since=since))
    return {(row["model"], row["cycle_id"]): row["state"] for row in rows}


def _truths(query: HistoryQuery, plan: Plan, characteristic: str, since: int) -> dict[str, tuple[int, bool]]:
    """Return by unit when its truth was found, and whether it is bad; units of unclear truth are left out."""
    of, found = plan.characteristic(characteristic), {}
    for row in _rows(query, _TRUTHS.format(characteristic=quoted(characteristic), since=since)):
        bad = is_nonconforming(of, row["value"])
        if bad is not None:
            found[row["unit"]] = (int(row["found"]), bad)
    return found


def _rows(query: HistoryQuery, text: str) -> Iterator[dict[str, Any]]:
    yield from query.sql(text).to_pylist()
