"""What became of alerts: the hand-over of a shift, answers that wait for a second person, and figures of the load."""

from __future__ import annotations

import csv
import io
from typing import Final

from starlette.responses import Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.floor.promises import promises_of
from lineside.domain.answers import Standing
from lineside.domain.eight_d import safe_cell
from lineside.domain.units import DAY, HOUR
from lineside.domain.uptake import Uptake

_SPANS: Final = {"shift": 8 * HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
_LONGEST: Final = 200
_ANSWERED: Final = (
    "alerts", "acted", "overridden", "ignored", "median_seconds", "p90_seconds", "confirmed", "no_defect",
)  # fmt: skip
_TOO_FEW: Final = ("too few people", *("",) * (len(_ANSWERED) - 1))
_LOAD: Final = ("announced", "per_shift", "floods", "flooded", "chattering", "stale", "silenced", "escapes")


async def handover(call: Call) -> Response:
    """Show what the next shift has to know, fit for printing."""
    board = call.board
    now = board.now()
    shift = board.floor.shift(now)
    opened = board.floor.open_alerts(now)
    during = [card for card in board.floor.alerts(now, most=_LONGEST) if card.raised >= shift.starts]
    return page(
        board,
        call.who,
        "handover.html",
        shift=shift,
        opened=opened,
        promised=promises_of(opened)[:_LONGEST],
        held=board.floor.held_alerts(now),
        closed=[card for card in during if card.state == "closed"],
        notes=[(card, entry) for card in during for entry in card.history if entry.note],
        budget_now=board.floor.budget(now),
    )


async def labels(call: Call) -> Response:
    """Show the answers that wait for a second person or a measurement, and what became of the others."""
    found = call.board.floor.labels(call.board.now())
    counts = {standing.value: sum(label.standing is standing for _, label in found) for standing in Standing}
    waiting = [pair for pair in found if pair[1].standing is Standing.QUARANTINED][:_LONGEST]
    against = [pair for pair in found if pair[1].standing is Standing.CONTRADICTED][:_LONGEST]
    me = call.visitor.account.signature
    return page(call.board, call.who, "labels.html", waiting=waiting, against=against, counts=counts, me=me)


async def statistics(call: Call) -> Response:
    """Show how many alerts came, in what manner, how right they were and what became of them."""
    name = call.request.query_params.get("over", "week")
    over = _SPANS.get(name, _SPANS["week"])
    board, now = call.board, call.board.now()
    shown, hidden = board.floor.uptake(now, over)
    return page(
        board,
        call.who,
        "statistics.html",
        over=name if name in _SPANS else "week",
        spans=tuple(_SPANS),
        load=board.floor.alarm_load(now, over),
        groups=board.floor.load_by_group(now, over),
        standings=sorted(board.floor.notices().standings.items()),
        uptake=shown,
        too_few=hidden,
        least_group=board.floor.plan.privacy.least_group,
    )


async def statistics_csv(call: Call) -> Response:
    """Return what became of alerts, by station and shift, as a table."""
    board, now = call.board, call.board.now()
    over = _SPANS.get(call.request.query_params.get("over", "week"), _SPANS["week"])
    shown, hidden = board.floor.uptake(now, over)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(("station", "shift", *_ANSWERED, *_LOAD))
    answered: dict[tuple[str, str], tuple[object, ...]] = {(few.station, few.shift): _TOO_FEW for few in hidden}
    answered |= {(item.station, item.shift): _answered(item) for item in shown}
    for group in board.floor.load_by_group(now, over):
        mine = answered.get((group.station, group.shift), ("",) * len(_ANSWERED))
        load = (
            "" if (value := getattr(group, "alerts" if name == "announced" else name)) is None else value
            for name in _LOAD
        )
        table.writerow([safe_cell(value) for value in (group.station, group.shift, *mine, *load)])
    headers = {"Content-Disposition": 'attachment; filename="alerts.csv"'}
    return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=headers)


def _answered(item: Uptake) -> tuple[object, ...]:
    times = ("" if value is None else round(value / 1e9, 1) for value in (item.median, item.p90))
    return item.alerts, item.acted, item.overridden, item.ignored, *times, item.confirmed, item.unfounded
