"""A small MTConnect agent in this process: probe, current and sample in the standard's form, of version 1 or 2.

It has the signals of `lineside.testing.plans` as data items, and forgets everything when it is started anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lineside.testing.peers.http import HttpPeer, HttpReply, HttpRequest

ITEMS: Final = {"temperature": "x_temp", "pressure": "x_press", "running": "exec=ACTIVE", "serial": "part"}
"""The addresses of the signals: an id, a name, a state, and a name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A data item: its id, name, element, group of the stream, and attributes of the probe."""

    id: str
    name: str
    element: str
    group: str
    more: str = ""


DEVICE: Final = (
    Item(id="x_temp", name="Xtemp", element="Temperature", group="Samples", more='units="CELSIUS" type="TEMPERATURE"'),
    Item(id="p1", name="x_press", element="Pressure", group="Samples", more='units="PASCAL" type="PRESSURE"'),
    Item(id="exec", name="", element="Execution", group="Events", more='type="EXECUTION"'),
    Item(id="part_id", name="part", element="PartId", group="Events", more='type="PART_ID"'),
    Item(id="vars", name="vars", element="VariableDataSet", group="Events", more='representation="DATA_SET"'),
    Item(id="trace", name="trace", element="PressureTimeSeries", group="Samples", more='representation="TIME_SERIES"'),
    Item(id="cooling", name="cooling", element="", group="Condition", more='type="TEMPERATURE"'),
)


@dataclass(frozen=True, slots=True)
class _Observed:
    sequence: int
    item: Item
    time: int
    value: str
    more: str


class MtconnectPeer:
    """An agent whose buffer holds ``size`` observations.

    Args:
        version: of the documents' namespaces.
        size: observations that its buffer holds.
    """

    def __init__(self, *, version: str = "1.3", size: int = 1000) -> None:
        self.http = HttpPeer(self._answer)
        self.broken = b""
        """What is answered instead of every document, if anything."""
        self._version = version
        self._size = size
        self._runs = count(1_700_000_000)
        self._begin()

    @property
    def url(self) -> str:
        """The address, as a plan writes it."""
        return self.http.url

    async def start(self) -> None:
        """Begin to listen."""
        await self.http.start()

    async def stop(self) -> None:
        """Stop listening; the buffer stays."""
        await self.http.stop()

    def forget(self) -> None:
        """Be as after a new start of the process: another instance, an empty buffer."""
        self._begin()

    def observe(self, item: str, time: int, value: str, more: str = "") -> None:
        """Add an observation of an item (by id) at a time (UTC ns); ``more`` are further attributes."""
        found = next(one for one in DEVICE if one.id == item)
        self._buffer.append(_Observed(self._next, found, time, value, more))
        self._next += 1
        del self._buffer[: -self._size]
        self._current[item] = self._buffer[-1]

    def send(self, signal: str, time: int, value: object) -> None:
        """Observe a value of one of the plan's signals."""
        item = {"temperature": "x_temp", "pressure": "p1", "running": "exec", "serial": "part_id"}[signal]
        text = ("ACTIVE" if value else "READY") if isinstance(value, bool) else str(value)
        self.observe(item, time, text)

    def _begin(self) -> None:
        self._instance = next(self._runs)
        self._next = 1
        self._buffer: list[_Observed] = []
        self._current: dict[str, _Observed] = {}

    @property
    def first(self) -> int:
        """The number of the oldest observation in the buffer."""
        return self._buffer[0].sequence if self._buffer else self._next

    # -- documents ----------------------------------------------------------------------------------------

    def _answer(self, request: HttpRequest) -> HttpReply:
        if self.broken:
            return HttpReply(body=self.broken)
        what = request.path.rpartition("/")[2]
        if what == "probe":
            return HttpReply(body=self._document("Devices", self._devices(), self._next))
        if what == "current":
            return self._state(request)
        if what == "sample":
            return self._sample(request)
        return HttpReply(status=404, body=self._error("UNSUPPORTED", f"{what} is not known"))

    def _state(self, request: HttpRequest) -> HttpReply:
        at = request.query.get("at")
        chosen = list(self._current.values())
        if at is not None:
            if not self.first <= int(at) < self._next:
                return HttpReply(status=404, body=self._error("OUT_OF_RANGE", f"'at' {at} is not in the buffer"))
            newest = {item.item.id: item for item in self._buffer if item.sequence <= int(at)}
            chosen = list(newest.values())
        return HttpReply(body=self._document("Streams", _streams(chosen), self._next))

    def _sample(self, request: HttpRequest) -> HttpReply:
        start, most = int(request.query.get("from", self.first)), int(request.query.get("count", 100))
        if not self.first <= start <= self._next:
            return HttpReply(status=404, body=self._error("OUT_OF_RANGE", f"'from' must be at least {self.first}"))
        chosen = [item for item in self._buffer if item.sequence >= start][:most]
        following = chosen[-1].sequence + 1 if chosen else self._next
        return HttpReply(body=self._document("Streams", _streams(chosen), following))

    def _document(self, kind: str, content: str, following: int) -> bytes:
        sequences = f'firstSequence="{self.first}" lastSequence="{self._next - 1}" nextSequence="{following}"'
        return self._wrapped(kind, f"<{kind}>{content}</{kind}>", "" if kind == "Devices" else sequences)

    def _error(self, code: str, text: str) -> bytes:
        if self._version >= "2.6":
            inner = f'<OutOfRange errorCode="{code}"><ErrorMessage>{escape(text)}</ErrorMessage></OutOfRange>'
        else:
            inner = f'<Error errorCode="{code}">{escape(text)}</Error>'
        return self._wrapped("Error", f"<Errors>{inner}</Errors>", "")

    def _wrapped(self, kind: str, content: str, sequences: str) -> bytes:
        name = f"MTConnect{kind}"
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="urn:mtconnect.org:{name}:{self._version}">'
            f'<Header creationTime="2026-01-01T00:00:00Z" sender="peer" instanceId="{self._instance}" '
            f'version="{self._version}.0.1" bufferSize="{self._size}" {sequences}/>{content}</{name}>'
        ).encode()

    def _devices(self) -> str:
        items = "".join(
            f'<DataItem id="{item.id}"{f" name={quoteattr(item.name)}" if item.name else ""} '
            f'category="{item.group.rstrip("s").upper()}" {item.more}/>'
            for item in DEVICE
        )
        return (
            '<Device id="d1" name="press" uuid="p-1"><Components><Axes id="a1"><Components><Linear id="x" name="X">'
            f"<DataItems>{items}</DataItems></Linear></Components></Axes></Components></Device>"
        )


def _streams(chosen: Sequence[_Observed]) -> str:
    groups: dict[str, list[str]] = {}
    for observed in chosen:
        groups.setdefault(observed.item.group, []).append(_element(observed))
    inner = "".join(f"<{group}>{''.join(elements)}</{group}>" for group, elements in groups.items())
    return (
        '<DeviceStream name="press" uuid="p-1"><ComponentStream component="Linear" name="X" componentId="x">'
        f"{inner}</ComponentStream></DeviceStream>"
    )


def _element(observed: _Observed) -> str:
    item = observed.item
    seconds, rest = divmod(observed.time, 1_000_000_000)
    stamp = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
    name = f" name={quoteattr(item.name)}" if item.name else ""
    attributes = f'dataItemId="{item.id}" timestamp="{stamp}" sequence="{observed.sequence}"{name} {observed.more}'
    tag = observed.value.capitalize() if item.group == "Condition" else item.element
    text = "" if item.group == "Condition" else observed.value
    if item.element.endswith("DataSet"):
        return f'<{tag} {attributes}><Entry key="a">{escape(text)}</Entry></{tag}>'
    return f"<{tag} {attributes}>{escape(text)}</{tag}>"
