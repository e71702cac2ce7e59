"""What connection tests of several technologies share: reaching a port, and watching a source for a while."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence

from lineside.domain.errors import LinesideError
from lineside.domain.intake.gate import Taken
from lineside.domain.intake.reasons import Reason
from lineside.domain.plan.model import Plan, Signal
from lineside.domain.probes import ProbeReport, ProbeStep
from lineside.ports import Source


def signals_to_test(plan: Plan, source: str, wanted: Sequence[str]) -> tuple[Signal, ...]:
    """Return the signals of a source that are named, or all of them where none is."""
    mine = [signal for signal in plan.signals if signal.source == source]
    return tuple(signal for signal in mine if not wanted or signal.id in wanted)


async def reach(host: str, port: int, within: float) -> tuple[ProbeStep, ...]:
    """Return the steps of reaching a port: its name is resolvable, and something listens there.

    ``within`` in seconds, for each of them.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else str(error)
        advice = "correct the name in the plan's url, or write the IP address; has this machine a name server?"
        return (ProbeStep(name="name", ok=False, seen=f"{host} cannot be resolved ({why})", next_step=advice),)
    address = found[0][4][0]
    name = ProbeStep(name="name", ok=True, seen=f"{host} is {address}")
    return (name, await _connect(str(address), port, within))


async def _connect(address: str, port: int, within: float) -> ProbeStep:
    place = f"port {port} of {address}"
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        advice = "is the server of the machine running, and is the port in the plan's url the right one?"
        return ProbeStep(name="port", ok=False, seen=f"{place} is closed", next_step=advice)
    except TimeoutError:
        advice = "is the machine switched on, and does every firewall on the way let this gateway through?"
        return ProbeStep(name="port", ok=False, seen=f"{place} does not answer in {within:g} s", next_step=advice)
    except OSError as error:
        advice = "is there a route from here to the machine's network?"
        return ProbeStep(name="port", ok=False, seen=f"{place} cannot be reached ({error})", next_step=advice)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return ProbeStep(name="port", ok=True, seen=f"{place} is open")


async def watch(source: Source, signals: Sequence[Signal], within: float) -> tuple[list[Taken], LinesideError | None]:
    """Run a source until each signal has come or was refused, or the seconds are over; return what came.

    It also ends when the connection is lost. What comes is acknowledged: the test must give a source that keeps
    nothing. A source that cannot run gives its error as the second.
    """
    taken: list[Taken] = []
    missing = {signal.id for signal in signals}
    names = source.catalogue.signals
    try:
        async with asyncio.timeout(within):
            async with contextlib.aclosing(source.deliveries()) as deliveries:  # type: ignore[type-var]
                async for item in deliveries:
                    taken.append(
                        Taken(readings=item.readings, quarantined=item.quarantined, duplicates=item.duplicates)
                    )
                    await source.acknowledge(item.token)
                    codes = set() if item.readings is None else set(item.readings.signal.tolist())
                    missing -= {names[code] for code in codes} | {entry.signal for entry in item.quarantined}
                    if not missing or any(entry.reason == Reason.CONNECTION_LOST for entry in item.quarantined):
                        break
    except TimeoutError:
        return taken, None
    except LinesideError as error:
        return taken, error
    finally:
        await source.close()
    return taken, None


def logged_in(taken: Sequence[Taken], advice: str) -> list[ProbeStep]:
    """Return the step of logging in at a broker and subscribing, and one for each message that is of no signal.

    ``advice`` is what to do about those.
    """
    strange = [item for entry in taken for item in entry.quarantined if not item.signal]
    lost = [item for item in strange if item.reason == Reason.CONNECTION_LOST]
    if lost:
        doubts = "are user name, secret and, for mqtts://, the certificates right, and may this user subscribe?"
        return [ProbeStep(name="log in", ok=False, seen=lost[0].detail, next_step=doubts)]
    steps = [ProbeStep(name="log in", ok=True, seen="the broker accepts the session and the subscription")]
    return steps + [
        ProbeStep(name="message", ok=True, seen=f"{item.detail} [{item.reason}]", next_step=advice)
        for item in strange[:3]
    ]


def failed(name: str, error: LinesideError) -> ProbeStep:
    """Return the step that an error raised on purpose makes: what it says, and the next step that it names."""
    seen = error.problem if error.value is None else f"{error.problem} ({error.value})"
    return ProbeStep(name=name, ok=False, seen=seen, next_step=error.next_step or "")


def report(source: str, steps: Sequence[ProbeStep], looked: ProbeReport | None = None) -> ProbeReport:
    """Return the report of a source: the steps of its connection, then those about its readings."""
    if looked is None:
        return ProbeReport(source=source, steps=tuple(steps))
    return ProbeReport(source=source, steps=(*steps, *looked.steps), readings=looked.readings)
