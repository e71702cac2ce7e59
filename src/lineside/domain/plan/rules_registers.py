"""Rules about the registers of Modbus signals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineside.domain.plan.findings import Finding, Path
from lineside.domain.plan.model import ModbusSpec, Signal, SignalType
from lineside.domain.plan.registers import SINGLE_BITS, Register
from lineside.domain.plan.view import View, mistake, warning

_NOTATION: Final = {"discrete": 10_000, "input": 30_000, "holding": 40_000}


def registers_fit_their_sources(view: View) -> Iterator[Finding]:
    """A signal of a Modbus source has a register that can be, and no other signal has one."""
    for position, signal in enumerate(view.plan.signals):
        source, path = view.sources.get(signal.source), ("signals", position)
        if isinstance(source, ModbusSpec):
            if signal.register is None:
                yield mistake(
                    "register",
                    path,
                    "a Modbus signal needs a register",
                    next_step="write one such as register: {kind: holding, number: 100, type: float32, order: CDAB}",
                )
            else:
                yield from _possible((*path, "register"), signal, signal.register, source)
        elif signal.register is not None and source is not None:
            yield mistake(
                "register",
                (*path, "register"),
                f"a register means nothing to a source of kind '{source.kind}'",
                next_step="remove it, or name a Modbus source",
            )


def _possible(path: Path, signal: Signal, register: Register, source: ModbusSpec) -> Iterator[Finding]:
    single = register.kind in SINGLE_BITS
    if single and register.form != "bool":
        yield mistake(
            "register", (*path, "type"), f"a {register.kind} holds one bit", found=register.form, choices=("bool",)
        )
    if (register.form == "text") is not (signal.type is SignalType.TEXT):
        yield mistake("register", (*path, "type"), f"the signal is {signal.type}, the register {register.form}")
    if register.form == "bits" and register.bit + register.length > 16:
        yield mistake("register", (*path, "length"), "a register has 16 bits", found=str(register.length))
    if register.scale == 0.0:
        yield mistake("register", (*path, "scale"), "every value would be the offset")
    base = source.base if register.base is None else register.base
    first = register.number - base
    if first < 0 or first + register.width > 65_536:
        yield mistake(
            "register", (*path, "number"), f"beyond the {65_536} of a table, counted from {base}", found=str(first)
        )
    yield from _doubtful(path, signal, register)


def _doubtful(path: Path, signal: Signal, register: Register) -> Iterator[Finding]:
    digit = _NOTATION.get(register.kind)
    if digit is not None and 0 < register.number - digit <= 9_999:
        yield warning(
            "register-notation",
            (*path, "number"),
            f"{register.number} looks like the 4xxxx notation",
            next_step=f"if it is, write number: {register.number - digit} with base: 1",
        )
    if register.width > 1 and register.form != "text" and signal.range is None:
        yield warning(
            "register-order",
            path,
            "without a plausible range a wrong word order cannot be noticed",
            next_step="give the signal a range",
        )


REGISTER_RULES: Final = (registers_fit_their_sources,)
