"""Which stations can have live judgements at all."""

from __future__ import annotations

from lineside.domain.plan.model import (
    CycleByRows,
    CycleBySerial,
    CycleByTrigger,
    FilesSpec,
    Plan,
    Role,
    Station,
)


def stations_of_files(plan: Plan) -> frozenset[str]:
    """Return the stations whose parts are known from files alone, and whose plan does not state ``live_within``.

    A file is written after the fact and taken once it is finished, so a watched folder is always late: the part has
    left the station, and what is found is contained, however quickly the file came. Only a plan that states how old
    a judgement of such a station may be, knowing that, decides otherwise. What makes a station one of files is where
    the signal comes from that closes a cycle; for rows and time windows, where all process signals come from.
    """
    files = {source.id for source in plan.sources if isinstance(source, FilesSpec)}
    unstated = [station for station in plan.stations if "live_within" not in station.model_fields_set]
    return frozenset(station.id for station in unstated if _sources_of(plan, station) <= files)


def _sources_of(plan: Plan, station: Station) -> set[str]:
    signals = plan.signals_at(station.id)
    cycle = station.cycle
    if isinstance(cycle, CycleByTrigger | CycleBySerial):
        chosen = [signal for signal in signals if signal.id == cycle.signal]
    else:
        chosen = [signal for signal in signals if signal.role is Role.PROCESS or isinstance(cycle, CycleByRows)]
    return {signal.source for signal in chosen} or {""}
