"""The connection test of a broker: reach it, log in, subscribe, and wait for a message of each signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from lineside.adapters.broker_probing import watch_broker
from lineside.adapters.mqtt.source import MqttOptions, open_source
from lineside.adapters.probing import failed, report, signals_to_test
from lineside.domain.errors import LinesideError
from lineside.domain.plan.model import MqttSpec, Plan
from lineside.ports import Clock, ProbeReport

NOTHING = "does the machine publish to this topic, and how often? Wait longer with --seconds, or correct the address"
STRANGE = "narrow the topic filter, or name the signal in the plan"


async def probe(
    plan: Plan,
    spec: MqttSpec,
    clock: Clock,
    *,
    options: MqttOptions,
    signals: Sequence[str] = (),
    within: float = 10.0,
) -> ProbeReport:
    """Test the broker of a source, by a session of its own that the broker forgets.

    Args:
        plan: the plan of the source.
        spec: the source.
        clock: the time.
        options: what the plan does not hold.
        signals: ids of signals to wait for; none: all of the source.
        within: seconds to wait for them.
    """
    own = replace(options, client_id=f"lineside-test-{uuid4().hex[:12]}", forget=True)
    try:
        source = open_source(plan, spec, clock, options=own)
    except LinesideError as error:
        return report(spec.id, [failed("settings", error)])
    wanted = signals_to_test(plan, spec.id, signals)
    return await watch_broker(source, spec.id, wanted, within, nothing=NOTHING, strange=STRANGE)
