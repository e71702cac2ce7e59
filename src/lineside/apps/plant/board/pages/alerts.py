"""Alerts: the list, the card, and what people answer."""

from __future__ import annotations

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from lineside.apps.plant.board.answers import answer, parse_answer
from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.board.settings import SHELVE_CHOICES, SHELVE_REASONS
from lineside.apps.plant.floor.reactions import NO_DEFECT_REASONS
from lineside.apps.plant.floor.views import Card
from lineside.domain.access import ENGINEERS

_ASKS = frozenset({"problem", "later", "close", "service"})


async def alerts(call: Call) -> Response:
    """Show the alerts that want an answer, and the latest others."""
    board = call.board
    now = board.now()
    opened = board.floor.open_alerts(now)
    known = {card.id for card in opened}
    held = board.floor.held_alerts(now)
    logged = board.floor.logged_alerts(now)
    known |= {card.id for card in (*held, *logged)}
    others = [card for card in board.floor.alerts(now) if card.id not in known]
    return page(board, call.who, "alerts.html", opened=opened, held=held, logged=logged, others=others)


async def card(call: Call) -> Response:
    """Show one alert in full; ``ask`` opens one of its questions."""
    board = call.board
    found = board.floor.card(call.path("alert"), board.now())
    if found is None:
        raise HTTPException(404)
    ask = call.request.query_params.get("ask", "")
    longest = board.floor.plan.service_levels.longest_shelving
    return page(
        board,
        call.who,
        "alert.html",
        card=found,
        doubtful=board.settings.watched().doubtful(found.station),
        ask=ask if ask in _asks_of(found, call) else "",
        reasons=NO_DEFECT_REASONS,
        whys=SHELVE_REASONS,
        delays=[choice for choice in SHELVE_CHOICES if choice <= longest] or [longest],
    )


def _asks_of(found: Card, call: Call) -> frozenset[str]:
    """Return the questions that the card can open now; one that was taken asks by itself whether it was real."""
    closing = {"close"} if found.taken_by else set()
    service = set() if call.visitor.account.role in ENGINEERS and not found.out_of_service else {"service"}
    return _ASKS - closing - service


async def respond(call: Call) -> Response:
    """Take an answer, then show the card again."""
    alert_id = call.path("alert")
    await answer(call.board, call.visitor.account, alert_id, parse_answer(call.form), once=call.form.get("once", ""))
    return RedirectResponse(f"/alerts/{quote(alert_id)}", status_code=303)
