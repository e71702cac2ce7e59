"""From what the floor shows to messages: who has to be told of which alert, and when the next in line is.

Looking again makes the same messages under the same ids, so nothing needs to be remembered of what has been told: a
restart tells what the process before it did not get to, and nothing twice. Looked at is what has changed, and what is
due to go to the next in the plan: a card takes time to make, and hundreds of alerts may be known.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from lineside.adapters.clocks import SystemClock
from lineside.adapters.durable_files import load_key
from lineside.adapters.notifiers import notifier_for
from lineside.adapters.notifiers.posting import Poster
from lineside.adapters.notifiers.targets_file import load_notifying
from lineside.adapters.state_sql import SqlState
from lineside.apps.gateway.secrets import find_secret
from lineside.apps.layout import Layout
from lineside.apps.plant.floor import Change, Floor
from lineside.apps.plant.floor.shifts import shift_at
from lineside.apps.plant.floor.views import Card
from lineside.apps.web.words import tongue
from lineside.domain.alerting import reaction_for
from lineside.domain.alerts import HELD, AlertKind
from lineside.domain.answer_links import AnswerLink, mark_of, seal_link
from lineside.domain.errors import StorageError
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.plan.model import Plan
from lineside.domain.plan.reactions import Escalation
from lineside.domain.units import HOUR
from lineside.flows.notify import Audit, Teller
from lineside.ports import Clock

HORIZON: Final = 12 * HOUR
"""Older alerts are not told of any more."""
_LOOK_SECONDS: Final = 1.0
_MOST: Final = 500

HOLDER: Final = "plant"
LINK_LASTS: Final = 12 * HOUR
Answers = Callable[[str, str], str]
"""Gives the address under which an alert can be answered once, by the message's id and the alert's."""


def open_telling(
    plan: Plan, layout: Layout, floor: Floor, state: SqlState, clock: Clock, audit: Audit
) -> tuple[AlertTeller, Teller]:
    """Return who makes messages and who sends them, by the administrator's file.

    ``clock`` is that of the process: in a demo at a speed factor, messages are made by it and sent by wall time.

    Raises:
        ConfigurationError: the file does not say what it must.
    """
    told = load_notifying(layout.notify_file, plan)
    poster = Poster(inside=told.inside)

    def secret(name: str) -> str:
        return find_secret(name, layout.keys)

    targets = {
        target.id: (target, notifier_for(target, poster, secret, tongue(target.language, plan)))
        for target in told.targets
    }
    teller = Teller(
        queue=state.deliveries,
        targets=targets,
        clock=SystemClock(),
        holder=f"{HOLDER} {secrets.token_hex(4)}",
        audit=audit,
    )
    key = answer_keys(layout)[0]

    def answer(message: str, alert: str) -> str:
        link = AnswerLink(alert=alert, expires=SystemClock().now() + LINK_LASTS, mark=mark_of(key, message))
        return f"{told.board}/answer/{seal_link(key, link)}"

    return AlertTeller(floor=floor, teller=teller, clock=clock, board=told.board, answer=answer), teller


def answer_keys(layout: Layout) -> tuple[bytes, ...]:
    """Return the keys of answer links: the one that signs, then an older one whose links still hold.

    To change the key, rename ``answer.key`` to ``answer.previous.key`` and start again.
    """
    older = layout.keys / "answer.previous.key"
    return (load_key(layout.keys / "answer.key"), *((load_key(older),) if older.exists() else ()))


@dataclass(slots=True)
class AlertTeller:
    """Watches the floor and tells.

    Args:
        floor: what is shown.
        teller: keeps and sends messages.
        clock: the time of the process.
        board: the board's address, for links.
        answer: gives an alert's answer link.
    """

    floor: Floor
    teller: Teller
    clock: Clock
    board: str = ""
    answer: Answers | None = None
    _told: dict[str, frozenset[str]] = field(default_factory=dict)
    """Ids of messages by alert, those looked at last at the end."""
    _due: dict[str, int] = field(default_factory=dict)
    """When an alert goes to the next in the plan (UTC ns)."""
    _changed: set[str] | None = None
    """Alerts to be looked at; None: all that may still be told of."""

    async def run(self) -> None:
        """Look at every change, and once a second, until cancelled."""
        changed = asyncio.Event()

        def note(change: Change) -> None:
            if change.alerts:
                changed.set()
                if self._changed is not None:
                    self._changed |= change.alerts

        stop = self.floor.listen(note)
        try:
            while True:
                changed.clear()
                with contextlib.suppress(StorageError):
                    await self.look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await changed.wait()
        finally:
            stop()

    async def look(self) -> None:
        """Tell what has not been told.

        Raises:
            StorageError: a message could not be kept; the next look begins with what this one was to look at.
        """
        now = self.clock.now()
        changed, self._changed = self._changed, set()
        try:
            for card in self._cards(changed, now):
                await self._tell_of(card, now)
        except StorageError:
            self._changed = None if changed is None else self._changed | changed
            raise
        for alert in list(self._told)[: -2 * _MOST]:
            del self._told[alert]

    def _cards(self, changed: set[str] | None, now: int) -> Iterator[Card]:
        if changed is None:
            yield from self.floor.alerts(now, most=_MOST)
            return
        for alert in sorted(changed | {alert for alert, due in self._due.items() if due <= now}):
            card = self.floor.card(alert, now)
            if card is not None:
                yield card

    async def _tell_of(self, card: Card, now: int) -> None:
        told, messages = self._told.get(card.id, frozenset()), list(self.messages([card], now))
        for message in messages:
            if message.id not in told:
                if message.occasion is Occasion.ESCALATED:
                    await self.teller.record(message)
                await self.teller.tell(message)
        self._told.pop(card.id, None)
        self._told[card.id] = frozenset(message.id for message in messages)
        self._due.pop(card.id, None)
        if card.state in HELD:
            self._due[card.id] = now  # it comes back by the clock
            return
        due = min((at for step in self._escalation(card) if (at := card.raised + step.after) > now), default=0)
        if due:
            self._due[card.id] = due

    def messages(self, cards: Iterable[Card], now: int) -> Iterator[Message]:
        """Yield everything that is to be told of alerts by now."""
        for card in cards:
            if card.raised < now - HORIZON or card.state in HELD:
                continue
            yield from self._of(card, now)

    def _of(self, card: Card, now: int) -> Iterator[Message]:
        closed = card.verdict is not None
        if not closed and card.active:
            yield self._message(card, Occasion.RAISED, card.raised, role=card.owner)
        for number, step in enumerate(self._escalation(card), start=1):
            if card.raised + step.after <= now:
                yield self._message(card, Occasion.ESCALATED, card.raised + step.after, role=step.to, number=number)
        over = next((entry.time for entry in reversed(card.history) if entry.kind == AlertKind.CLEARED), None)
        if over is not None and not card.active:
            yield self._message(card, Occasion.CLEARED, over)
        ended = next((entry.time for entry in reversed(card.history) if entry.kind == AlertKind.CLOSED), None)
        if ended is not None:
            yield self._message(card, Occasion.CLOSED, ended)

    def _escalation(self, card: Card) -> Sequence[Escalation]:
        """Return who comes after the owner while an alert is open and nobody has taken it."""
        reaction = reaction_for(self.floor.plan, card.characteristic, card.cause)
        waits = card.verdict is None and not card.taken_by and card.active
        return reaction.escalation if waits and reaction is not None else ()

    def _message(self, card: Card, occasion: Occasion, time: int, *, role: str = "", number: int = 0) -> Message:
        step = next((step.text for step in card.steps if not step.done), "")
        asks = occasion in {Occasion.RAISED, Occasion.ESCALATED}
        name = f"{card.id}#{occasion}{f'@{number}' if number else ''}"
        return Message(
            id=name,
            alert=card.id,
            occasion=occasion,
            time=time,
            line=self.floor.plan.line.id,
            station=card.station,
            station_label=card.station_label,
            characteristic=card.characteristic,
            characteristic_label=card.characteristic_label,
            cause=card.cause,
            priority=card.priority,
            notice=card.notice,
            text=card.text,
            step=step if asks else "",
            role=role,
            suspects=card.suspects if asks else (),
            raised=card.raised,
            shift=shift_at(self.floor.plan, time).id,
            link=f"{self.board}/alerts/{quote(card.id)}" if self.board else "",
            answer=self.answer(name, card.id) if asks and self.board and self.answer is not None else "",
        )
