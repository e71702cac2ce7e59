"""Figures that a process gives of itself and of the line: one source for whatever carries them to where they are seen.

Names follow Prometheus' conventions: base units in the name; what only grows is a counter (its ``_total`` is put on
where the form of the carrier wants it). No label names a person, a serial or an alert, so that the number of series is
bounded by the plan, the gateways and the models kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Figure:
    """A named figure with one value for each combination of its ``labels``; ``counter``: it only grows."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    counter: bool = False
    values: list[tuple[tuple[str, ...], float]] = field(default_factory=list)

    def add(self, labels: tuple[str, ...], value: float) -> None:
        """Give the value for these values of the labels."""
        self.values.append((labels, float(value)))


def single(name: str, help_: str, value: float) -> Figure:
    """Return a figure without labels."""
    return Figure(name, help_, values=[((), float(value))])
