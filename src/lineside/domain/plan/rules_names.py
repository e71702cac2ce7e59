"""Rules about names: ids are unique, and every name refers to something."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final, Protocol

from lineside.domain.plan.findings import Finding, Path, did_you_mean
from lineside.domain.plan.model import CycleBySerial, CycleByTrigger, Role
from lineside.domain.plan.view import View, mistake, unknown, warning


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


def unique_ids(view: View) -> Iterator[Finding]:
    """No two things of a kind have one id."""
    plan = view.plan
    kinds: dict[str, Sequence[_HasId]] = {
        "shifts": plan.shifts,
        "sources": plan.sources,
        "stations": plan.stations,
        "signals": plan.signals,
        "characteristics": plan.characteristics,
        "reactions": plan.reactions,
    }
    for key, items in kinds.items():
        yield from _repeated((key,), items)
    for position, station in enumerate(plan.stations):
        yield from _repeated(("stations", position, "phases"), station.phases)


def signals_have_place_and_source(view: View) -> Iterator[Finding]:
    """A signal's station and source exist, and the phases of its features are those of its station."""
    for position, signal in enumerate(view.plan.signals):
        at: Path = ("signals", position)
        yield from _known((*at, "source"), "source", signal.source, view.sources)
        yield from _known((*at, "station"), "station", signal.station, view.stations)
        station = view.stations.get(signal.station)
        if station is not None:
            phases = [phase.id for phase in station.phases]
            for phase in signal.phase_features:
                yield from _known((*at, "phase_features", phase), f"phase of '{station.id}'", phase, phases)


def stations_name_own_signals(view: View) -> Iterator[Finding]:
    """The signals that delimit cycles and phases exist and are the station's own."""
    for position, station in enumerate(view.plan.stations):
        at: Path = ("stations", position)
        names: list[tuple[Path, str | None]] = [((*at, "serial"), station.serial)]
        if isinstance(station.cycle, CycleByTrigger | CycleBySerial):
            names.append(((*at, "cycle", "signal"), station.cycle.signal))
        if isinstance(station.cycle, CycleByTrigger):
            names.append(((*at, "cycle", "counter"), station.cycle.counter))
        names += [((*at, "phases", i, "signal"), phase.signal) for i, phase in enumerate(station.phases)]
        for path, name in names:
            if name is None:
                continue
            yield from _known(path, "signal", name, view.signals)
            signal = view.signals.get(name)
            if signal is not None and signal.station != station.id:
                yield mistake(
                    "wrong-station",
                    path,
                    f"this signal belongs to station '{signal.station}'",
                    found=name,
                    choices=[item.id for item in view.plan.signals_at(station.id)],
                    next_step="a cycle is cut by signals of its own station",
                )


def judgements_name_what_exists(view: View) -> Iterator[Finding]:
    """Envelope, characteristics and privacy refer to stations and signals that exist."""
    plan = view.plan
    for position, limit in enumerate(plan.envelope):
        yield from _known(("envelope", position, "signal"), "signal", limit.signal, view.signals)
    for position, item in enumerate(plan.characteristics):
        at: Path = ("characteristics", position)
        yield from _known((*at, "station"), "station", item.station, view.stations)
        for i, name in enumerate(item.model.exclude):
            yield from _known((*at, "model", "exclude", i), "signal", name, view.signals)
    for name in plan.privacy.classes:
        yield from _known(("privacy", "classes", name), "signal", name, view.signals)


def reactions_name_what_exists(view: View) -> Iterator[Finding]:
    """Reactions refer to characteristics, signals and classes that exist."""
    for position, reaction in enumerate(view.plan.reactions):
        at: Path = ("reactions", position)
        yield from _known((*at, "characteristic"), "characteristic", reaction.characteristic, view.characteristics)
        characteristic = view.characteristics.get(reaction.characteristic)
        for i, name in enumerate(reaction.signals):
            yield from _known((*at, "signals", i), "signal", name, view.signals)
            signal = view.signals.get(name)
            if signal is None or characteristic is None or signal.role is Role.ENVIRONMENT:
                continue
            if signal.station != characteristic.station:
                yield warning(
                    "wrong-station",
                    (*at, "signals", i),
                    f"this signal belongs to station '{signal.station}' and cannot cause an alert at "
                    f"'{characteristic.station}'",
                    found=name,
                )
        if characteristic is not None:
            for i, name in enumerate(reaction.classes):
                path = (*at, "classes", i)
                yield from _known(path, "nonconforming class", name, characteristic.nonconforming)


def _known(path: Path, kind: str, name: str, known: Collection[str]) -> Iterator[Finding]:
    if name not in known:
        yield unknown(path, kind, name, tuple(known))


def _repeated(path: Path, items: Sequence[_HasId]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for position, item in enumerate(items):
        if item.id in first:
            yield mistake(
                "duplicate-id",
                (*path, position, "id"),
                f"this id is already that of {path[-1]}[{first[item.id]}]",
                found=item.id,
                next_step="give each its own id",
            )
        first.setdefault(item.id, position)


def words_are_of_the_plan(view: View) -> Iterator[Finding]:
    """Each text that is translated stands in the plan: a changed text needs its translation anew."""
    texts = frozenset(_texts(view.plan.model_dump(mode="json", exclude={"words"})))
    for code, words in view.plan.words.items():
        for text in words:
            if text not in texts:
                yield warning(
                    "words-of-nothing",
                    ("words", code, text),
                    "the plan says this nowhere, so its translation is never shown",
                    found=text,
                    next_step=did_you_mean(text, texts) or "take it out, or word it as the plan does",
                )


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for item in content.values() if isinstance(content, dict) else content:
            yield from _texts(item)


NAME_RULES: Final = (
    unique_ids,
    signals_have_place_and_source,
    stations_name_own_signals,
    judgements_name_what_exists,
    reactions_name_what_exists,
    words_are_of_the_plan,
)
