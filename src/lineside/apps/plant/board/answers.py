"""What people answer to an alert, by page or by interface: checked, made an event, kept, and only then shown.

Answering is one flow: 1. check the answer, 2. hand it over to be kept (audit record and outbox), 3. show it.
The event's id comes from the alert, the person and a number that the form carries, so that a double tap or a
repeated request changes nothing.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal

import msgspec
from starlette.exceptions import HTTPException

from lineside.apps.plant.board.context import Board
from lineside.apps.plant.board.settings import SHELVE_REASONS
from lineside.apps.plant.floor.alerts import is_late
from lineside.apps.plant.floor.reactions import NO_DEFECT_REASONS, cause_choices
from lineside.domain.access import ENGINEERS, Account
from lineside.domain.alerting import reaction_for
from lineside.domain.alerts import Alert, AlertEvent, AlertKind, Verdict
from lineside.domain.answers import agrees
from lineside.domain.errors import InputError
from lineside.domain.plan.model import Measure, Step
from lineside.domain.said import Said, Value, exact, say, span
from lineside.domain.units import MILLISECOND, MINUTE

Kind = Literal[
    "acknowledged", "taken", "help", "shelved", "unshelved", "out_of_service", "in_service", "step", "closed", "agreed"
]
_BY_ENGINEERS: Final = frozenset({"out_of_service", "in_service"})
_LONGEST_NOTE: Final = 500
_MISTAKES: Final = {
    "value": say("this is not a number"),
    "minutes": say("a whole number is wanted"),
    "note": say("use at most {most} characters", most=_LONGEST_NOTE),
}
"""What is wrong with a field that people fill in, where it cannot be read."""
_UNREADABLE: Final = say("this cannot be read as an answer")


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to an alert.

    ``minutes``: how long a shelved alert is put off; ``one_shot``: or until it is over, if that is sooner.
    ``note``: why; needed to put an alert off or take it out of service. ``step``: number of the step that was done,
    with the ``value`` where it takes one. ``held``: milliseconds for which a browser without a connection has kept it.
    ``verdict`` and ``cause_code``: how it turned out, for closing; ``cause_code`` is one of the plan's reactions,
    of the reasons for no defect, or ``other``.
    """

    kind: Kind
    verdict: Literal["defect_confirmed", "no_defect", "not_checked"] | None = None
    cause_code: Annotated[str, msgspec.Meta(max_length=63)] = ""
    note: Annotated[str, msgspec.Meta(max_length=_LONGEST_NOTE)] = ""
    step: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] | None = None
    one_shot: bool = False
    value: Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)] | None = None
    held: Annotated[int, msgspec.Meta(ge=0, le=43_200_000)] = 0


def parse_answer(form: dict[str, str]) -> Answer:
    """Return the answer that a form holds.

    Raises:
        InputError: it is none.
    """
    fields = {name: value for name, value in form.items() if name in Answer.__struct_fields__ and value}
    if "value" in fields:
        fields["value"] = fields["value"].strip().replace(",", ".").replace("\N{MINUS SIGN}", "-")
    try:
        return msgspec.convert(fields, Answer, strict=False)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        raise InputError(_MISTAKES.get(field, _UNREADABLE), field=field, value=fields.get(field)) from error


async def answer(board: Board, account: Account, alert_id: str, given: Answer, *, once: str) -> AlertEvent:
    """Keep an answer and show it; return its event.

    Raises:
        HTTPException: there is no such alert (404), or it is closed already (409).
        InputError: the answer does not fit the alert.
    """
    alert = board.floor.alert(alert_id)
    if alert is None:
        raise HTTPException(404)
    event = _event(board, account, alert, given, once)
    known = next((item for item in alert.events if item.id == event.id), None)
    if known is not None:
        return known
    if given.kind == "agreed":
        _check_second(alert, event)
    elif alert.closed is not None:
        raise HTTPException(409, detail=say("this alert is closed already"))
    if given.kind in _BY_ENGINEERS and account.role not in ENGINEERS:
        raise HTTPException(403)
    _check(board, alert, given)
    await board.respond(event)
    board.floor.apply_alerts([event], shown=True)
    return event


def _check_second(alert: Alert, event: AlertEvent) -> None:
    """Refuse an agreement that is none: with nothing, with oneself, or with something else."""
    if alert.closed is None:
        raise InputError(say("this alert is not closed yet: there is no answer to agree with"), field="kind")
    if event.by == alert.closed.by:
        raise InputError(say("only somebody else can agree with an answer"), field="by", value=event.by)
    if not agrees(alert.closed, event):
        raise InputError(
            say("agree with the answer that was given, or leave it"),
            field="verdict",
            choices=(str(alert.closed.verdict),),
        )


def _check(board: Board, alert: Alert, given: Answer) -> None:
    if given.kind == "shelved":
        longest = board.floor.plan.service_levels.longest_shelving
        if given.minutes is None or given.minutes * MINUTE > longest:
            raise InputError(
                say("say for how long: at most {longest}", longest=span(longest)),
                field="minutes",
                choices=(longest // MINUTE,),
            )
    if given.kind in {"shelved", "out_of_service"} and not given.note.strip():
        raise InputError(say("say why"), field="note", choices=SHELVE_REASONS)
    if given.kind == "step":
        _check_step(_step(board, alert, given), given)
    if given.kind == "closed" and given.verdict is None:
        raise InputError(say("say how it turned out"), field="verdict", choices=tuple(Verdict))
    if given.cause_code and given.cause_code not in (known := _codes(board, alert)):
        raise InputError(say("not a cause of this alert"), field="cause_code", value=given.cause_code, choices=known)


def _step(board: Board, alert: Alert, given: Answer) -> Step | None:
    """Return the plan's step that an answer speaks of, None where the plan has none of that number."""
    reaction = reaction_for(board.floor.plan, alert.characteristic, alert.cause)
    steps = () if reaction is None else reaction.steps
    return steps[given.step - 1] if given.step is not None and given.step <= len(steps) else None


def _check_step(step: Step | None, given: Answer) -> None:
    if step is None:
        raise InputError(say("say which step of the reaction was done"), field="step", value=given.step)
    measure = step.measure
    if measure is None and given.value is not None:
        raise InputError(say("this step takes no value"), field="value", value=given.value)
    if measure is not None and given.value is None:
        raise InputError(say("say what was measured, in {unit}", unit=measure.unit), field="value")
    if measure is not None and given.value is not None and not measure.is_possible(given.value):
        raise InputError(
            _impossible(given.value, measure), field="value", value=given.value, next_step=say("read it again")
        )


def _impossible(value: float, measure: Measure) -> Said:
    """Return that a value cannot be, and between what it would have to lie."""
    said: dict[str, Value | int | str] = {"value": exact(value), "unit": measure.unit}
    if measure.least is None or measure.most is None:
        low, high = measure.least, measure.most
        if low is None and high is not None:
            return say("{value} {unit} cannot be: at most {most}", most=exact(high), **said)
        assert low is not None
        return say("{value} {unit} cannot be: at least {least}", least=exact(low), **said)
    least, most = exact(measure.least), exact(measure.most)
    return say("{value} {unit} cannot be: between {least} and {most}", least=least, most=most, **said)


def _codes(board: Board, alert: Alert) -> tuple[str, ...]:
    choices = (*cause_choices(board.floor.plan, alert.characteristic), *NO_DEFECT_REASONS)
    return tuple(dict.fromkeys(choice.code for choice in choices))


def _event(board: Board, account: Account, alert: Alert, given: Answer, once: str) -> AlertEvent:
    now = board.now()
    given_at = max(now - given.held * MILLISECOND, 0 if alert.raised is None else min(alert.raised.time, now))
    step = _step(board, alert, given)
    by = account.signature
    identity = "\n".join((alert.id, given.kind, str(given.step or ""), by, once or str(now)))
    return AlertEvent(
        id=f"{alert.id}:{given.kind}:{hashlib.sha256(identity.encode()).hexdigest()[:16]}",
        alert_id=alert.id,
        kind=AlertKind(given.kind),
        time=given_at,
        received=now,
        station=alert.station,
        characteristic=alert.characteristic,
        cause=alert.cause,
        writer=board.settings.writer,
        by=by,
        verdict=None if given.verdict is None else Verdict(given.verdict),
        cause_code=given.cause_code,
        note=" ".join(given.note.split()),
        step=given.step,
        text="" if step is None else step.text,
        measured=given.value,
        measured_unit="" if step is None or step.measure is None else step.measure.unit,
        until=0 if given.minutes is None else given_at + given.minutes * MINUTE,
        late=is_late(alert),
        one_shot=given.one_shot,
    )
