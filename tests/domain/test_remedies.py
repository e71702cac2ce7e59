"""What solved a cause before, and what follows for the order of the steps."""

from __future__ import annotations

from lineside.domain.alerts import Alert, AlertEvent, AlertKind, Verdict, fold
from lineside.domain.plan.model import Step, StepKind
from lineside.domain.remedies import Remedies, in_order, remedies

STEPS = tuple(
    Step(do=StepKind(do), text=text)
    for do, text in (("segregate", "Set aside"), ("adjust", "Clean"), ("inspect", "Look"), ("adjust", "Open"))
)


def alert(*done: str, verdict: Verdict = Verdict.CONFIRMED, over: int | None = 50, code: str = "") -> Alert:
    """An alert of the cause ``cooling`` whose steps were done at 1, 2, ... and which was over at a time."""

    def event(kind: AlertKind, time: int, **more: object) -> AlertEvent:
        return AlertEvent(
            id=f"{kind}{time}", alert_id="a", kind=kind, time=time, station="s", characteristic="c", cause="cooling",
            writer="w", **more,  # type: ignore[arg-type]
        )  # fmt: skip

    events = [event(AlertKind.RAISED, 0), event(AlertKind.CLOSED, 99, verdict=verdict, cause_code=code)]
    events += [event(AlertKind.STEP, time, text=text) for time, text in enumerate(done, start=1)]
    if over is not None:
        events.append(event(AlertKind.CLEARED, over))
    return fold(events)["a"]


def test_the_last_adjusting_step_before_the_condition_ended_solved_it() -> None:
    known = remedies([alert("Clean", "Open", "Look"), alert("Open"), alert("Clean")], STEPS)
    assert known == Remedies(solved={"Open": 2, "Clean": 1}, of=3)


def test_a_step_that_was_done_after_the_end_solved_nothing() -> None:
    assert remedies([alert("Clean", "Open", over=1)], STEPS) == Remedies(solved={"Clean": 1}, of=1)


def test_nothing_is_learned_from_alerts_that_were_not_confirmed_or_had_another_cause_or_never_ended() -> None:
    others = [alert("Open", verdict=Verdict.NO_DEFECT), alert("Open", verdict=Verdict.NOT_CHECKED),
              alert("Open", code="vacuum"), alert("Open", over=None), alert("Look")]  # fmt: skip
    assert remedies(others, STEPS) == Remedies()
    assert remedies([alert("Open", code="cooling")], STEPS).of == 1


def test_adjusting_steps_change_places_among_themselves_and_what_contains_stays_first() -> None:
    order = in_order(STEPS, Remedies(solved={"Open": 2, "Clean": 1}, of=3))
    assert [(number, step.text) for number, step in order] == [(1, "Set aside"), (4, "Open"), (3, "Look"), (2, "Clean")]


def test_without_a_past_the_order_is_the_plans() -> None:
    assert [number for number, _ in in_order(STEPS, Remedies())] == [1, 2, 3, 4]
