"""Value sets to the lines of an AQDEF file, in the compact form or as K-fields: the counterpart of the reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lineside.domain.aqdef.description import Characteristic, Part
from lineside.domain.aqdef.reading import CHARACTERISTICS, COUNTED, FIELDS, MEASURED, ValueSet


def write(
    parts: Sequence[Part], characteristics: Sequence[Characteristic], sets: Iterable[ValueSet], *, compact: bool
) -> Iterator[str]:
    """Yield the lines of a file, without their ends; fields that the compact form has no place for are left out."""
    kinds = {item.index: item for item in characteristics}
    yield f"K0100 {len(characteristics)}"
    for part in parts:
        yield from (f"{key}/{part.index} {content}" for key, content in part.fields.items())
        for item in characteristics:
            if item.part == part.index:
                yield from (f"{key}/{item.index} {content}" for key, content in item.fields.items())
    for found in sets:
        if compact:
            yield _compact(characteristics, found)
        else:
            for index, fields in found.values.items():
                order = _order(kinds[index])
                known = sorted(fields, key=lambda key: (order.index(key) if key in order else len(order), key))
                yield from (f"{key}/{index} {fields[key]}" for key in known)


def _compact(characteristics: Sequence[Characteristic], found: ValueSet) -> str:
    pieces = []
    for item in sorted(characteristics, key=lambda item: item.index):
        fields = found.values.get(item.index, {})
        pieces.append(FIELDS.decode().join(fields.get(key, "") for key in _order(item)))
    return CHARACTERISTICS.decode().join(pieces)


def _order(item: Characteristic) -> tuple[str, ...]:
    """Return the order of the fields: what is measured or counted comes first, since it begins the next value."""
    return COUNTED if item.is_attributive else MEASURED
