"""From the outbox to the plant: every record is requested until the plant's signed watermark covers it.

Before anything is sent, and every few seconds after, the plant is asked how far it is and told which process holds
the outbox. A plant that has more of it than there was when this process opened it proves that the file was restored
from a copy: what was written since goes on in a new epoch, and that is shown. A second live process with the same
outbox is refused by the plant and waits, which is shown too.

For each record, in this order:

1. read it from the outbox (only what is durable there exists here);
2. request the plant to land it, and wait a short time for the signed watermark;
3. without an answer, ask again, more slowly while nobody answers;
4. where the plant can never take it, or gives it no answer five times while it answers others, put a quarantine
   record in its place, keep the bytes at the gateway, count it;
5. forget, in the outbox, what is well behind the watermark.

Repeating any step changes nothing, so the process may end at any moment. Progress is not kept anywhere: the first
answer after a start says from where to go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass
from typing import Final

from lineside.domain.errors import DataError, IntegrityError, StorageError, UnavailableError
from lineside.flows.send_window import FIRST_DELAY, MOST_DELAY, MOST_STRIKES, SendWindow
from lineside.ports import Bus, Outbox
from lineside.wire.asks import Ask, encode_ask
from lineside.wire.records import Record, RecordKind
from lineside.wire.subjects import Subjects
from lineside.wire.watermarks import Refusal, Watermark, read_watermark

WINDOW: Final = 16
WITHIN_SECONDS: Final = 2.0
_READ_BYTES: Final = 1024 * 1024
_POLL_SECONDS: Final = 0.02
_STORAGE_SECONDS: Final = 0.5
_FORGET_SECONDS: Final = 1.0
_ASK_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Who forwards: the gateway's name, a random name of this process, and the line's subjects."""

    writer: str
    holder: str
    subjects: Subjects


@dataclass(slots=True)
class ForwardStatus:
    """How forwarding stands, for the board: ``confirmed`` of ``last`` are at the plant; ``problem`` is for people.

    ``restored`` counts how often the outbox was found to be a copy, ``held`` says that another live process has it.
    """

    confirmed: int = 0
    last: int = 0
    reachable: bool = False
    requests: int = 0
    failures: int = 0
    set_aside: int = 0
    conflicts: int = 0
    restored: int = 0
    held: bool = False
    problem: str = ""

    @property
    def backlog(self) -> int:
        """How many records the plant does not yet confirm."""
        return max(self.last - self.confirmed, 0)


class Forwarder:
    """Sends the records of one outbox to the ingest subject of its line; run one per outbox.

    Args:
        outbox: what is sent.
        bus: the transport.
        origin: who sends it, and where to.
        key: what the plant signs its answers with.
        window: how many requests are under way at most.
        within: how long one answer is waited for, in seconds.
        backlog_rate: bytes of backlog that are sent in a second at most; live records are not counted.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        bus: Bus,
        origin: Origin,
        key: bytes,
        window: int = WINDOW,
        within: float = WITHIN_SECONDS,
        backlog_rate: float = math.inf,
    ) -> None:
        self._outbox = outbox
        self._bus = bus
        self._origin = origin
        self._subject = origin.subjects.ingest
        self._rate = backlog_rate
        self._key = key
        self._size = window
        self._within = within
        self._window = SendWindow.starting(window, 0)
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ahead: dict[int, Record] = {}
        self._fatal: BaseException | None = None
        self._forgotten = 0
        self._forget_after = 0.0
        self.status = ForwardStatus()

    def wake(self) -> None:
        """Say that something has been committed; without it, that is noticed a little later."""
        self._changed.set()

    async def run(self) -> None:
        """Forward until cancelled.

        Raises:
            IntegrityError: the plant holds more of this outbox than the outbox itself, though nobody else has it.
        """
        await self._introduce()
        asking = asyncio.create_task(self._keep_asking(), name="ask")
        try:
            while self._fatal is None:
                self._changed.clear()
                if not self.status.held:
                    await self._send_all()
                await self._forget()
                self._report()
                await self._pause()
            raise self._fatal
        finally:
            for task in (asking, *self._tasks):
                task.cancel()
            await asyncio.gather(asking, *self._tasks, return_exceptions=True)

    async def drained(self) -> None:
        """Wait until the plant confirms everything that is in the outbox now."""
        last = self._outbox.last
        while self.status.confirmed < last:  # noqa: ASYNC110 - the status is plain state and tells nobody
            await asyncio.sleep(0.01)

    async def _introduce(self) -> None:
        """Ask until the plant answers; begin a new epoch where the outbox proves to be a copy."""
        delay = FIRST_DELAY
        while True:
            try:
                mark = await self._ask()
                if mark.refusal is None and mark.sequence > self._outbox.begun:
                    await self._outbox.renew()
                    self.status.restored += 1
                    continue
            except (UnavailableError, StorageError, IntegrityError) as error:
                self.status.failures += 1
                self.status.problem = str(error)
            else:
                self._window = SendWindow.starting(self._size, self._outbox.last, self._rate)
                self._take_note(mark)
                if mark.refusal is None:
                    self._window.learn(mark.sequence)
                return
            self.status.last = self._outbox.last
            await asyncio.sleep(delay)
            delay = min(2 * delay, MOST_DELAY)

    async def _keep_asking(self) -> None:
        """Say every few seconds that this process is alive, and take note where another one is too."""
        while True:
            await asyncio.sleep(_ASK_SECONDS)
            with contextlib.suppress(UnavailableError, IntegrityError):  # the records themselves show that
                self._take_note(await self._ask())

    def _take_note(self, mark: Watermark) -> None:
        self.status.held = mark.refusal is Refusal.HELD
        if mark.refusal is not None:
            self.status.problem = mark.refused
        self._changed.set()

    async def _ask(self) -> Watermark:
        origin = self._origin
        ask = Ask(origin.writer, self._outbox.epoch, origin.subjects.site, origin.subjects.line, origin.holder)
        return read_watermark(await self._bus.request(self._subject, encode_ask(ask), self._within), self._key)

    async def _send_all(self) -> None:
        """Start requests until the window is full or nothing is left to send."""
        while (wanted := self._window.next_sequence(self._outbox.last, self._now())) is not None:
            try:
                record = await self._read(wanted)
            except StorageError as error:
                self.status.problem = str(error)
                self._window.resume_at = self._now() + _STORAGE_SECONDS
                return
            if record is None:
                return
            self._window.sent(record.header.sequence, len(record.data), self._now())
            task = asyncio.create_task(self._deliver(record))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def _read(self, wanted: int) -> Record | None:
        """Return the record with that sequence, or the oldest after it where the outbox has forgotten it."""
        if wanted not in self._ahead:
            records = await self._outbox.unsent(wanted - 1, _READ_BYTES)
            if not records:
                return None
            self._ahead = {record.header.sequence: record for record in records}
            if records[0].header.sequence > wanted:
                wanted = records[0].header.sequence
                self._window.skip_again(wanted - 1)
        return self._ahead.pop(wanted)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fatal = error

    async def _deliver(self, record: Record) -> None:
        """Request once that a record be landed, and take note of what came of it."""
        sequence = record.header.sequence
        self.status.requests += 1
        try:
            reply = await self._bus.request(self._subject, record.data, self._within)
            await self._judge(record, read_watermark(reply, self._key))
        except DataError as error:
            await self._set_aside(record, str(error))
        except (UnavailableError, StorageError, IntegrityError) as error:
            self._fail(sequence, str(error))
            if self._window.strikes(sequence) >= MOST_STRIKES:
                await self._set_aside(record, f"no answer in {MOST_STRIKES} tries while others were answered: {error}")

    async def _judge(self, record: Record, watermark: Watermark) -> None:
        """Act on the plant's answer."""
        sequence = record.header.sequence
        match watermark.refusal:
            case None:
                self._take(sequence, watermark)
            case Refusal.CONFLICT:
                if await self._outbox.set_aside(sequence, watermark.refused):
                    self.status.conflicts += 1
                    self.status.problem = watermark.refused
                self._take(sequence, watermark)
            case Refusal.UNREADABLE:
                await self._set_aside(record, watermark.refused)
            case _:
                self._fail(sequence, watermark.refused)

    def _take(self, sequence: int, watermark: Watermark) -> None:
        if watermark.sequence > self._outbox.last:
            self._fatal = IntegrityError(
                "the plant holds more of this outbox than the outbox itself",
                field="watermark",
                value=watermark.sequence,
                next_step="the outbox was restored from a copy: move the file away, so that a new one is begun",
            )
            return
        self._window.answered(sequence, watermark.sequence, watermark.missing)

    async def _set_aside(self, record: Record, reason: str) -> None:
        sequence = record.header.sequence
        if record.header.kind is RecordKind.QUARANTINE:
            self._fail(sequence, f"not even a quarantine record is taken: {reason}")
            return
        try:
            await self._outbox.set_aside(sequence, reason)
        except StorageError as error:
            self._fail(sequence, str(error))
            return
        self.status.set_aside += 1
        self._ahead.clear()
        self._window.send_again(sequence)

    def _fail(self, sequence: int, problem: str) -> None:
        self.status.failures += 1
        self.status.problem = problem
        self._window.failed(sequence, self._outbox.last, self._now())

    async def _forget(self) -> None:
        confirmed = self._window.confirmed
        if confirmed == self._forgotten or self._now() < self._forget_after:
            return
        self._forget_after = self._now() + _FORGET_SECONDS
        try:
            await self._outbox.forget(confirmed)
            self._forgotten = confirmed
        except StorageError as error:
            self.status.problem = str(error)

    def _report(self) -> None:
        self.status.confirmed = self._window.confirmed
        self.status.last = self._outbox.last
        self.status.reachable = self._window.proven
        if self._window.proven and not self.status.backlog and not self.status.held:
            self.status.problem = ""

    async def _pause(self) -> None:
        """Wait for a commit, an answer, or the time to try again."""
        # Not wait_for: before Python 3.12 it can swallow the cancellation that is to end `run`.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POLL_SECONDS):
                await self._changed.wait()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
