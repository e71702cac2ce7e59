"""The `Source` of a Modbus TCP device: `open_source` gives it for a plan, a source of kind ``modbus`` and a clock.

The plan says of each signal where its value stands (`lineside.domain.plan.registers.Register`). Signals that stand
near each other are read by one request, and all registers of one value always are. A reading's source time is the
middle between request and answer, since Modbus carries no time; so a value is at most half an exchange away from it.

What a device answers instead of values (an exception, too few bytes, another unit) or not at all is reported when it
begins and counted while it lasts; it costs its own request alone. A request that the device refuses for its address
or size is cut in two, and what then is refused alone is reported as ``unknown_node`` and tried again every
`AGAIN_AFTER`. A unit that is silent is left alone for `REST`, so that those beside it keep their pace; when all are
silent twice in a row the connection is made anew.

A value that stands still is a value: nothing is said about it here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.modbus.blocks import Block
from lineside.adapters.modbus.connection import Connection
from lineside.adapters.modbus.device import Device, device_of, points_by_interval
from lineside.adapters.modbus.frames import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    AnswerError,
    Ask,
    Frame,
    GarbledError,
    RefusedError,
    SilentError,
)
from lineside.adapters.modbus.orders import OrderWatch, explain
from lineside.adapters.modbus.reads import Point, Read, cut, plan_reads
from lineside.adapters.polling import PolledSource
from lineside.domain.health.sources import SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.registers import registers_as_text
from lineside.domain.intake.troubles import Troubles
from lineside.domain.intake.values import LARGEST, read_number, read_text
from lineside.domain.plan.model import ModbusSpec, Plan
from lineside.domain.plan.registers import WordOrder
from lineside.domain.readings import Float64, Int32, ReadingBatch
from lineside.domain.units import MINUTE, SECOND
from lineside.ports import Clock

REST: Final = 5 * SECOND
"""How long a silent unit is left alone while others answer."""
AGAIN_AFTER: Final = MINUTE
"""How long a place that the device refuses is left alone."""
SILENT_ROUNDS: Final = 2
"""Rounds without any answer after which the connection counts as lost."""
_REASONS: Final = {
    SilentError: Reason.NO_ANSWER,
    GarbledError: Reason.BAD_FRAME,
    RefusedError: Reason.MACHINE_EXCEPTION,
}


@dataclass(slots=True)
class _Round:
    """What happened in one round of requests: units that answered, and units that were silent."""

    heard: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A read with all that was worked out for it: its decoder, its name, its signals' codes, and who watches it."""

    block: Block
    name: str
    codes: Int32
    watch: OrderWatch


class ModbusAsker:
    """Reads the registers of one device, or of those behind one gateway."""

    def __init__(self, spec: ModbusSpec, device: Device, gate: Gate, troubles: Troubles, clock: Clock) -> None:
        self._device = device
        self._gate = gate
        self._troubles = troubles
        self._clock = clock
        self._connection: Connection | None = None
        self._bad_values: set[str] = set()
        self._silent_rounds = 0
        self._rests: dict[int, int] = {}
        self._refused: dict[Ask, int] = {}
        self._reads = {
            interval: [self._block(read) for read in plan_reads(points, **_bounds(spec))]
            for interval, points in points_by_interval(spec, device).items()
        }

    @property
    def intervals(self) -> list[int]:
        """The intervals at which something is read, in nanoseconds."""
        return list(self._reads)

    async def open(self) -> None:
        """Connect."""
        device = self._device
        self._connection = Connection(device.host, device.port, timeout=device.timeout, stray=self._stray)
        self._silent_rounds = 0
        await self._connection.open()

    async def ask(self, interval: int) -> None:
        """Read what is due at an interval."""
        done = _Round()
        waiting = deque(self._reads[interval])
        while waiting:
            planned = waiting.popleft()
            ask = planned.block.read.ask
            if self._left_alone(ask, done):
                continue
            try:
                await self._read(planned)
                done.heard.add(ask.device)
            except AnswerError as error:
                pieces = self._cut(interval, planned, error)
                waiting.extendleft(reversed(pieces))
                if not pieces:
                    self._note(planned.block, error, done)
        self._count_silence(done)

    def token(self) -> object:
        """Return None: Modbus has nothing to acknowledge."""
        return None

    async def acknowledge(self, token: object) -> None:
        """Do nothing: Modbus has no acknowledgement."""

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    # -- reading ------------------------------------------------------------------------------------------

    async def _read(self, planned: _Planned) -> None:
        assert self._connection is not None
        block = planned.block
        before = self._clock.now()
        data = await self._connection.ask(block.read.ask)
        received = self._clock.now()
        values = block.decode_numbers(data)
        self._take(planned, values, data, (before + received) // 2, received)
        if self._troubles:
            self._troubles.over(planned.name, received)
        for point, orders in planned.watch.look(values, data):
            await self._explain(point, block.bytes_of(point, data), orders, received)

    def _take(self, planned: _Planned, values: Float64, data: bytes, moment: int, received: int) -> None:
        """Offer the values in an answer to the gate."""
        block, codes = planned.block, planned.codes
        good = np.abs(values) <= LARGEST
        if self._bad_values or not good.all():
            self._tell_bad_from_good(block, data, values, good, received)
            codes, values = codes[good], values[good]
        times = np.full(len(values), moment, dtype=np.int64)
        self._gate.offer_columns(codes, times, values, received=received)
        for point in block.texts:
            text, place = read_text(block.decode_text(point, data)), f"value {point.signal}"
            if isinstance(text, Refusal):
                raw = block.bytes_of(point, data)
                self._troubles.note(place, text, now=received, signal=point.signal, raw=raw)
                continue
            self._gate.offer(point.signal, moment, text, received=received)
            if self._troubles:
                self._troubles.over(place, received)

    def _tell_bad_from_good(
        self, block: Block, data: bytes, values: Float64, good: NDArray[np.bool_], received: int
    ) -> None:
        """Refuse the values that are none, and note whose are good again."""
        for point, value, fine in zip(block.numbers, values.tolist(), good.tolist(), strict=True):
            if fine and point.signal in self._bad_values:
                self._bad_values.discard(point.signal)
                self._troubles.over(f"value {point.signal}", received)
            elif not fine:
                self._bad_values.add(point.signal)
                refusal, raw = read_number(value), block.bytes_of(point, data)
                assert isinstance(refusal, Refusal)
                self._troubles.note(f"value {point.signal}", refusal, now=received, signal=point.signal, raw=raw)

    async def _explain(self, point: Point, data: bytes, orders: list[WordOrder], received: int) -> None:
        """Report, once for a signal, how else its registers could be meant; the other base is read for that."""
        moved = await self._moved(point)
        hint = explain(self._device.registers[point.signal][0], data, orders, moved, self._gate.rules[point.signal])
        if hint:
            refusal = refuse(Reason.WORD_ORDER, registers_as_text(data), hint)
            self._gate.refuse(refusal, received=received, signal=point.signal, raw=data)

    async def _moved(self, point: Point) -> bytes | None:
        """Return the bytes that stand where the value would be if the manual counted from the other base."""
        assert self._connection is not None
        base = self._device.registers[point.signal][0].base
        address = point.address + (1 if base == 1 else -1)
        if address < 0:
            return None
        try:
            return await self._connection.ask(Ask(point.device, point.kind, address, point.width))
        except AnswerError:
            return None

    # -- what goes wrong ----------------------------------------------------------------------------------

    def _left_alone(self, ask: Ask, done: _Round) -> bool:
        now = self._clock.now()
        resting = ask.device in done.silent or self._rests.get(ask.device, 0) > now
        return resting or self._refused.get(ask, 0) > now

    def _cut(self, interval: int, planned: _Planned, error: AnswerError) -> list[_Planned]:
        """Return the blocks that take the place of one that the device refuses for its address or size."""
        if not isinstance(error, RefusedError) or error.code not in {ILLEGAL_ADDRESS, ILLEGAL_VALUE}:
            return []
        pieces = [self._block(read) for read in cut(planned.block.read)]
        if pieces:
            reads = self._reads[interval]
            at = next(place for place, known in enumerate(reads) if known is planned)
            reads[at : at + 1] = pieces
        return pieces

    def _note(self, block: Block, error: AnswerError, done: _Round) -> None:
        now, ask = self._clock.now(), block.read.ask
        where = f"{ask} ({block.read.signals}): {error}."
        if isinstance(error, SilentError):
            done.silent.add(ask.device)
        else:
            done.heard.add(ask.device)
        signal = block.read.points[0].signal if len(block.read.points) == 1 else ""
        refusal = refuse(_REASONS[type(error)], hint=where)
        if isinstance(error, RefusedError) and error.code == ILLEGAL_ADDRESS:
            self._refused[ask] = now + AGAIN_AFTER
            refusal = refuse(Reason.UNKNOWN_NODE, hint=f"{where} Correct the register's number, kind or base.")
        self._troubles.note(str(ask), refusal, now=now, signal=signal, raw=error.raw)

    def _count_silence(self, done: _Round) -> None:
        """Let silent units rest while others answer; where none does, the connection is lost in the end.

        Raises:
            ConnectionError: nothing answered for some rounds.
        """
        if not done.silent:
            self._silent_rounds = 0
        elif done.heard:
            self._silent_rounds = 0
            self._rests.update(dict.fromkeys(done.silent, self._clock.now() + REST))
        else:
            self._silent_rounds += 1
            if self._silent_rounds >= SILENT_ROUNDS:
                raise ConnectionError(f"no answer to {self._silent_rounds} rounds of requests")

    def _stray(self, frame: Frame) -> None:
        refusal = refuse(Reason.BAD_FRAME, hint=f"It answers transaction {frame.transaction}, which nobody waits for.")
        self._troubles.note("stray", refusal, now=self._clock.now(), raw=frame.raw)

    # -- what was worked out before -----------------------------------------------------------------------

    def _block(self, read: Read) -> _Planned:
        block = Block(read, self._device.registers)
        rules = self._gate.rules
        codes = np.array([rules[point.signal].code for point in block.numbers], dtype=np.int32)
        return _Planned(block, str(read.ask), codes, OrderWatch(block, self._device.registers, rules))


def _bounds(spec: ModbusSpec) -> dict[str, int]:
    return {"most": spec.most_registers, "unwanted": spec.most_unwanted}


def open_source(plan: Plan, spec: ModbusSpec, clock: Clock, *, seen: Iterable[ReadingBatch] = ()) -> PolledSource:
    """Return the source of the device that ``spec`` names; nothing is connected before it delivers.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.

    Raises:
        ConfigurationError: the address is none of Modbus.
        PlanError: a signal has no register.
    """
    device = device_of(plan, spec)
    gate = Gate(plan, spec.id)
    record = SourceRecord()
    troubles = Troubles(gate.refuse, record)
    asker = ModbusAsker(spec, device, gate, troubles, clock)
    source = PolledSource(
        gate=gate,
        clock=clock,
        address=spec.url,
        intervals=asker.intervals,
        asker=asker,
        troubles=troubles,
        record=record,
    )
    source.remember(seen)
    return source
