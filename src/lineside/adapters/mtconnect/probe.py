"""The connection test of an MTConnect agent: reach it, ask what it has, and look at the present state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from lineside.adapters.http_get import TooLargeError
from lineside.adapters.mtconnect.documents import AgentError, DocumentError
from lineside.adapters.mtconnect.source import MtconnectAsker, MtconnectOptions, check_url
from lineside.adapters.probing import failed, reach, report, signals_to_test
from lineside.domain.errors import LinesideError
from lineside.domain.health.sources import SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason
from lineside.domain.intake.troubles import Troubles
from lineside.domain.plan.model import MtconnectSpec, Plan
from lineside.domain.probes import ProbeStep, look_at
from lineside.ports import Clock, ProbeReport

NOTHING: Final = "the agent has never had a value of it: is the machine's adapter connected to the agent?"


async def probe(
    plan: Plan,
    spec: MtconnectSpec,
    clock: Clock,
    *,
    options: MtconnectOptions | None = None,
    signals: Sequence[str] = (),
) -> ProbeReport:
    """Test the agent of a source; its position is neither used nor kept.

    Args:
        plan: the plan of the source.
        spec: the source.
        clock: the time.
        options: what the plan does not hold.
        signals: ids of signals to look at; none: all of the source.
    """
    options = options or MtconnectOptions()
    try:
        check_url(spec)
    except LinesideError as error:
        return report(spec.id, [failed("settings", error)])
    url = urlsplit(spec.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    steps = list(await reach(url.hostname or "", port, options.http.timeout))
    if not all(step.ok for step in steps):
        return report(spec.id, steps)
    gate = Gate(plan, spec.id)
    asker = MtconnectAsker(
        plan, spec, gate, Troubles(gate.refuse, SourceRecord()), clock, MtconnectOptions(http=options.http)
    )
    wanted = signals_to_test(plan, spec.id, signals)
    try:
        await asker.open()
        steps.append(ProbeStep(name="agent", ok=True, seen=f"it has {asker.items} data items"))
        await asker.take_state()
    except (ConnectionError, AgentError, DocumentError, TooLargeError) as error:
        advice = "open the url with /probe in a browser: is it an agent of MTConnect, and has it this device?"
        return report(spec.id, [*steps, ProbeStep(name="agent", ok=False, seen=str(error), next_step=advice)])
    except LinesideError as error:
        return report(spec.id, [*steps, failed("certificate", error)])
    finally:
        await asker.close()
    taken = gate.take()
    named = {signal.id for signal in wanted}
    steps += [
        ProbeStep(name="unit", signal=item.signal, ok=True, seen=item.detail, next_step="correct the plan's unit")
        for item in taken.quarantined
        if item.reason == Reason.UNIT_DIFFERS and item.signal in named
    ]
    return report(spec.id, steps, look_at(wanted, [taken], NOTHING))
