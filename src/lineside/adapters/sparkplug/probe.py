"""The connection test of edge nodes: reach their broker, log in, and wait for births and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from lineside.adapters.probing import failed, logged_in, reach, report, signals_to_test, watch
from lineside.adapters.sparkplug.source import SparkplugOptions, open_source
from lineside.domain.errors import LinesideError
from lineside.domain.plan.model import Plan, SparkplugSpec
from lineside.domain.probes import look_at
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
    steps = list(await reach(source.broker.host, source.broker.port, 5.0))
    if not all(step.ok for step in steps):
        return report(spec.id, steps)
    wanted = signals_to_test(plan, spec.id, signals)
    taken, trouble = await watch(source, wanted, within)
    if trouble is not None:
        return report(spec.id, [*steps, failed("security", trouble)])
    steps += logged_in(taken, STRANGE)
    if not all(step.ok for step in steps):
        return report(spec.id, steps)
    return report(spec.id, steps, look_at(wanted, taken, NOTHING))
