"""A device as the plan describes it: where it is, and where in it each signal's value stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lineside.adapters.modbus.reads import Point
from lineside.domain.errors import ConfigurationError, PlanError
from lineside.domain.plan.model import ModbusSpec, Plan
from lineside.domain.plan.registers import Register, WordOrder
from lineside.domain.units import SECOND

DEFAULT_PORT: Final = 502


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """Where the device is, and what the plan says of each signal's register, with its order."""

    host: str
    port: int
    timeout: float
    registers: dict[str, tuple[Register, WordOrder]]
    points: dict[str, Point]


def device_of(plan: Plan, spec: ModbusSpec) -> Device:
    """Return the device of a source, with its signals' places.

    Raises:
        ConfigurationError: the address is none of Modbus.
        PlanError: a signal has no register.
    """
    url = urlsplit(spec.url)
    if url.scheme != "modbus" or not url.hostname:
        raise ConfigurationError(
            "not an address of Modbus TCP",
            field=f"sources.{spec.id}.url",
            value=spec.url,
            next_step="write modbus://host:port",
        )
    registers: dict[str, tuple[Register, WordOrder]] = {}
    points: dict[str, Point] = {}
    for signal in plan.signals:
        if signal.source == spec.id:
            register = _completed(signal.id, signal.register, spec)
            assert register.base is not None
            assert register.order is not None
            assert register.device is not None
            registers[signal.id] = register, register.order
            address = register.number - register.base
            points[signal.id] = Point(signal.id, register.device, register.kind, address, register.width)
    return Device(
        host=url.hostname,
        port=url.port or DEFAULT_PORT,
        timeout=spec.timeout / SECOND,
        registers=registers,
        points=points,
    )


def _completed(signal: str, register: Register | None, spec: ModbusSpec) -> Register:
    """Return a register with what it leaves to the source."""
    if register is None:
        raise PlanError(
            "a Modbus signal needs a register",
            field=f"signals.{signal}.register",
            next_step="write one such as {kind: holding, number: 100, type: float32}",
        )
    left_out = {name: getattr(spec, name) for name in ("base", "order", "device") if getattr(register, name) is None}
    return register.model_copy(update=left_out)


def points_by_interval(spec: ModbusSpec, device: Device) -> dict[int, list[Point]]:
    """Return where the values stand that are read at each interval."""
    found: dict[int, list[Point]] = {}
    for signal, point in device.points.items():
        interval = device.registers[signal][0].interval or spec.poll_interval
        found.setdefault(interval, []).append(point)
    return found
