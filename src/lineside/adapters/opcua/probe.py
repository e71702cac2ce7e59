"""The connection test of a server: reach it, agree on security, log in, compare clocks, and read every node once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from lineside.adapters.opcua.connection import Connection, change_of, nanoseconds
from lineside.adapters.opcua.refusals import REFUSALS, meaning_of
from lineside.adapters.opcua.source import OpcuaOptions, open_source
from lineside.adapters.probing import failed, reach, report, signals_to_test
from lineside.domain.errors import LinesideError
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.times import check_time
from lineside.domain.plan.model import OpcuaSpec, Plan, Signal
from lineside.domain.probes import ProbeStep, look_at
from lineside.domain.readings import BAD
from lineside.domain.units import SECOND
from lineside.ports import Clock, ProbeReport

PORT: Final = 4840
"""The port of OPC UA, where an address names none."""
SKEW: Final = SECOND
"""The server's clock may differ this much from ours."""
SERVER_TIME: Final = "i=2258"
"""Server_ServerStatus_CurrentTime (Part 5)."""
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
    connection = Connection(spec, options)
    try:
        steps.append(await _open(connection, spec))
        if not steps[-1].ok:
            return report(spec.id, steps)
        async with asyncio.timeout(within):
            steps.append(await _clock(connection, clock))
            gate, wanted = Gate(plan, spec.id), signals_to_test(plan, spec.id, signals)
            known = await _read(connection, gate, clock, steps, wanted)
            return report(spec.id, steps, look_at(known, [gate.take()], NOTHING))
    except (ConnectionError, TimeoutError) as error:
        seen = str(error) or f"no answer within {within:g} s"
        return report(spec.id, [*steps, ProbeStep(name="read", ok=False, seen=seen, next_step=NOTHING)])
    except LinesideError as error:
        return report(spec.id, [*steps, failed("certificate", error)])
    finally:
        await connection.close()


async def _open(connection: Connection, spec: OpcuaSpec) -> ProbeStep:
    try:
        await connection.open()
    except ConnectionError as error:
        meant = meaning_of(error)
        return ProbeStep(name=meant.step, ok=False, seen=str(error), next_step=meant.next_step)
    who = f"as {spec.username}" if spec.username else "anonymously"
    return ProbeStep(name="log in", ok=True, seen=f"a session is open {who}, security {spec.security}")


async def _clock(connection: Connection, clock: Clock) -> ProbeStep:
    """Return the step that compares clocks: the server's time against ours half-way through the question."""
    asked = clock.now()
    [data] = await connection.read([SERVER_TIME])
    answered = clock.now()
    stamp = None if data.Value is None or change_of("", data).status & BAD else nanoseconds(data.Value.Value)
    if stamp is None:
        advice = "nothing warns of a clock that drifts: keep the machine on NTP"
        return ProbeStep(name="clock", ok=True, seen="the server does not tell its time", next_step=advice)
    skew = stamp - (asked + answered) // 2
    near = abs(skew) <= SKEW + (answered - asked) // 2
    seen = f"the server's clock is {abs(skew) / SECOND:.3f} s {'ahead of' if skew > 0 else 'behind'} this one"
    return ProbeStep(name="clock", ok=near, seen=seen, next_step="" if near else "set both clocks by NTP")


async def _read(
    connection: Connection, gate: Gate, clock: Clock, steps: list[ProbeStep], signals: Sequence[Signal]
) -> list[Signal]:
    """Read the signals' nodes once and let the values through the gate, as in running; return those of known nodes."""
    values = await connection.read([signal.address for signal in signals])
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
