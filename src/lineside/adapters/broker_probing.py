"""The connection test that every source behind a broker of MQTT has: reach it, log in, and wait for the signals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from lineside.adapters.mqtt_connection import Broker
from lineside.adapters.probing import failed, logged_in, reach, report, watch
from lineside.domain.plan.model import Signal
from lineside.domain.probes import look_at
from lineside.ports import ProbeReport, Source

_REACHED_WITHIN: Final = 5.0


class BrokerSource(Source, Protocol):
    """A source that hears its machines through a broker."""

    @property
    def broker(self) -> Broker:
        """The broker that it connects to."""


async def watch_broker(
    source: BrokerSource, name: str, wanted: Sequence[Signal], within: float, *, nothing: str, strange: str
) -> ProbeReport:
    """Reach the broker of a source, log in, and wait for its signals; return the report on the source of that name.

    ``nothing`` is the advice for a signal that does not come, ``strange`` for what comes and no signal names.
    """
    steps = list(await reach(source.broker.host, source.broker.port, _REACHED_WITHIN))
    if not all(step.ok for step in steps):
        return report(name, steps)
    taken, trouble = await watch(source, wanted, within)
    if trouble is not None:
        return report(name, [*steps, failed("security", trouble)])
    steps += logged_in(taken, strange)
    if not all(step.ok for step in steps):
        return report(name, steps)
    return report(name, steps, look_at(wanted, taken, nothing))
