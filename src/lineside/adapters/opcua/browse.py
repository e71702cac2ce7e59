"""Walks the address space of a server, breadth first and within bounds, and finds its variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from lineside.adapters.opcua.session import Session
from lineside.domain.plan.draft.nodes import Browsed, BrowseLimits, FoundNode

NODES_PER_CALL: Final = 100
VISITS_PER_FOUND: Final = 20
"""So many nodes are looked at, at most, for each variable that is wanted at most."""
_OBJECTS: Final = ua.NodeId.from_string(f"i={ObjectIds.ObjectsFolder}")
_SERVER: Final = ua.NodeId.from_string(f"i={ObjectIds.Server}")
_HIERARCHICAL: Final = ua.NodeId.from_string(f"i={ObjectIds.HierarchicalReferences}")
_PROPERTY: Final = ua.NodeId.from_string(f"i={ObjectIds.HasProperty}")
_READABLE: Final = 0x01
"""CurrentRead of UserAccessLevel (Part 3, 8.57)."""
_NUMBERS: Final = frozenset(range(2, 12)) | {26, 27, 28, 29, 50, 290}
"""Data types SByte to Double, Number, Integer, UInteger, Enumeration, Decimal, Duration (Part 6, 5.1.2)."""
_TEXTS: Final = frozenset({12, 14, 20, 21})
"""Data types String, Guid, QualifiedName, LocalizedText."""
_BOOLEAN: Final = 1


@dataclass(kw_only=True, slots=True)
class _Variable:
    """A variable on the way, with the nodes of its properties by name."""

    node: Any
    path: tuple[str, ...]
    properties: dict[str, Any] = field(default_factory=dict)


async def browse(session: Session, limits: BrowseLimits) -> Browsed:
    """Return the variables below the server's objects, but for those that speak of the server itself.

    Raises:
        ConnectionError: the server does not answer.
    """
    variables, cut = await _walk(session, limits)
    left_out: Counter[str] = Counter()
    chosen: list[_Variable] = []
    for variable in variables:
        if not limits.wants(variable.path):
            left_out["of another name"] += 1
        elif len(chosen) >= limits.most:
            cut = True
            break
        else:
            chosen.append(variable)
    nodes = [node async for node in _described(session, chosen, left_out)]
    return Browsed(nodes=tuple(nodes), left_out=dict(left_out), cut=cut)


async def _walk(session: Session, limits: BrowseLimits) -> tuple[list[_Variable], bool]:
    """Return all variables in the order in which they are met, and whether a bound ended the walk.

    What lies one step below the deepest variables is looked at for their properties alone.
    """
    variables: dict[Any, _Variable] = {}
    seen = {_SERVER}
    level: list[tuple[Any, tuple[str, ...]]] = [(_OBJECTS, ())]
    for depth in range(limits.depth + 1):
        below: list[tuple[Any, tuple[str, ...]]] = []
        for parent, path, reference in await _references(session, level):
            node, name = reference.NodeId, str(reference.BrowseName.Name)
            if reference.ReferenceTypeId == _PROPERTY:
                if parent in variables:
                    variables[parent].properties[name] = node
            elif node not in seen:
                if depth == limits.depth or len(seen) > VISITS_PER_FOUND * limits.most:
                    return list(variables.values()), True
                seen.add(node)
                below.append((node, (*path, name)))
                if reference.NodeClass == ua.NodeClass.Variable:
                    variables[node] = _Variable(node=node, path=(*path, name))
        level = below
    return list(variables.values()), False


async def _references(
    session: Session, level: Sequence[tuple[Any, tuple[str, ...]]]
) -> list[tuple[Any, tuple[str, ...], Any]]:
    """Return what hangs below the nodes of a level, each with its parent and the path of that."""
    found = []
    per_call = await session.limit("MaxNodesPerBrowse", NODES_PER_CALL)
    for start in range(0, len(level), per_call):
        piece = level[start : start + per_call]
        params = ua.BrowseParameters()
        params.View.Timestamp = ua.get_win_epoch()
        params.RequestedMaxReferencesPerNode = 1000
        params.NodesToBrowse = [_description(node) for node, _ in piece]
        results = await session.ask(session.client.uaclient.browse(params))
        for (node, path), result in zip(piece, results, strict=True):
            references = list(result.References or ())
            while result.ContinuationPoint:
                more = ua.BrowseNextParameters(
                    ReleaseContinuationPoints=False, ContinuationPoints=[result.ContinuationPoint]
                )
                [result] = await session.ask(session.client.uaclient.browse_next(more))  # noqa: PLW2901 - its rest
                references += result.References or ()
            found += [(node, path, reference) for reference in references]
    return found


def _description(node: Any) -> Any:
    wanted = ua.BrowseDescription()
    wanted.NodeId = node
    wanted.BrowseDirection = ua.BrowseDirection.Forward
    wanted.ReferenceTypeId = _HIERARCHICAL
    wanted.IncludeSubtypes = True
    wanted.NodeClassMask = ua.NodeClass.Object | ua.NodeClass.Variable
    wanted.ResultMask = ua.BrowseResultMask.All
    return wanted


async def _described(
    session: Session, variables: Sequence[_Variable], left_out: Counter[str]
) -> AsyncIterator[FoundNode]:
    """Yield the variables that can be signals, with what their properties say; count the others by reason."""
    attributes = (AttributeIds.DataType, AttributeIds.ValueRank, AttributeIds.UserAccessLevel, AttributeIds.Value)
    asked = [(item.node, attribute) for item in variables for attribute in attributes]
    said = [_value(data) for data in await session.read_attributes(asked)]
    properties = [(item, name) for item in variables for name in ("EURange", "EngineeringUnits")]
    wanted = [(item.properties[name], AttributeIds.Value) for item, name in properties if name in item.properties]
    values = iter([_value(data) for data in await session.read_attributes(wanted)])
    for position, item in enumerate(variables):
        data_type, rank, access, value = said[4 * position : 4 * position + 4]
        span = _span(next(values)) if "EURange" in item.properties else None
        unit, number = _unit(next(values)) if "EngineeringUnits" in item.properties else ("", None)
        kind = _type(data_type, value)
        if isinstance(access, int) and not access & _READABLE:
            left_out["not readable for this user"] += 1
        elif (isinstance(rank, int) and rank >= 0) or isinstance(value, list):
            left_out["an array"] += 1
        elif kind is None:
            left_out["neither number, truth value nor text"] += 1
        else:
            identity = item.node.to_string()
            yield FoundNode(path=item.path, node_id=identity, type=kind, unit=unit, unit_id=number, span=span)


def _value(data: Any) -> Any:
    return None if data.Value is None else data.Value.Value


def _type(data_type: Any, value: object) -> Literal["number", "boolean", "text"] | None:
    """Return the type of a variable by its data type, or by its value where that is one of the server's own."""
    known = data_type.Identifier if data_type is not None and data_type.NamespaceIndex == 0 else None
    if known == _BOOLEAN or (known is None and isinstance(value, bool)):
        return "boolean"
    if known in _NUMBERS or (known is None and isinstance(value, int | float)):
        return "number"
    return "text" if known in _TEXTS or (known is None and isinstance(value, str)) else None


def _span(value: Any) -> tuple[float, float] | None:
    low, high = getattr(value, "Low", None), getattr(value, "High", None)
    if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
        return float(low), float(high)
    return None


def _unit(value: Any) -> tuple[str, int | None]:
    name, number = getattr(value, "DisplayName", None), getattr(value, "UnitId", None)
    return str(getattr(name, "Text", None) or ""), number if isinstance(number, int) else None
