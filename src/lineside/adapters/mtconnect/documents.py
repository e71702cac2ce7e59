"""The three documents of an MTConnect agent, read from untrusted XML.

Source: MTConnect Standard, Part 1 (headers, errors) and Part 3 (streams), versions 1.2 to 2.6: they differ in their
namespaces, which are left out of account here, and in the form of errors, of which only the code is read.
Declarations of document types and entities are refused; only the levels that the standard has are looked into.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

DEEPEST: Final = 64
"""Levels of components within a device."""
_ENCODING: Final = re.compile(rb"""\s*<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""")
_PLAIN: Final = frozenset({b"utf-8", b"us-ascii", b"ascii"})


class DocumentError(Exception):
    """The answer is no document of MTConnect."""


class AgentError(Exception):
    """The agent answered with errors; ``code`` is the first one's."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Header:
    """Which run of the agent speaks, and which sequence numbers its buffer holds; 0 where it does not say."""

    instance: str
    first: int = 0
    last: int = 0
    next: int = 0


@dataclass(frozen=True, slots=True)
class DataItem:
    """What an agent says of one of its data items."""

    id: str
    name: str
    category: str
    kind: str
    units: str
    representation: str


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation; ``value`` is its text, of a condition its state; ``series`` is the rate of a time series.

    ``composite`` says that it is a data set or a table.
    """

    item: str
    name: str
    sequence: int
    timestamp: str
    value: str
    condition: bool = False
    composite: bool = False
    series: float = 0.0

    @property
    def raw(self) -> bytes:
        """The observation in a readable form."""
        return f"{self.sequence} {self.timestamp} {self.item} {self.value}".encode(errors="replace")


def read_devices(body: bytes) -> tuple[Header, list[DataItem]]:
    """Return the header and the data items of the answer to a probe request.

    Raises:
        DocumentError: it is none.
        AgentError: the agent answered with errors.
    """
    root = _root(body, "MTConnectDevices")
    found: list[DataItem] = []
    waiting = [(element, 0) for element in root]
    while waiting:
        element, depth = waiting.pop()
        if depth > DEEPEST:
            raise DocumentError(f"components are nested deeper than {DEEPEST} levels")
        if _name(element) == "DataItem":
            found.append(_data_item(element))
        waiting += [(child, depth + 1) for child in element]
    return _header(root), found


def read_streams(body: bytes, wanted: Container[str] | None = None) -> tuple[Header, list[Observation]]:
    """Return the header and the observations of the answer to a current or sample request, by their sequence.

    Those of data items that are not ``wanted`` (by id; None: all are) are passed over.

    Raises:
        DocumentError: it is none.
        AgentError: the agent answered with errors.
    """
    root = _root(body, "MTConnectStreams")
    found = [
        _observation(element, condition)
        for element, condition in _observations(root)
        if wanted is None or element.get("dataItemId") in wanted
    ]
    return _header(root), sorted(found, key=lambda item: item.sequence)


def _root(body: bytes, wanted: str) -> Element:
    try:
        root = _parsed(body)
    except DefusedXmlException as error:
        raise DocumentError(f"declarations are not taken: {error}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise DocumentError(f"not XML: {error}") from error
    name = _name(root)
    if name == "MTConnectError":
        raise _error_in(root)
    if name != wanted:
        raise DocumentError(f"{wanted} was asked for and {name[:60]} came")
    return root


def _parsed(body: bytes) -> Element:
    """Return the root of a document, without ever taking a declaration from it.

    A document in plain UTF-8 in which no document type is declared can declare no entities, and is read by the quick
    parser; any other is read by the one that looks at every declaration, at twice the time.
    """
    named = _ENCODING.match(body[:200])
    plain = b"\0" not in body and (named is None or named[1].lower() in _PLAIN)
    if plain and b"<!DOCTYPE" not in body:
        return ET.fromstring(body)  # noqa: S314 - as above
    root: Element = fromstring(body, forbid_dtd=True)
    return root


def _error_in(root: Element) -> AgentError:
    for element in root.iter():
        code = element.get("errorCode")
        if code:
            return AgentError(code, " ".join("".join(element.itertext()).split())[:200])
    return AgentError("UNKNOWN", "")


def _header(root: Element) -> Header:
    for element in root:
        if _name(element) == "Header":
            numbers = [_whole(element.get(key)) for key in ("firstSequence", "lastSequence", "nextSequence")]
            return Header(element.get("instanceId", ""), *numbers)
    raise DocumentError("there is no header")


def _observations(root: Element) -> Iterator[tuple[Element, bool]]:
    """Yield the observations at their place: Streams, DeviceStream, ComponentStream, Samples or Events or Condition."""
    for streams in root:
        for device in streams:
            for component in device:
                for group in component:
                    condition = _name(group) == "Condition"
                    for element in group:
                        yield element, condition


def _observation(element: Element, condition: bool) -> Observation:  # noqa: FBT001 - of two kinds
    name, text = _name(element), (element.text or "").strip()
    rate = _number(element.get("sampleRate")) if element.get("sampleCount") is not None else 0.0
    return Observation(
        item=element.get("dataItemId", ""),
        name=element.get("name", ""),
        sequence=_whole(element.get("sequence")),
        timestamp=element.get("timestamp", ""),
        value=name.upper() if condition else text,
        condition=condition,
        composite=len(element) > 0 or name.endswith(("DataSet", "Table")),
        series=rate,
    )


def _data_item(element: Element) -> DataItem:
    return DataItem(
        id=element.get("id", ""),
        name=element.get("name", ""),
        category=element.get("category", ""),
        kind=element.get("type", ""),
        units=element.get("units", ""),
        representation=element.get("representation", "VALUE"),
    )


def _name(element: Element) -> str:
    return _local(str(element.tag))


@lru_cache(maxsize=1024)
def _local(tag: str) -> str:
    """Return a name without its namespace; the same few come again and again."""
    return tag.rpartition("}")[2]


def _whole(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 19 else 0


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
