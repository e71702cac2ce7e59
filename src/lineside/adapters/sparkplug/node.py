"""One edge node with its devices: messages and the time in, what is to be read, refused, silenced or asked for out.

Sans-IO. Messages of one edge node are numbered in one sequence, births and deaths of its devices among them. One
that comes out of order waits, for a moment, for those before it; if they do not come, they are counted as lost, the
edge node is asked for its births once, and until those come its readings are *doubtful*: an alias may mean something
else by now. Where the plan does not allow to ask, the births that there are go on to hold.

Data that no birth explains is refused. An edge node that goes on sending what cannot be read is asked again, but with
growing patience: one that never says what it means must not be kept busy with births. After a connection to the
broker, nodes that were not born within `GRACE` are asked once, so that those that seldom say anything are read too.

Times and deadlines are nanoseconds of a clock that only goes forward; receive times in messages are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lineside.adapters.sparkplug.assets import Asset, Born, Names
from lineside.adapters.sparkplug.payloads import Heard, Kind, session_of
from lineside.adapters.sparkplug.sequence import Sequencer
from lineside.adapters.sparkplug.states import Event, State
from lineside.domain.intake.reasons import Reason
from lineside.domain.units import SECOND

GRACE: Final = SECOND
"""How long an edge node has, after a connection, to be born by itself."""
LEAST_PATIENCE: Final = 10 * SECOND
MOST_PATIENCE: Final = 600 * SECOND
"""Time between two requests to one edge node: the least, and the longest that it grows to if asking does not help."""


@dataclass(frozen=True, slots=True)
class Values:
    """The metrics of a message, to be read by the names of its sender; ``doubtful`` if those may hold no longer."""

    heard: Heard
    names: Names
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that is not taken, of a message or (None) of no message: why, in which detail, and how many of it."""

    reason: Reason
    hint: str
    heard: Heard | None = None
    signal: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Silenced:
    """Signals whose sender has died: what they said last holds no longer."""

    signals: tuple[str, ...]
    received: int


@dataclass(frozen=True, slots=True)
class Ask:
    """The edge node is to be asked for its births."""


@dataclass(frozen=True, slots=True)
class Stands:
    """An edge node (``device`` empty) or device of the plan has come to another state."""

    device: str
    state: State


Output = Values | Refused | Silenced | Ask | Stands


class EdgeNode:
    """The protocol of one edge node.

    Args:
        name: group and edge node, for people.
        wanted: the plan's signals, by device (empty: the node itself) and by the name of the metric.
        rebirth: whether it may be asked for its births.
        reorder_within: how long messages wait for one before them, ns.
    """

    def __init__(
        self, name: str, wanted: Mapping[str, Mapping[str, str]], *, rebirth: bool, reorder_within: int
    ) -> None:
        self._name = name
        self._rebirth = rebirth
        self._wanted = wanted
        self.assets = {device: Asset(device, metrics) for device, metrics in {"": {}, **wanted}.items()}
        self._node = self.assets[""]
        self._sequence: Sequencer[Heard] = Sequencer(reorder_within)
        self._session: int | None = None
        self._ask_at: int | None = None
        self._asked: int | None = None
        self._patience = LEAST_PATIENCE
        self._out: list[Output] = []

    @property
    def due(self) -> int | None:
        """When `tick` has something to do; None: only once a message has come."""
        times = [time for time in (self._sequence.due, self._ask_at) if time is not None]
        return min(times, default=None)

    def connected(self, now: int) -> list[Output]:
        """Begin anew over a new connection to the broker."""
        self._ask_at = now + GRACE if self._rebirth else None
        self._asked, self._patience = None, LEAST_PATIENCE
        return self._taken()

    def cut(self) -> list[Output]:
        """Take note that the connection to the broker is lost: whatever is said meanwhile is not heard."""
        self._ask_at = None
        self._give_up(None)
        for asset in self.assets.values():
            self._apply(asset, Event.CUT)
        return self._taken()

    def tick(self, now: int) -> list[Output]:
        """Do what the time asks for."""
        if self._sequence.due is not None and now >= self._sequence.due:
            self._give_up(now)
        if self._ask_at is not None and now >= self._ask_at:
            self._ask_at = None
            self._ask(now)
        return self._taken()

    def receive(self, heard: Heard, now: int) -> list[Output]:
        """Take a message."""
        if heard.kind is Kind.NBIRTH:
            self._give_up(None)
            self._node_birth(heard)
        elif heard.kind is Kind.NDEATH:
            self._node_death(heard)
        elif self._node.state is not State.LIVE or not heard.payload.HasField("seq"):
            self._handle(heard, now)
        else:
            self._in_order(heard, now)
        return self._taken()

    def expects(self, device: str) -> tuple[Names, int] | None:
        """Return what plain data of a device is read by, and the number of its next message.

        None where such a message would do more than be read: something waits, or a birth does.
        """
        asset, number = self.assets.get(device), self._sequence.next
        if number is None or asset is None or asset.names is None:
            return None
        return (asset.names, number) if asset.state is self._node.state is State.LIVE else None

    def passed(self, number: int) -> None:
        """Take note that messages up to this number were read as `expects` says."""
        self._sequence.start(number)

    def not_named(self, values: Values, count: int, now: int) -> list[Output]:
        """Take note that so many metrics of a message were named by no birth."""
        hint = f"It came from {self._label(self._asset(values.heard.device))}."
        self._out.append(Refused(Reason.UNKNOWN_ALIAS, hint, values.heard, count=count))
        self._ask(now)
        return self._taken()

    # -- order --------------------------------------------------------------------------------------------

    def _in_order(self, heard: Heard, now: int) -> None:
        ready = self._sequence.push(heard.payload.seq, heard, now)
        if ready is None:
            self._give_up(now)
            self._sequence.start(heard.payload.seq)
            self._handle(heard, now)
            return
        for item in ready:
            self._handle(item, now)

    def _give_up(self, now: int | None) -> None:
        """Let what waits pass; without a time there is nothing to be asked for."""
        gap = self._sequence.give_up()
        if not gap.items:
            return
        hint = f"{self._name} has sent {gap.missing} messages that did not arrive."
        self._out.append(Refused(Reason.LOST_AT_SOURCE, hint, gap.items[0], count=max(1, gap.missing)))
        if now is not None and self._rebirth:
            for asset in self.assets.values():
                self._apply(asset, Event.GAP)
            self._ask(now)
        for item in gap.items:
            self._handle(item, now)

    # -- single messages ----------------------------------------------------------------------------------

    def _handle(self, heard: Heard, now: int | None) -> None:
        """Take a message in its turn."""
        if self._apply(self._node, Event.DATA) or self._node.state is State.AWAITED:
            self._ask(now)
        asset = self._asset(heard.device)
        if heard.kind is Kind.DDEATH:
            self._death(asset, heard)
        elif heard.kind is Kind.DBIRTH and self._node.names is not None:
            self._birth(asset, heard)
        elif heard.kind is Kind.DBIRTH:
            self._unexplained(heard)
        else:
            self._data(asset, heard, now)

    def _data(self, asset: Asset, heard: Heard, now: int | None) -> None:
        if self._apply(asset, Event.DATA):
            self._ask(now)
        if asset.names is None:
            self._unexplained(heard)
            return
        doubtful = State.AWAITED in {asset.state, self._node.state}
        self._out.append(Values(heard, asset.names, doubtful))

    def _unexplained(self, heard: Heard) -> None:
        hint = f"{self._label(self._asset(heard.device))} has not been born."
        count = max(1, len(heard.payload.metrics))
        self._out.append(Refused(Reason.BIRTH_AWAITED, hint, heard, count=count))

    def _node_birth(self, heard: Heard) -> None:
        self._session = session_of(heard.payload.metrics)
        self._sequence.start(heard.payload.seq)
        self._ask_at = None
        for device, asset in self.assets.items():
            if device:
                self._apply(asset, Event.NODE_BIRTH)
        self._birth(self._node, heard)

    def _birth(self, asset: Asset, heard: Heard) -> None:
        returned = asset.state is State.STALE and asset.wanted
        self._apply(asset, Event.BIRTH)
        others = {
            alias: device
            for device, other in self.assets.items()
            if other is not asset and other.names is not None
            for alias in other.names.by_alias
        }
        born = asset.bind(heard.payload, others)
        if returned:
            self._out.append(Refused(Reason.CONNECTION_LOST, f"{self._label(asset)} is born again.", heard))
        self._report(asset, born, heard)
        self._out.append(Values(heard, asset.last, doubtful=False))

    def _report(self, asset: Asset, born: Born, heard: Heard) -> None:
        label = self._label(asset)
        if born.unplanned:
            hint = f"The birth of {label} has {born.unplanned} metrics that the plan does not name."
            self._out.append(Refused(Reason.UNKNOWN_SIGNAL, hint, heard, count=born.unplanned))
        for signal in born.missing:
            hint = f"The birth of {label} has no metric of this name; correct the plan's address."
            self._out.append(Refused(Reason.UNKNOWN_NODE, hint, heard, signal))
        for before, after in born.retyped:
            hint = f"{after.name} was of type {before.datatype} and is of type {after.datatype}."
            self._out.append(Refused(Reason.TYPE_CHANGED, hint, heard, after.signal))
        for binding in born.shared:
            hint = f"{binding.name} of {label} shares its alias; it is read by its name alone."
            self._out.append(Refused(Reason.DUPLICATE_ALIAS, hint, heard, binding.signal))

    def _node_death(self, heard: Heard) -> None:
        said = session_of(heard.payload.metrics)
        if None not in {said, self._session} and said != self._session:
            hint = f"{self._name} ended session {said}; it is in session {self._session}."
            self._out.append(Refused(Reason.STALE_DEATH, hint, heard))
            return
        self._give_up(None)
        self._ask_at = None
        for asset in self.assets.values():
            self._death(asset, heard)

    def _death(self, asset: Asset, heard: Heard) -> None:
        if not self._apply(asset, Event.DEATH) or not asset.wanted:
            return
        hint = f"{self._label(asset)} has died; its signals say nothing until it is born again."
        self._out.append(Refused(Reason.CONNECTION_LOST, hint, heard))
        self._out.append(Silenced(tuple(asset.wanted.values()), heard.received))

    # -- bookkeeping --------------------------------------------------------------------------------------

    def _asset(self, device: str) -> Asset:
        known = self.assets.get(device)
        if known is None:
            known = self.assets[device] = Asset(device, self._wanted.get(device, {}))
        return known

    def _apply(self, asset: Asset, event: Event) -> bool:
        changed = asset.apply(event)
        if changed and asset.wanted:
            self._out.append(Stands(asset.device, asset.state))
        return changed

    def _ask(self, now: int | None) -> None:
        """Ask for births, unless that was done a moment ago or must not be done."""
        if now is None or not self._rebirth:
            return
        if self._asked is not None:
            passed = now - self._asked
            if passed < self._patience:
                return
            self._patience = LEAST_PATIENCE if passed > 2 * self._patience else min(2 * self._patience, MOST_PATIENCE)
        self._asked = now
        self._ask_at = None
        self._out.append(Ask())

    def _label(self, asset: Asset) -> str:
        return f"{self._name}/{asset.device}" if asset.device else self._name

    def _taken(self) -> list[Output]:
        out, self._out = self._out, []
        return out
