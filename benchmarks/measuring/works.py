"""The nouns of a measurement: works, the subjects that do them, and the figures that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

OWN = ""
"""The environment of Lineside itself."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who does a work: `lineside`, `limit` or a peer.

    ``module`` is a file of `benchmarks/subjects` with a function ``prepare(work)`` that returns a callable of no
    arguments, which does the work once and returns ``{"value": ..., ...}``. ``environment`` names a file of
    `benchmarks/peers`. A subject that cannot do its work twice in one process is started afresh every time.
    """

    name: str
    module: str
    environment: str = OWN
    afresh: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One thing to measure, and all who do it; ``parameters`` reach every subject."""

    name: str
    unit: str
    better: Literal["higher", "lower"]
    subjects: tuple[Subject, ...]
    parameters: Mapping[str, object] = field(default_factory=dict)
    setup: str = ""
    """Module of `benchmarks/subjects` whose ``make(folder)`` writes what the subjects share; done once per run."""
    repetitions: int = 5
    cores: int = 1
    compare: str = ""
    """Key of the results in which all subjects should agree with the first, within a part in a million; a subject with
    options of its own does another amount of work and is not compared."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The median of a subject at a work, with the single values and what it said beside them."""

    work: Work
    subject: str
    value: float
    values: tuple[float, ...]
    remarks: Mapping[str, object]

    def row(self) -> dict[str, object]:
        """Return the figure as a row of `bench.json`."""
        return {
            "work": self.work.name,
            "subject": self.subject,
            "value": self.value,
            "unit": self.work.unit,
            "better": self.work.better,
        }


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A subject that could not be measured, and why."""

    work: str
    subject: str
    reason: str
