"""The `Source` of a watched folder: each file that comes is taken exactly once, oldest first.

Theory of operation. Every ``look_every`` the folder is listed; `Looks` says which files are finished. For each of
them, in this order:

1. what the `Ledger` knows of its name, size and version decides whether it is read at all;
2. it is read through once for its digest, and copied here if it is distant (`staging`);
3. a content that was taken under another name is a duplicate; one that only continues what was taken under the
   same name is read on from there; anything else is new;
4. it is decoded block by block, and each delivery carries a `Mark`;
5. when a delivery is durable its mark goes into the ledger, the last one as *taken*, *duplicate* or *refused*.

So a crash at any point repeats at most deliveries that were not acknowledged, and those are known by their readings'
times or their parts' ids. A file that cannot be read now is tried again, later each time, and holds up no other.
Nothing is ever deleted; with ``after: move`` a taken file is moved once its mark is durable.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from lineside.adapters.files.decode import Decoder
from lineside.adapters.files.ledger import Entry, Ledger, State
from lineside.adapters.files.looks import Due, Looks
from lineside.adapters.files.options import FileOptions
from lineside.adapters.files.places import Found, PlaceLostError, open_place
from lineside.adapters.files.reading import APPENDED_SUFFIXES, KNOWN_SUFFIXES, Work
from lineside.adapters.files.staging import ChangedError, Staged, stage
from lineside.domain.errors import StorageError
from lineside.domain.health.sources import Phase, SourceCondition, SourceRecord
from lineside.domain.intake.reasons import Reason, refuse
from lineside.domain.plan.model import FilesSpec, Plan
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.domain.units import DAY, SECOND
from lineside.ports import Clock, SourceDelivery

FIRST_WAIT: Final = 2 * SECOND
LONGEST_WAIT: Final = 300 * SECOND
"""Waits before a file is tried again, doubled each time, in nanoseconds."""
LONGEST_AWAY: Final = 60 * SECOND
"""The longest wait before a place that does not answer is asked again."""
LEISURE: Final = 9
"""The next look waits so many times as long as one took, so that a huge folder does not keep the gateway busy."""
_LABEL: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """The token of a delivery: what the ledger says of its file once it is durable; None: nothing new of a file."""

    entry: Entry | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Retry:
    tries: int
    at: int


class WatchedFiles:
    """Readings or finished part rows from files as they come."""

    def __init__(
        self,
        plan: Plan,
        spec: FilesSpec,
        clock: Clock,
        *,
        root: Path = Path(),
        options: FileOptions,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._spec = spec
        self._options = options
        self._clock = clock
        self._sleep = sleep
        self._place = open_place(spec, root, options)
        self._looks = Looks(spec, KNOWN_SUFFIXES)
        self._ledger = Ledger(options.state)
        self._decoder = Decoder(plan, spec, clock, options, sleep)
        self._record = SourceRecord()
        self._in_hand: dict[tuple[str, int, str], Entry] = {}
        self._settled: set[tuple[str, int, str]] = set()
        self._retries: dict[str, _Retry] = {}
        self._rows = 0
        self._pruned = 0
        self._away = 0
        self._took = 0
        self._told = ""
        self._closed = False

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the plan."""
        return self._decoder.gate.catalogue

    @property
    def condition(self) -> SourceCondition:
        """How it stands with its peer."""
        return self._record.condition

    def remember(self, seen: Iterable[ReadingBatch]) -> None:
        """Take note of readings that were accepted before."""
        for batch in seen:
            self._decoder.gate.remember(batch)

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield the rows of files as they come, for ever."""
        self._record.start(self._clock.now())
        await asyncio.to_thread(shutil.rmtree, self._spool, ignore_errors=True)
        self._rows = await self._ledger.rows()
        try:
            while not self._closed:
                listing = await self._look()
                if self._decoder.gate.pending:
                    yield self._unmarked()
                for due in self._looks.due(listing, self._clock.now()):
                    async with aclosing(self._take(due)) as deliveries:
                        async for delivery in deliveries:
                            yield delivery
                            if self._has_ended():
                                return
                await self._look_after(listing)
                await self._sleep(self._wait() / SECOND)
        finally:
            await self._ledger.close()

    async def acknowledge(self, token: object) -> None:
        """Note in the ledger how far a file is durable."""
        if not isinstance(token, Mark):
            raise TypeError(f"a token of another source: {token!r}")
        if token.entry is None:
            return
        await self._ledger.write(token.entry)
        if token.entry.state is not State.OPEN:
            self._in_hand.pop(token.entry.identity, None)

    async def close(self) -> None:
        """Stop after the delivery in hand; what was delivered can still be acknowledged."""
        self._closed = True
        self._record.stop(self._clock.now())
        await asyncio.to_thread(self._place.close)

    # -- the place ----------------------------------------------------------------------------------------

    async def _look(self) -> list[Found]:
        """Return what is there; nothing, and a note of it, where the place does not answer."""
        now = self._clock.now()
        try:
            listing = await asyncio.to_thread(self._place.look)
        except PlaceLostError as error:
            why = _reason(error)
            self._away = min(LONGEST_AWAY, max(self._spec.look_every, 2 * self._away))
            self._record.lose(now, why, now + self._away)
            if why != self._told:  # once for each reason: the condition says how long it lasts
                self._told = why
                refusal = refuse(Reason.SOURCE_UNREACHABLE, hint=why)
                self._decoder.gate.refuse(refusal, received=now, raw=self._spec.path.encode())
            return []
        self._away, self._told = 0, ""
        self._took = self._clock.now() - now
        if self._record.condition.phase is not Phase.CONNECTED:
            self._record.connect(now)
        return listing

    def _has_ended(self) -> bool:
        return self._closed

    def _wait(self) -> int:
        """Return how long (ns) to wait for the next look: looking takes a tenth of the time at most."""
        return self._away or max(self._spec.look_every, LEISURE * self._took)

    # -- one file -----------------------------------------------------------------------------------------

    async def _take(self, due: Due) -> AsyncGenerator[SourceDelivery, None]:
        found, now = due.found, self._clock.now()
        retry = self._retries.get(found.name)
        if found.identity in self._settled or (retry is not None and now < retry.at):
            return
        known = self._in_hand.get(found.identity) or await self._ledger.known(found)
        if known is not None and known.state is not State.OPEN and not known.moved:
            self._settled.add(found.identity)
            return
        staged = None
        try:
            before = await self._ledger.last_under(found.name)
            prefix = before.size if before is not None and before.size < found.size else 0
            staged = await asyncio.to_thread(stage, self._place, due, self._spool, prefix)
            async for delivery in self._decode(due, staged, known, before):
                yield delivery
            self._retries.pop(found.name, None)
            self._record.mend(_readable(found.name))
        except ChangedError:
            self._looks.forget(found.name)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - told, and tried again: one file's fault never ends the source
            yield self._failed(found, error)
        finally:
            if staged is not None:
                await asyncio.to_thread(staged.remove)

    async def _decode(
        self, due: Due, staged: Staged, known: Entry | None, before: Entry | None
    ) -> AsyncIterator[SourceDelivery]:
        entry = await self._entry(due.found, staged, known, before)
        if entry.state is State.DUPLICATE:
            yield self._marked(SourceDelivery(duplicates=max(1, entry.readings)), entry)
            return
        work = Work(
            path=staged.path,
            name=due.found.name,
            label=entry.label,
            after=entry.row,
            before=entry.before,
            description=staged.description,
        )
        held: SourceDelivery | None = None
        try:
            async for delivery, row in self._decoder.deliveries(work):
                if held is not None:
                    yield self._marked(held, entry)
                held, entry = delivery, replace(entry, row=row, readings=entry.readings + _size(delivery))
        except OSError:
            if held is not None:
                yield self._marked(held, entry)
            raise
        final = State.REFUSED if self._decoder.failed else State.TAKEN
        if self._decoder.failed:
            self._record.trouble("the newest refused file", f"{_readable(due.found.name)}: {self._decoder.failed}")
        self._rows = max(self._rows, entry.before + entry.row)
        last = held if held is not None else self._decoder.taken((), replayed=False)
        yield self._marked(last, replace(entry, state=final))

    async def _entry(self, found: Found, staged: Staged, known: Entry | None, before: Entry | None) -> Entry:
        """Return the row of the ledger with which a file begins, or goes on."""
        if known is not None and known.digest == staged.digest and not known.moved:
            return known
        entry = Entry(
            name=found.name,
            size=found.size,
            version=found.version,
            digest=staged.digest,
            label=await self._label(found.name, staged.digest),
            before=self._rows,
            whole=staged.whole,
        )
        if found.size and self._spec.time_column:
            # Without times the same content may well mean two parts; with times it is the same measurements.
            same = self._same(staged.digest) or await self._ledger.with_content(staged.digest)
            if same is not None:
                return replace(entry, state=State.DUPLICATE, readings=same.readings)
        grown = before is not None and before.whole and before.digest == staged.prefix_digest
        if before is not None and grown and PurePosixPath(found.name).suffix.lower() in APPENDED_SUFFIXES:
            return replace(entry, row=before.row, label=before.label, before=self._rows - before.row)
        return entry

    def _same(self, digest: str) -> Entry | None:
        held = (item for item in self._in_hand.values() if item.digest == digest and item.state is State.TAKEN)
        return next(held, None)

    async def _label(self, name: str, digest: str) -> str:
        """Return what the parts of a file are called after: its name, and its content where the name was taken."""
        stem = _readable(PurePosixPath(name).stem)[:_LABEL]
        taken = any(entry.label == stem for entry in self._in_hand.values()) or await self._ledger.has_label(stem)
        return f"{stem}@{digest[:8]}" if taken else stem

    def _marked(self, delivery: SourceDelivery, entry: Entry) -> SourceDelivery:
        entry = replace(entry, changed=self._clock.now())
        self._in_hand[entry.identity] = entry
        return replace(delivery, token=Mark(entry=entry))

    def _failed(self, found: Found, error: Exception) -> SourceDelivery:
        """Note that a file cannot be read now and when it is tried again; tell of it the first time."""
        now = self._clock.now()
        before = self._retries.get(found.name)
        tries = 1 if before is None else before.tries + 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(tries - 1, 10))
        self._retries[found.name] = _Retry(tries=tries, at=now + wait)
        self._record.trouble(_readable(found.name), f"{_reason(error)}; try {tries}")
        if before is None:
            refusal = refuse(Reason.FILE_UNAVAILABLE, found.name, _reason(error))
            self._decoder.gate.refuse(refusal, received=now)
        return self._unmarked()

    def _unmarked(self) -> SourceDelivery:
        return replace(self._decoder.taken((), replayed=False), token=Mark())

    # -- after care ---------------------------------------------------------------------------------------

    async def _look_after(self, listing: list[Found]) -> None:
        """Move what was taken, if the plan asks for it; forget what is no longer there."""
        here = {item.identity for item in listing}
        if listing:
            self._settled &= here
            self._retries = {name: self._retries[name] for name in {item.name for item in listing} & set(self._retries)}
        now = self._clock.now()
        if listing and now - self._pruned > DAY:
            self._pruned = now
            await self._ledger.prune(frozenset(item.name for item in listing), now)
        if self._spec.after == "move":
            settled = tuple(item.name for item in listing if item.identity in self._settled)[:500]
            for entry in await self._ledger.unmoved(settled):
                if entry.identity in here:
                    await self._move(entry)

    async def _move(self, entry: Entry) -> None:
        try:
            target = await asyncio.to_thread(self._place.move, entry.name, self._spec.move_to)
        except OSError as error:
            self._record.trouble("moving taken files", f"{_readable(entry.name)}: {_reason(error)}")
            return
        self._record.mend("moving taken files")
        await self._ledger.write(replace(entry, moved=target))
        self._settled.discard(entry.identity)
        self._looks.forget(entry.name)

    @property
    def _spool(self) -> Path:
        """Where copies of distant files lie while they are decoded."""
        state = self._options.state
        return Path(tempfile.gettempdir()) / "lineside-files" if state is None else state.with_suffix(".copies")


def _size(delivery: SourceDelivery) -> int:
    return (0 if delivery.readings is None else len(delivery.readings)) + len(delivery.rows)


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename:
        text = f"{error.strerror}: {error.filename}"
    return _readable(text or type(error).__name__)[:600]


def _readable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
