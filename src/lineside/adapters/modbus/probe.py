"""The connection test of a Modbus device: reach it, read every register, and say in which order they make sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lineside.adapters.modbus.connection import Connection
from lineside.adapters.modbus.device import Device, device_of
from lineside.adapters.modbus.frames import (
    ILLEGAL_ADDRESS,
    AnswerError,
    Ask,
    RefusedError,
    SilentError,
)
from lineside.adapters.modbus.orders import explain, other_orders
from lineside.adapters.modbus.reads import Point
from lineside.adapters.probing import failed, reach, report, signals_to_test
from lineside.domain.errors import LinesideError
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.registers import decode_number, decode_text, registers_as_text
from lineside.domain.plan.model import ModbusSpec, Plan
from lineside.domain.plan.registers import SINGLE_BITS
from lineside.domain.probes import ProbeStep, look_at
from lineside.ports import Clock, ProbeReport

NOTHING: Final = "read the register with another client"


async def probe(
    plan: Plan, spec: ModbusSpec, clock: Clock, *, signals: Sequence[str] = (), within: float = 10.0
) -> ProbeReport:
    """Test the device of a source, by a connection of its own.

    Args:
        plan: the plan of the source.
        spec: the source.
        clock: the time.
        signals: ids of signals to read; none: all of the source.
        within: seconds for each answer at most; the plan's time-out where that is shorter.
    """
    try:
        device = device_of(plan, spec)
    except LinesideError as error:
        return report(spec.id, [failed("settings", error)])
    steps = list(await reach(device.host, device.port, device.timeout))
    if not all(step.ok for step in steps):
        return report(spec.id, steps)
    wanted = signals_to_test(plan, spec.id, signals)
    test = _Test(device, Gate(plan, spec.id), clock, min(within, device.timeout))
    try:
        await test.connection.open()
        known = [signal for signal in wanted if await test.read(device.points[signal.id])]
    except ConnectionError as error:
        lost = ProbeStep(name="read", ok=False, seen=str(error), next_step="is this port one of Modbus TCP?")
        return report(spec.id, [*steps, *test.steps, lost])
    finally:
        await test.connection.close()
    return report(spec.id, [*steps, *test.steps], look_at(known, [test.gate.take()], NOTHING))


class _Test:
    """Reads one register after another, each in a request of its own."""

    def __init__(self, device: Device, gate: Gate, clock: Clock, timeout: float) -> None:
        self.connection = Connection(device.host, device.port, timeout=timeout, stray=lambda _: None)
        self.gate = gate
        self.steps: list[ProbeStep] = []
        self._device = device
        self._clock = clock

    async def read(self, point: Point) -> bool:
        """Read a point and let its value through the gate, as in running; say whether the device gave it."""
        before = self._clock.now()
        try:
            data = await self.connection.ask(_ask(point))
        except AnswerError as error:
            advice = _advice(error)
            self.steps.append(
                ProbeStep(
                    name="register", signal=point.signal, ok=False, seen=f"{_ask(point)}: {error}", next_step=advice
                )
            )
            return False
        received = self._clock.now()
        register, order = self._device.registers[point.signal]
        raw = data.hex() if point.kind in SINGLE_BITS else registers_as_text(data)
        self.steps.append(ProbeStep(name="register", signal=point.signal, ok=True, seen=f"{_ask(point)} holds {raw}"))
        if register.form == "text":
            value: float | str = decode_text(order, data)
        elif point.kind in SINGLE_BITS:
            value = float(data[0] & 1)
        else:
            value = decode_number(register, order, data)
            await self._explain(point, data)
        self.gate.offer(point.signal, (before + received) // 2, value, received=received, raw=data)
        return True

    async def _explain(self, point: Point, data: bytes) -> None:
        """Say how else an implausible value could be meant."""
        register, order = self._device.registers[point.signal]
        rule = self.gate.rules[point.signal]
        orders = other_orders(register, order, data, rule)
        if orders is None:
            return
        moved = Ask(point.device, point.kind, max(0, point.address + (1 if register.base else -1)), point.width)
        try:
            there = await self.connection.ask(moved)
        except AnswerError:
            there = None
        hint = explain(register, data, orders, there, rule)
        if hint:
            advice = "compare with the device's display, and correct the plan's order or base"
            self.steps.append(ProbeStep(name="order", signal=point.signal, ok=True, seen=hint, next_step=advice))


def _ask(point: Point) -> Ask:
    return Ask(point.device, point.kind, point.address, point.width)


def _advice(error: AnswerError) -> str:
    if isinstance(error, RefusedError) and error.code == ILLEGAL_ADDRESS:
        return "correct the register's number, kind, or base in the plan"
    if isinstance(error, RefusedError):
        return "look the exception up in the device's manual; is it in operation, and the unit number right?"
    if isinstance(error, SilentError):
        return "is the unit number right, and does the device answer another client?"
    return NOTHING
