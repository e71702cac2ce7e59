"""The edge nodes by which HMIs and stack lights follow the line, as the administrator's file names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from lineside.adapters.notifiers.posting import resolve
from lineside.adapters.notifiers.targets_file import load_notifying
from lineside.adapters.sparkplug.andon import SparkplugAndon, Values
from lineside.adapters.sparkplug.edge_node import EdgeNode, Offer
from lineside.apps.gateway.secrets import find_secret
from lineside.apps.layout import Layout
from lineside.apps.plant.andon import StationAndon, stations_of
from lineside.apps.plant.floor import Floor
from lineside.apps.plant.floor.views import LinkStatus
from lineside.apps.web.language import speaking
from lineside.domain.notifying.addresses import chosen_address
from lineside.domain.notifying.andon import AndonNode
from lineside.domain.plan.model import Plan
from lineside.ports import Clock

_TEXTS: Final[Mapping[str, Callable[[StationAndon], str]]] = {
    "state": lambda item: str(item.state),
    "priority": lambda item: str(item.priority or ""),
    "characteristic": lambda item: item.characteristic,
    "text": lambda item: item.text,
    "step": lambda item: item.step,
    "alert": lambda item: item.alert,
}
"""The metrics of a station that are text, and how each is read."""


def open_andons(plan: Plan, layout: Layout, floor: Floor, clock: Clock) -> tuple[SparkplugAndon, ...]:
    """Return the edge nodes of the administrator's file; ``clock`` is that of the process.

    Raises:
        ConfigurationError: the file does not say what it must.
    """
    told = load_notifying(layout.notify_file, plan)
    return tuple(_open(place, told.inside, plan, layout, floor, clock) for place in told.andons)


def _open(
    place: AndonNode, inside: tuple[str, ...], plan: Plan, layout: Layout, floor: Floor, clock: Clock
) -> SparkplugAndon:
    stations = place.stations or tuple(station.id for station in plan.stations)

    def values() -> Values:
        with speaking(place.language, plan.words):
            return dict(_metrics(stations_of(floor, clock.now(), stations.__contains__)))

    async def address() -> str:
        found = await resolve(place.host, place.port)
        return chosen_address(found, inside, encrypted=place.tls, field=f"andon.{place.id}.host")

    def shown(trouble: str) -> None:
        name = f"andon {place.id}"
        status = LinkStatus(name=name, kind="screen", ok=not trouble, detail=trouble, since=clock.now())
        floor.apply_status({name: status})

    offers = [Offer(name=name, type=kind) for station in stations for name, kind in _offers(station)]
    andon = SparkplugAndon(
        place=place,
        node=EdgeNode(place.group, place.edge, plan.line.id, offers),
        values=values,
        address=address,
        password=partial(find_secret, place.secret, layout.keys),
        clock=clock,
        say=shown,
    )
    floor.listen(lambda _: andon.changed.set())
    return andon


def _offers(station: str) -> Iterator[tuple[str, str]]:
    yield from ((f"{station}/{name}", "string") for name in _TEXTS)
    yield from ((f"{station}/{name}", "boolean") for name in ("taken", "stale"))


def _metrics(stations: tuple[StationAndon, ...]) -> Iterator[tuple[str, bool | str]]:
    for item in stations:
        yield from ((f"{item.station}/{name}", read(item)) for name, read in _TEXTS.items())
        yield f"{item.station}/taken", item.taken
        yield f"{item.station}/stale", item.stale
