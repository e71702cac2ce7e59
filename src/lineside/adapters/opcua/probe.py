"""The session test of a server: reach it, agree on security, log in, compare clocks, and read every node once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from lineside.adapters.opcua.certificates import SOON, days_left, described, utc
from lineside.adapters.opcua.options import OpcuaOptions
from lineside.adapters.opcua.refusals import REFUSALS, RefusedError
from lineside.adapters.opcua.session import Session
from lineside.adapters.opcua.source import open_source
from lineside.adapters.opcua.values import change_of
from lineside.adapters.probing import failed, reach, report, signals_to_test
from lineside.domain.errors import LinesideError
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.times import check_time
from lineside.domain.plan.model import OpcuaSpec, Plan, Signal
from lineside.domain.probes import ProbeStep, look_at
from lineside.ports import Clock, ProbeReport

PORT: Final = 4840
"""The port of OPC UA, where an address names none."""
NOTHING: Final = "look at the node with another client"


async def probe(
    plan: Plan,
    spec: OpcuaSpec,
    clock: Clock,
    *,
    options: OpcuaOptions,
    signals: Sequence[str] = (),
    within: float = 10.0,
) -> ProbeReport:
    """Test the server of a source, by a session of its own.

    Args:
        plan: the plan of the source.
        spec: the source.
        clock: the time.
        options: what the plan does not hold.
        signals: ids of signals to read; none: all of the source.
        within: seconds for reading.
    """
    try:
        open_source(plan, spec, clock, options=options)
    except LinesideError as error:
        return report(spec.id, [failed("settings", error)])
    url = urlsplit(spec.url)
    steps = list(await reach(url.hostname or "", url.port or PORT, options.timeout))
    if not all(step.ok for step in steps):
        return report(spec.id, steps)
    session = Session(spec, options)
    try:
        steps += await _open(session, spec, options)
        if not steps[-1].ok:
            return report(spec.id, steps)
        async with asyncio.timeout(within):
            steps.append(await _clock(session, spec.clock_within))
            gate, wanted = Gate(plan, spec.id), signals_to_test(plan, spec.id, signals)
            known = await _read(session, gate, clock, steps, wanted)
            return report(spec.id, steps, look_at(known, [gate.take()], NOTHING))
    except (ConnectionError, TimeoutError) as error:
        seen = str(error) or f"no answer within {within:g} s"
        return report(spec.id, [*steps, ProbeStep(name="read", ok=False, seen=seen, next_step=NOTHING)])
    except LinesideError as error:
        return report(spec.id, [*steps, failed("certificate", error)])
    finally:
        await session.close()


async def _open(session: Session, spec: OpcuaSpec, options: OpcuaOptions) -> list[ProbeStep]:
    steps = []
    try:
        if spec.security != "none":
            steps.append(_certificate(await session.certificate_of_server(), options))
        await session.open()
    except RefusedError as error:
        refused = ProbeStep(name=error.step, ok=False, seen=str(error), next_step=error.next_step)
        return [*steps, refused]
    who = "by certificate" if spec.user_certificate else f"as {spec.username}" if spec.username else "anonymously"
    return [*steps, ProbeStep(name="log in", ok=True, seen=f"a session is open {who}, security {spec.security}")]


def _certificate(der: bytes, options: OpcuaOptions) -> ProbeStep:
    """Return the step that shows the server's certificate, with a warning before it ends."""
    left = days_left(der, utc(options.now()))
    soon = left is not None and left < SOON
    advice = "make a new one at the machine in time, and trust it: " + options.trust if soon else ""
    return ProbeStep(name="certificate", ok=True, seen=described(der), next_step=advice)


async def _clock(session: Session, allowed: int | None) -> ProbeStep:
    """Return the step that compares the server's clock with this machine's."""
    found = await session.clock()
    if found is None:
        advice = "nothing warns of a clock that drifts: keep the machine on NTP"
        return ProbeStep(name="clock", ok=True, seen="the server does not tell its time", next_step=advice)
    near = found.within(allowed)
    seen = f"the server's clock is {found.words}"
    return ProbeStep(name="clock", ok=near, seen=seen, next_step="" if near else "set both clocks by NTP")


async def _read(
    session: Session, gate: Gate, clock: Clock, steps: list[ProbeStep], signals: Sequence[Signal]
) -> list[Signal]:
    """Read the signals' nodes once and let the values through the gate, as in running; return those of known nodes."""
    values = await session.read([signal.address for signal in signals])
    now, known = clock.now(), []
    for signal, data in zip(signals, values, strict=True):
        change = change_of(signal.id, data)
        name = "" if data.StatusCode is None else str(data.StatusCode.name)
        if name in REFUSALS:
            seen = f"{signal.address}: {name}"
            steps.append(
                ProbeStep(name="node", signal=signal.id, ok=False, seen=seen, next_step=REFUSALS[name].next_step)
            )
            continue
        known.append(signal)
        moment = now if change.time is None else check_time(change.time, now)
        gate.offer(signal.id, moment, change.value, received=now, status=change.status)
    return known
