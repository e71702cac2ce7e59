"""An alert for other tools: as a table, and as the beginning of an 8D report."""

from __future__ import annotations

import csv
import io

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.board.wording import date_time, span
from lineside.apps.plant.floor.views import Card
from lineside.domain.alerts import AlertKind
from lineside.domain.eight_d import Problem, eight_d, safe_cell
from lineside.domain.outcomes import is_nonconforming
from lineside.domain.plan.model import Plan

_COLUMNS = ("time", "what", "by", "verdict", "cause", "step", "note")


async def csv_file(call: Call) -> Response:
    """Return the life of an alert, a line for each event, with its suspect parts at the end."""
    card, zone = _card(call), call.board.floor.plan.line.timezone
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(("alert", "station", "characteristic", "cause", "priority", *_COLUMNS))
    about = (card.id, card.station, card.characteristic, card.cause, card.priority.value)
    for entry in card.history:
        said = (date_time(entry.time, zone), entry.kind, entry.by or "process", entry.verdict or "", entry.cause_code)
        row = (*about, *said, entry.step or "", entry.note)
        table.writerow([safe_cell(value) for value in row])
    for unit in card.suspects:
        table.writerow([safe_cell(value) for value in (*about, "", "suspect", "", "", "", "", unit)])
    headers = {"Content-Disposition": 'attachment; filename="alert.csv"'}
    return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=headers)


async def eight_d_json(call: Call) -> Response:
    """Return D2 and D3 of an 8D report as JSON."""
    return JSONResponse(eight_d(_problem(_card(call), call.board.floor.plan)))


async def eight_d_page(call: Call) -> Response:
    """Show D2 and D3 of an 8D report, fit for printing."""
    card = _card(call)
    report = eight_d(_problem(card, call.board.floor.plan))
    return page(call.board, call.who, "eight_d.html", card=card, report=report)


def _card(call: Call) -> Card:
    found = call.board.floor.card(call.path("alert"), call.board.now())
    if found is None:
        raise HTTPException(404)
    return found


def _problem(card: Card, plan: Plan) -> Problem:
    zone = plan.line.timezone
    characteristic = plan.characteristic(card.characteristic)
    over = next((item.time for item in card.history if item.kind == AlertKind.CLEARED), 0)
    return Problem(
        alert=card.id,
        line=plan.line.label,
        part=plan.part.number,
        station=card.station_label,
        characteristic=card.characteristic_label,
        text=card.text,
        raised=date_time(card.raised, zone),
        ended=date_time(over, zone) if over else "it still stands",
        score=card.score,
        limit=card.limit,
        causes=tuple(f"{item.label}: usual {span(item.low, item.high, item.unit)}" for item in card.why),
        suspects=card.suspects,
        steps=tuple(item.text for item in card.steps),
        done=tuple(item.text for item in card.steps if item.done),
        checked=len(card.found),
        nonconforming=sum(bool(is_nonconforming(characteristic, item.value)) for item in card.found),
        verdict="" if card.verdict is None else card.verdict.value,
    )
