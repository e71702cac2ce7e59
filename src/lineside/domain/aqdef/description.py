"""What a file says of parts and characteristics, before any value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ATTRIBUTIVE: Final = frozenset({"1", "5", "6"})
"""K2004 of characteristics that are counted, not measured: attribute (1), error log sheet (5, 6)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part: its index in the file and its fields (K1001 number, K1002 name, ...)."""

    index: int
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Characteristic:
    """A characteristic: its index in the file (through all parts), its part's, and its fields (K2001 number, ...)."""

    index: int
    part: int
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """By what it may be called: its name (K2002) and its number (K2001), where they are there."""
        return tuple(self.fields[key] for key in ("K2002", "K2001") if self.fields.get(key))

    @property
    def is_attributive(self) -> bool:
        """Whether it is counted (K0021 of K0020 nonconforming), not measured."""
        return self.fields.get("K2004", "") in ATTRIBUTIVE


@dataclass(slots=True)
class Description:
    """All that a file has said of parts and characteristics so far; what is said of index 0 holds for all."""

    parts: dict[int, dict[str, str]] = field(default_factory=dict)
    characteristics: dict[int, dict[str, str]] = field(default_factory=dict)
    part_of: dict[int, int] = field(default_factory=dict)

    def part(self, index: int) -> Part:
        """Return a part with all that holds for it."""
        return Part(index=index, fields=self.parts.get(0, {}) | self.parts.get(index, {}))

    def characteristic(self, index: int) -> Characteristic:
        """Return a characteristic with all that holds for it; raises `KeyError` where there is none."""
        common, own = self.characteristics.get(0, {}), self.characteristics[index]
        return Characteristic(index=index, part=self.part_of[index], fields=common | own)

    @property
    def indices(self) -> tuple[int, ...]:
        """The indices of the characteristics, ascending."""
        return tuple(sorted(index for index in self.characteristics if index))

    def columns(self) -> dict[str, tuple[int, ...]]:
        """Return the characteristics by each of their names (K2002, K2001), through all parts."""
        columns: dict[str, list[int]] = {}
        for index in self.indices:
            for name in self.characteristic(index).names:
                columns.setdefault(name, []).append(index)
        return {name: tuple(indices) for name, indices in columns.items()}
