"""The connection test of edge nodes: reach their broker, log in, and wait for births and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from lineside.adapters.broker_probing import watch_broker
from lineside.adapters.probing import failed, report, signals_to_test
from lineside.adapters.sparkplug.source import SparkplugOptions, open_source
from lineside.domain.errors import LinesideError
from lineside.domain.plan.model import Plan, SparkplugSpec
from lineside.ports import Clock, ProbeReport

NOTHING = "is this edge node on line, and are group, edge node and device written as it writes them?"
STRANGE = "name the signals that are wanted in the plan, or look at what the edge node sends"


async def probe(
    plan: Plan,
    spec: SparkplugSpec,
    clock: Clock,
    *,
    options: SparkplugOptions,
    signals: Sequence[str] = (),
    within: float = 10.0,
) -> ProbeReport:
    """Test the edge nodes of a source, by a session of its own; where the plan allows it, they are asked for births.

    The state of the primary host is left alone.

    Args:
        plan: the plan of the source.
        spec: the source.
        clock: the time.
        options: what the plan does not hold.
        signals: ids of signals to wait for; none: all of the source.
        within: seconds to wait for them.
    """
    own = replace(options, client_id=f"lineside-test-{uuid4().hex[:12]}", hosts=False)
    try:
        source = open_source(plan, spec, clock, options=own)
    except LinesideError as error:
        return report(spec.id, [failed("settings", error)])
    wanted = signals_to_test(plan, spec.id, signals)
    return await watch_broker(source, spec.id, wanted, within, nothing=NOTHING, strange=STRANGE)
