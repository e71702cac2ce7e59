"""Opening and testing sources that are asked: Modbus, MTConnect, REST."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.apps.gateway.secrets import find_secret
from lineside.domain.plan.model import ModbusSpec, MtconnectSpec, Plan, RestSpec
from lineside.domain.readings import ReadingBatch
from lineside.domain.units import SECOND
from lineside.ports import Clock, Probe, Source

if TYPE_CHECKING:
    from lineside.adapters.http_get import HttpOptions

PolledSpec = ModbusSpec | MtconnectSpec | RestSpec
"""The kinds that are asked."""


def open_polled(
    plan: Plan, spec: PolledSpec, clock: Clock, *, keys: Path, kept: Path, seen: Sequence[ReadingBatch]
) -> Source:
    """Return the source of a machine that is asked.

    Args:
        plan: the plan.
        spec: the source.
        clock: the time.
        keys: folder of secrets and certificates.
        kept: folder in which it keeps its position.
        seen: readings that were accepted before.
    """
    # An adapter brings its protocol's library, which is slow to import and of no use to other plans.
    if isinstance(spec, ModbusSpec):
        from lineside.adapters.modbus.source import open_source as open_modbus  # noqa: PLC0415 - as above

        return open_modbus(plan, spec, clock, seen=seen)
    http, position = http_options(spec, keys), kept / f"{spec.id}.position.json"
    if isinstance(spec, RestSpec):
        from lineside.adapters.rest.source import RestOptions  # noqa: PLC0415 - as above
        from lineside.adapters.rest.source import open_source as open_rest  # noqa: PLC0415 - as above

        return open_rest(plan, spec, clock, options=RestOptions(http=http, position=position), seen=seen)
    from lineside.adapters.mtconnect.source import MtconnectOptions  # noqa: PLC0415 - as above
    from lineside.adapters.mtconnect.source import open_source as open_mtconnect  # noqa: PLC0415 - as above

    mtconnect = MtconnectOptions(http=http, position=position)
    return open_mtconnect(plan, spec, clock, options=mtconnect, seen=seen)


def probe_polled(plan: Plan, spec: PolledSpec, clock: Clock, *, keys: Path, within: float) -> Probe:
    """Return the connection test of a machine that is asked."""
    if isinstance(spec, ModbusSpec):
        from lineside.adapters.modbus.probe import probe as probe_modbus  # noqa: PLC0415 - as above

        return lambda signals: probe_modbus(plan, spec, clock, signals=signals, within=within)
    if isinstance(spec, RestSpec):
        from lineside.adapters.rest.probe import probe as probe_rest  # noqa: PLC0415 - as above
        from lineside.adapters.rest.source import RestOptions  # noqa: PLC0415 - as above

        rest = RestOptions(http=http_options(spec, keys))
        return lambda signals: probe_rest(plan, spec, clock, options=rest, signals=signals)
    from lineside.adapters.mtconnect.probe import probe as probe_mtconnect  # noqa: PLC0415 - as above
    from lineside.adapters.mtconnect.source import MtconnectOptions  # noqa: PLC0415 - as above

    mtconnect = MtconnectOptions(http=http_options(spec, keys))
    return lambda signals: probe_mtconnect(plan, spec, clock, options=mtconnect, signals=signals)


def http_options(spec: MtconnectSpec | RestSpec, keys: Path) -> HttpOptions:
    """Return what the plan does not hold of a server of HTTP: secret and certificates."""
    from lineside.adapters.http_get import HttpOptions  # noqa: PLC0415 - as above

    secret, header = find_secret(spec.secret, keys), spec.secret_header if isinstance(spec, RestSpec) else ""
    return HttpOptions(
        timeout=spec.timeout / SECOND,
        username=spec.username,
        password="" if header else secret,
        headers={header: secret} if header else {},
        authority=_there(keys / f"{spec.id}.authority.crt"),
        pinned=_there(keys / f"{spec.id}.peer.crt"),
    )


def _there(path: Path) -> Path | None:
    return path if path.exists() else None
