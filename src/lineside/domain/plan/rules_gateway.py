"""Rules about what is asked of the gateway itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineside.domain.plan.findings import Finding, Path
from lineside.domain.plan.gateway import WhenFull
from lineside.domain.plan.model import Role, Signal, SignalType
from lineside.domain.plan.view import View, mistake, warning

READING_BYTES: Final = 33
"""Most bytes of a reading in the buffer: 32 of columns as they are, and its share of a record."""


def buffer_holds_what_it_promises(view: View) -> Iterator[Finding]:
    """At the rates that the plan expects, the buffer's bytes last for its hours."""
    buffer = view.plan.gateway.buffer
    rate = sum(signal.rate or 0.0 for signal in view.plan.signals)
    if rate <= 0:
        return
    lasts = buffer.bytes / (rate * READING_BYTES * 3600)
    if lasts < buffer.hours:
        needed = rate * READING_BYTES * 3600 * buffer.hours
        yield warning(
            "buffer-size",
            ("gateway", "buffer", "bytes"),
            f"at {rate:g} readings per second the buffer is full after {lasts:.1f} h, not {buffer.hours:g} h",
            next_step=f"give it {needed:.0f} bytes, or promise fewer hours",
        )


def signals_can_be_reduced(view: View) -> Iterator[Finding]:
    """What is done to a signal when the buffer is full makes sense for it."""
    usual = view.plan.gateway.buffer.when_full
    for position, signal in enumerate(view.plan.signals):
        policy = signal.when_full or usual
        path: Path = ("signals", position, "when_full")
        if policy is WhenFull.AGGREGATES and signal.type is SignalType.TEXT:
            yield mistake(
                "when-full",
                path,
                "text has no mean: it cannot be kept as aggregates",
                next_step="write 'when_full: drop_oldest' at this signal",
            )
        elif signal.when_full is not None and _cuts_cycles(signal) and policy in _REDUCING:
            yield warning(
                "when-full",
                path,
                f"'{policy}' loses the edges of a trigger: cycles of that time cannot be cut again from the history",
                next_step="write 'when_full: drop_oldest'",
            )


def _cuts_cycles(signal: Signal) -> bool:
    return signal.role is Role.TRIGGER


_REDUCING: Final = frozenset({WhenFull.THIN, WhenFull.AGGREGATES})

GATEWAY_RULES: Final = (buffer_holds_what_it_promises, signals_can_be_reduced)
