"""An edge node or one of its devices: its state, and the names that its birth gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lineside.adapters.sparkplug.payloads import REBIRTH, SESSION
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Metric, Payload
from lineside.adapters.sparkplug.states import TRANSITIONS, Event, State


@dataclass(frozen=True, slots=True)
class Binding:
    """A metric as its birth names it: name, number of its data type, and the plan's signal (empty: not in the plan)."""

    name: str
    datatype: int
    signal: str


_AMBIGUOUS: Final = Binding("", 0, "")
"""What an alias means that one birth gives to two metrics: neither of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Born:
    """What a birth has changed: metrics that the plan does not name, signals that it lacks, types, shared aliases."""

    unplanned: int
    missing: tuple[str, ...]
    retyped: tuple[tuple[Binding, Binding], ...]
    shared: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """What a birth calls its metrics; it never changes, so that what was said under it is read by it."""

    by_name: Mapping[str, Binding] = field(default_factory=dict)
    by_alias: Mapping[int, Binding] = field(default_factory=dict)

    def binding_of(self, metric: Metric) -> Binding | None:
        """Return the metric that is meant, by its alias, else by its name; None where the birth named none such.

        An alias that is not there reads as 0, which is an alias like any other.
        """
        alias = metric.alias
        if alias or metric.HasField("alias"):
            return self.by_alias.get(alias)
        return self.by_name.get(metric.name)


@dataclass(slots=True)
class Asset:
    """An edge node (``device`` empty) or device; ``wanted`` are the plan's signals by the names of their metrics.

    ``names`` are None while nothing it says can be read; ``last`` are those of its newest birth.
    """

    device: str
    wanted: Mapping[str, str]
    state: State = State.OFFLINE
    names: Names | None = None
    last: Names = Names()

    def apply(self, event: Event) -> bool:
        """Go on to the state that follows on an event; return whether that is another one."""
        before, self.state = self.state, TRANSITIONS[self.state, event]
        if self.state is State.STALE or event is Event.NODE_BIRTH:
            self.names = None
        return self.state is not before

    def bind(self, payload: Payload, taken: Mapping[int, str]) -> Born:
        """Take the names of a birth; ``taken`` are aliases that other assets of the edge node have, by whose."""
        by_name: dict[str, Binding] = {}
        by_alias: dict[int, Binding] = {}
        shared = []
        for metric in payload.metrics:
            binding = Binding(metric.name, metric.datatype, self.wanted.get(metric.name, ""))
            by_name[metric.name] = binding
            if metric.HasField("alias"):
                own = metric.alias in by_alias
                if own or metric.alias in taken:
                    shared.append(binding)
                by_alias[metric.alias] = _AMBIGUOUS if own else binding
        before = self.last.by_name
        self.names = self.last = Names(by_name, by_alias)
        return Born(
            unplanned=len(by_name.keys() - {SESSION, REBIRTH} - self.wanted.keys()),
            missing=tuple(signal for name, signal in self.wanted.items() if name not in by_name),
            retyped=tuple(
                (before[name], by_name[name])
                for name in self.wanted
                if name in before and name in by_name and before[name].datatype != by_name[name].datatype
            ),
            shared=tuple(shared),
        )
