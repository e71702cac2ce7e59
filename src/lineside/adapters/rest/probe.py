"""The connection test of an endpoint of HTTP: reach it, ask once, and look at the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from lineside.adapters.probing import failed, reach, report, signals_to_test
from lineside.adapters.rest.source import RestAsker, RestOptions, check_url
from lineside.domain.errors import LinesideError
from lineside.domain.health.sources import SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.troubles import Troubles
from lineside.domain.plan.model import Plan, RestSpec
from lineside.domain.probes import ProbeStep, look_at
from lineside.ports import Clock, ProbeReport

NOTHING: Final = "the answer has no row of it: compare the plan's paths with the answer in a browser"


async def probe(
    plan: Plan, spec: RestSpec, clock: Clock, *, options: RestOptions | None = None, signals: Sequence[str] = ()
) -> ProbeReport:
    """Test the endpoint of a source by one request from the beginning; its cursor is neither used nor kept.

    Args:
        plan: the plan of the source.
        spec: the source.
        clock: the time.
        options: what the plan does not hold.
        signals: ids of signals to look at; none: all of the source.
    """
    options = options or RestOptions()
    gate = Gate(plan, spec.id)
    try:
        check_url(spec)
        asker = RestAsker(spec, gate, Troubles(gate.refuse, SourceRecord()), clock, RestOptions(http=options.http))
    except LinesideError as error:
        return report(spec.id, [failed("settings", error)])
    url = urlsplit(spec.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    steps = list(await reach(url.hostname or "", port, options.http.timeout))
    if not all(step.ok for step in steps):
        return report(spec.id, steps)
    try:
        await asker.open()
        await asker.ask(spec.poll_interval)
    except ConnectionError as error:
        advice = "is it https:// or http://, and is the server's certificate the one that is trusted here?"
        return report(spec.id, [*steps, ProbeStep(name="answer", ok=False, seen=str(error), next_step=advice)])
    except LinesideError as error:
        return report(spec.id, [*steps, failed("certificate", error)])
    finally:
        await asker.close()
    taken = gate.take()
    wrong = [item for item in taken.quarantined if not item.signal]
    if wrong and taken.readings is None:
        step = ProbeStep(name="answer", ok=False, seen=wrong[0].detail, next_step="open the address in a browser")
        return report(spec.id, [*steps, step])
    steps.append(ProbeStep(name="answer", ok=True, seen="the answer is JSON"))
    return report(spec.id, steps, look_at(signals_to_test(plan, spec.id, signals), [taken], NOTHING))
