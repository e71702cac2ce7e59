"""The path of a part, step by step, for those who trace it: readings, part, judgement, alert, landing, history.

Steps of one part are found together by its cycle's id, which every record of it carries anyway: nothing is added to a
record, and gateway and plant need not have spoken of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lineside.domain.alerts import AlertEvent
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction

Fact = str | int | float | bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of a part's path, from ``started`` to ``ended`` (UTC ns of the line's clock).

    ``cycle`` is the part's cycle. The ``whole`` path is the step that all others of the cycle belong to.
    """

    name: str
    cycle: str
    started: int
    ended: int
    facts: Mapping[str, Fact] = field(default_factory=dict)
    whole: bool = False


def gateway_steps(
    parts: Iterable[PartRecord], predictions: Iterable[Prediction], events: Iterable[AlertEvent], now: int
) -> Iterator[Step]:
    """Yield the steps of what a gateway has just recorded, at ``now`` (UTC ns)."""
    for part in parts:
        facts: dict[str, Fact] = {"station": part.station, "unit": part.unit, "late": part.late}
        yield Step(name="part", cycle=part.cycle_id, started=part.started, ended=now, facts=facts, whole=True)
        counted: dict[str, Fact] = {"readings": part.readings, "incomplete": part.incomplete}
        yield Step(
            name="readings", cycle=part.cycle_id, started=part.started, ended=max(part.ended, part.received),
            facts=counted,
        )  # fmt: skip
    for item in predictions:
        judged: dict[str, Fact] = {
            "characteristic": item.characteristic, "model": item.model, "state": item.state.value, "score": item.score,
        }  # fmt: skip
        yield Step(name="judgement", cycle=item.cycle_id, started=item.received, ended=item.judged, facts=judged)
    for event in events:
        if event.cycle_id:
            said: dict[str, Fact] = {"kind": event.kind.value, "alert": event.alert_id, "cause": event.cause}
            yield Step(name="alert", cycle=event.cycle_id, started=event.time, ended=now, facts=said)


def record_steps(name: str, cycles: Iterable[str], started: int, ended: int, facts: Mapping[str, Fact]) -> list[Step]:
    """Return the step that a record takes at the plant, once for each of the cycles that it speaks of."""
    return [
        Step(name=name, cycle=cycle, started=started, ended=ended, facts=facts)
        for cycle in dict.fromkeys(cycles)
        if cycle
    ]
