"""The `Source` of an endpoint of HTTP: `open_source` gives it for a plan, a source of kind ``rest`` and a clock.

The endpoint is asked at an interval and answers with JSON. Addresses of signals are paths in a row (``$.air.t``); a
row is the whole answer, or each item of the list at ``rows``. Where a row holds one value of one signal
(``signal_path``, ``value_path``) they are what stands at ``signal_path``. The source time stands at ``time_column``;
without it a reading has the middle between request and answer.

With ``since`` the endpoint is asked for what comes behind a cursor, which is kept once everything before it is
durable, so that nothing is missed or doubled by a restart. Without it, it says what is present; the same value of the
same time again is a duplicate. An answer that has not changed (ETag, Last-Modified) is not sent again. A server that
asks for patience (429, 503) gets it.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from lineside.adapters.http_get import LARGEST_ANSWER, Answer, HttpConnection, HttpOptions, TooLargeError
from lineside.adapters.kept_position import keep_position, load_position
from lineside.adapters.polling import MOST_PENDING, PolledSource
from lineside.adapters.rest.rows import Form, Found, cursor_in, form_of, rows_in, values_in
from lineside.domain.errors import ConfigurationError
from lineside.domain.health.sources import SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.messages import look_up, read_json
from lineside.domain.intake.reasons import Reason, Refusal, refuse, shown
from lineside.domain.intake.times import read_time
from lineside.domain.intake.troubles import Troubles
from lineside.domain.intake.values import read_number, read_text
from lineside.domain.plan.model import Plan, RestSpec
from lineside.domain.quarantine import RAW_LIMIT
from lineside.domain.readings import ReadingBatch
from lineside.domain.units import HOUR, SECOND
from lineside.ports import Clock
from lineside.zones import format_of, zone_named

MOST_ANSWERS: Final = 20
"""Answers that are taken in one poll while they are full; then the gateway has its turn."""
LONGEST_WAIT: Final = HOUR
"""How long a server is left alone at most because it asks for it."""
LONGEST_MARK: Final = 512
"""Characters of an ETag or a date that are given back."""
_NOT_MODIFIED: Final = 304
_PATIENCE: Final = frozenset({429, 503})


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on."""

    cursor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RestOptions:
    """What the plan does not hold.

    Args:
        http: secrets, certificates and time-outs.
        position: file that keeps the cursor across restarts; None: begin anew.
    """

    http: HttpOptions = field(default_factory=HttpOptions)
    position: Path | None = None


class RestAsker:
    """Asks one endpoint."""

    def __init__(self, spec: RestSpec, gate: Gate, troubles: Troubles, clock: Clock, options: RestOptions) -> None:
        self._spec = spec
        self._gate = gate
        self._troubles = troubles
        self._clock = clock
        self._file = options.position
        self._http = HttpConnection(options.http)
        self._form: Form = form_of(spec, gate.rules)
        self._zone, self._time_form = zone_named(spec.time_zone), format_of(spec.time_format)
        self._loaded = False
        self._at: Cursor | None = None
        self._kept: Cursor | None = None
        self._unchanged: dict[str, str] = {}
        self._not_before = 0

    async def open(self) -> None:
        """Make ready to ask, and load the cursor on the first time."""
        if not self._loaded:
            self._at = self._kept = await asyncio.to_thread(load_position, self._file, Cursor)
            self._loaded = True
        self._http.open()

    async def ask(self, interval: int) -> None:
        """Take what is there, or what is new."""
        del interval
        if self._clock.now() < self._not_before:
            return
        for _ in range(MOST_ANSWERS):
            before = self._at
            rows = await self._one_answer()
            full = self._spec.since and rows >= self._spec.page and self._at != before
            if not full or self._gate.pending >= MOST_PENDING:
                return

    def token(self) -> object:
        """Return the cursor behind all that was offered."""
        return self._at

    async def acknowledge(self, token: object) -> None:
        """Keep a cursor, unless it is kept already."""
        if isinstance(token, Cursor) and token != self._kept:
            await asyncio.to_thread(keep_position, self._file, token)
            self._kept = token

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    # -- one answer ---------------------------------------------------------------------------------------

    async def _one_answer(self) -> int:
        """Ask once and offer what came; return how many rows it had."""
        asked = self._clock.now()
        try:
            answer = await self._http.get(self._spec.url, self._query(), self._unchanged)
        except TooLargeError as error:
            self._note(refuse(Reason.MESSAGE_TOO_LARGE, hint=f"It is {error}."), error.raw)
            return 0
        received = self._clock.now()
        if answer.status == _NOT_MODIFIED:
            self._troubles.over("answer", received)
            return 0
        found = self._content(answer)
        rows = found if isinstance(found, Refusal) else rows_in(self._form, found)
        if isinstance(rows, Refusal):
            self._note(rows, answer.body)
            return 0
        self._troubles.over("answer", received)
        for row in rows:
            self._offer(row, (asked + received) // 2, received)
        self._go_on(answer, found, rows)
        return len(rows)

    def _content(self, answer: Answer) -> Any | Refusal:
        """Return the JSON of an answer, or why it has none."""
        if answer.status >= 300:
            return self._refused(answer)
        kind = answer.headers.get("content-type", "")
        if "html" in kind or answer.body.lstrip()[:1] == b"<":
            hint = "It is a page, not JSON: is the address right, and does a log-in or a proxy stand before it?"
            return refuse(Reason.MALFORMED_JSON, answer.body, hint)
        return read_json(answer.body, LARGEST_ANSWER)

    def _refused(self, answer: Answer) -> Refusal:
        """Return what an answer means that is none, and wait as long as the server asks for."""
        hint = f"HTTP {answer.status}."
        if answer.status < 400:
            where = shown(answer.headers.get("location", ""), 200)
            hint += f" Redirects are not followed; write the address that is meant: {where}."
        elif answer.status in {401, 403}:
            hint += " Are user name and secret right, and may this user read it?"
        elif answer.status in _PATIENCE:
            wait = min(patience_of(answer, self._clock.now()), LONGEST_WAIT)
            self._not_before = self._clock.now() + wait
            hint += f" Asked again in {wait / SECOND:.0f} s."
        return refuse(Reason.MACHINE_EXCEPTION, hint=hint)

    def _offer(self, row: Any, middle: int, received: int) -> None:
        moment = self._moment(row, middle, received)
        for found in values_in(self._form, row):
            place, refusal = f"field {found.signal}", self._lasting(found, moment)
            if refusal is not None:
                self._troubles.note(place, refusal, now=received, signal=found.signal, raw=_as_bytes(row))
                continue
            self._gate.offer(found.signal, moment, found.value, received=received)
            if self._troubles:
                self._troubles.over(place, received)

    def _moment(self, row: Any, middle: int, received: int) -> int | Refusal:
        """Return the source time of a row, or why it has none."""
        if self._form.time is None:
            return middle
        said = look_up(row, self._form.time)
        if isinstance(said, Refusal):
            return refuse(Reason.TIME_MISSING, hint=f"The path is {self._spec.time_column}.")
        return read_time(said, now=received, zone=self._zone, form=self._time_form)

    def _lasting(self, found: Found, moment: int | Refusal) -> Refusal | None:
        """Return what is wrong with a value and will be at the next poll, too, unless something changes.

        A row of a log is asked for once, so that what is wrong with it is the gate's business alone.
        """
        if isinstance(found.value, Refusal) or self._spec.since:
            return found.value if isinstance(found.value, Refusal) else None
        if isinstance(moment, Refusal):
            return moment
        rule = self._gate.rules[found.signal]
        value = read_text(found.value) if rule.text else read_number(found.value, boolean=rule.boolean)
        return value if isinstance(value, Refusal) else None

    def _go_on(self, answer: Answer, found: Any, rows: list[Any]) -> None:
        """Take note of the cursor, and of what says next time that nothing has changed."""
        cursor = cursor_in(self._form, found, rows, beside=self._spec.next_cursor)
        before = self._at
        if cursor is not None:
            self._at = Cursor(cursor=cursor)
        marks = {"If-None-Match": answer.headers.get("etag"), "If-Modified-Since": answer.headers.get("last-modified")}
        # A mark belongs to one address; behind another cursor it would be that of another answer.
        same = self._at == before
        self._unchanged = {name: mark for name, mark in marks.items() if mark and same and _can_be_sent(mark)}

    def _query(self) -> dict[str, str] | None:
        if not self._spec.since:
            return None
        cursor = self._at.cursor if self._at is not None else self._spec.first
        return {self._spec.since: cursor} if cursor else None

    def _note(self, refusal: Refusal, raw: bytes) -> None:
        self._unchanged = {}
        self._troubles.note("answer", refusal, now=self._clock.now(), raw=raw)


def _can_be_sent(mark: str) -> bool:
    """Say whether what a server sent in a header may stand in one of ours."""
    return mark.isascii() and mark.isprintable() and len(mark) <= LONGEST_MARK


def _as_bytes(row: Any) -> bytes:
    return json.dumps(row, default=str).encode()[:RAW_LIMIT]


def patience_of(answer: Answer, now: int) -> int:
    """Return for how long (ns) a server asks to be left alone (RFC 9110, 10.2.3); 0 where it does not say."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9]) * SECOND
    try:
        seconds = round(email.utils.parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError, TypeError, IndexError):  # all of which the library raises for what is no date
        return 0
    return max(0, seconds * SECOND - now)


def open_source(
    plan: Plan, spec: RestSpec, clock: Clock, *, options: RestOptions | None = None, seen: Iterable[ReadingBatch] = ()
) -> PolledSource:
    """Return the source of the endpoint that ``spec`` names; nothing is connected before it delivers.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.

    Raises:
        ConfigurationError: the address is none of HTTP, or the time zone is unknown.
        PlanError: a path is none, or one that belongs to another is missing.
    """
    check_url(spec)
    gate, record = Gate(plan, spec.id), SourceRecord()
    troubles = Troubles(gate.refuse, record)
    source = PolledSource(
        gate=gate,
        clock=clock,
        address=spec.url,
        intervals=[spec.poll_interval],
        asker=RestAsker(spec, gate, troubles, clock, options or RestOptions()),
        troubles=troubles,
        record=record,
    )
    source.remember(seen)
    return source


def check_url(spec: RestSpec) -> None:
    """Refuse an address that is none, or that carries a secret.

    Raises:
        ConfigurationError: the address is none of HTTP, or has a password in it.
    """
    url = urlsplit(spec.url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ConfigurationError(
            "not an address of HTTP",
            field=f"sources.{spec.id}.url",
            value=spec.url,
            next_step="write http://host:port/path, or https:// for TLS",
        )
    if url.password:
        raise ConfigurationError(
            "a password stands in the address",
            field=f"sources.{spec.id}.url",
            next_step="give it as a secret, and name the user by 'username'",
        )
