"""What a server still knows of the time of a gap: HistoryRead of raw values (Part 11, 6.4.3), page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaStatusCodeError

from lineside.adapters.opcua.refusals import Refused, RefusedError
from lineside.adapters.opcua.session import Session, node_id, said
from lineside.adapters.opcua.values import Change, change_of, nanoseconds

VALUES_PER_PAGE: Final = 200
NODES_PER_CALL: Final = 10
"""Small pages: the library decodes each at a stretch (some 15 us a value), and what is live waits meanwhile."""
_HISTORY: Final = 0x04
"""HistoryRead of UserAccessLevel (Part 3, 8.57)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(kw_only=True, slots=True)
class _Stretch:
    """What is still to be read of one node: from when on, and where the server said that it goes on."""

    signal: str
    node: Any
    start: datetime
    point: bytes | None = None


async def with_history(session: Session, nodes: Mapping[str, str]) -> tuple[str, ...]:
    """Return the signals whose nodes have a history that we may read.

    Raises:
        ConnectionError: the server does not answer.
    """
    signals = list(nodes)
    levels = await session.read_attributes([(node_id(nodes[key]), AttributeIds.UserAccessLevel) for key in signals])
    values = [None if data.Value is None else data.Value.Value for data in levels]
    return tuple(key for key, level in zip(signals, values, strict=True) if isinstance(level, int) and level & _HISTORY)


async def read_history(
    session: Session, nodes: Mapping[str, str], since: int, until: int
) -> AsyncIterator[tuple[Change, ...]]:
    """Yield the raw values of nodes between two times (UTC nanoseconds, inclusive), a page of several nodes at once.

    Args:
        session: an open session.
        nodes: node ids by signal; the values of one node come in order.
        since: from when on.
        until: to when.

    Raises:
        RefusedError: the server's history fails; the connection stands.
        ConnectionError: the server does not answer.
    """
    per_call = await session.limit("MaxNodesPerHistoryReadData", NODES_PER_CALL)
    left = [_Stretch(signal=key, node=node_id(text), start=_moment(since)) for key, text in nodes.items()]
    while left:
        # The time is one for the whole request.
        piece = [item for item in left if item.start == left[0].start][:per_call]
        left = [item for item in left if item not in piece]
        results = await _ask(session, piece, _moment(until))
        changes: list[Change] = []
        for stretch, result in zip(piece, results, strict=True):
            values = _values(result)
            changes += [change_of(stretch.signal, data) for data in values]
            rest = _rest(stretch, result, values)
            left = [rest, *left] if rest is not None else left
        yield tuple(changes)


async def _ask(session: Session, piece: Sequence[_Stretch], until: datetime) -> Any:
    """Ask for the next page of nodes of which the same time is still to be read."""
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=piece[0].start,
        EndTime=until,
        NumValuesPerNode=VALUES_PER_PAGE,
        ReturnBounds=False,
    )
    params = ua.HistoryReadParameters()
    params.HistoryReadDetails = details
    params.TimestampsToReturn = ua.TimestampsToReturn.Both
    params.ReleaseContinuationPoints = False
    params.NodesToRead = [ua.HistoryReadValueId(NodeId=item.node, ContinuationPoint=item.point) for item in piece]
    try:
        return await session.client.uaclient.history_read(params)
    except UaStatusCodeError as error:
        raise RefusedError(said(error), Refused("history", "look into the server's log")) from error
    except Exception as error:  # the library stumbles in many ways
        raise ConnectionError(said(error)) from error


def _values(result: Any) -> list[Any]:
    """Return the data values of a result; none where the server has none or refuses."""
    if result.StatusCode is not None and not result.StatusCode.is_good():
        return []
    return list(getattr(result.HistoryData, "DataValues", None) or ())


def _rest(stretch: _Stretch, result: Any, values: Sequence[Any]) -> _Stretch | None:
    """Return what is left to read of a node; a server that fills a page and names no next one is asked from there."""
    if result.ContinuationPoint:
        return _Stretch(signal=stretch.signal, node=stretch.node, start=stretch.start, point=result.ContinuationPoint)
    if len(values) < VALUES_PER_PAGE:
        return None
    last = nanoseconds(values[-1].SourceTimestamp or values[-1].ServerTimestamp)
    if last is None or _moment(last) <= stretch.start:
        return None
    return _Stretch(signal=stretch.signal, node=stretch.node, start=_moment(last))


def _moment(nanosecond: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanosecond // 1000)
