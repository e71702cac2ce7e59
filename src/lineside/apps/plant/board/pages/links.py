"""Answering an alert by the link in a message: looking changes nothing, one answer spends the link."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineside.apps.plant.board.answers import Answer, answer, parse_answer
from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.pages.entry import with_form_cookie
from lineside.apps.plant.board.wording import capitalised, refusal, sentence
from lineside.apps.plant.floor.reactions import NO_DEFECT_REASONS
from lineside.domain.access import AccessRole, Account
from lineside.domain.answer_links import AnswerLink, read_link
from lineside.domain.errors import InputError
from lineside.domain.said import say

BEARER: Final = Account(id="", name="", role=AccessRole.OPERATOR, pseudonym="by link", created=0)
"""Whoever answers by a link: nobody knows who it was, only that the link was theirs."""
_CLOSED: Final = say("this alert is closed already")
_USED: Final = say("this link was used already")
_KINDS: Final = frozenset({"acknowledged", "taken", "help", "closed"})


async def show(call: Call) -> Response:
    """Show what the alert says, and what can be answered."""
    link, problem = await _link(call)
    card = None if link is None else call.board.floor.card(link.alert, call.board.now())
    if card is None or card.verdict is not None:
        problem = problem or capitalised(sentence(_CLOSED))
    reasons = NO_DEFECT_REASONS
    status = 200 if not problem else 410
    return with_form_cookie(call, "answer.html", card=card, problem=problem, done="", reasons=reasons, status=status)


async def take(call: Call) -> Response:
    """Take one answer, and spend the link with it."""
    link, problem = await _link(call)
    if link is None or problem:
        return with_form_cookie(call, "answer.html", card=None, problem=problem, done="", reasons=(), status=410)
    given: Answer = parse_answer(call.form)
    if given.kind not in _KINDS:
        raise HTTPException(422, detail=say("this cannot be said by a link"))
    known = call.board.floor.alert(link.alert)
    if known is None or known.closed is not None:
        raise HTTPException(409, detail=_CLOSED)
    if not await call.board.state.screens.spend(link.mark, link.expires, call.board.clock.now()):
        raise HTTPException(409, detail=_USED)
    await answer(call.board, BEARER, link.alert, given, once=link.mark)
    await call.board.audit.append("link.used", {"alert": link.alert, "mark": link.mark, "address": call.address})
    card = call.board.floor.card(link.alert, call.board.now())
    return with_form_cookie(call, "answer.html", card=card, problem="", done=given.kind, reasons=())


async def _link(call: Call) -> tuple[AnswerLink | None, str]:
    """Return what the link says, or why it does not hold."""
    try:
        link = read_link(call.board.settings.link_keys, call.path("link"), call.board.clock.now())
    except InputError as error:
        return None, refusal(error)
    if await call.board.state.screens.is_spent(link.mark):
        return link, refusal(InputError(_USED, next_step=say("open the alert on the board")))
    return link, ""
