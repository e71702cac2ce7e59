"""What the rules of the lint look at: a plan with its names looked up once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from lineside.domain.plan.findings import Finding, Path, Severity, did_you_mean
from lineside.domain.plan.model import Characteristic, Plan, Reaction, Signal, SourceSpec, Station


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A plan, its things by id, and the time zones that exist."""

    plan: Plan
    zones: Collection[str]
    sources: dict[str, SourceSpec] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)
    signals: dict[str, Signal] = field(default_factory=dict)
    characteristics: dict[str, Characteristic] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, zones: Collection[str]) -> View:
        """Return the view of a plan; of things with one id, the last is seen."""
        return cls(
            plan=plan,
            zones=zones,
            sources={item.id: item for item in plan.sources},
            stations={item.id: item for item in plan.stations},
            signals={item.id: item for item in plan.signals},
            characteristics={item.id: item for item in plan.characteristics},
        )

    def reactions_to(self, characteristic: str, when: str) -> Iterator[tuple[int, Reaction]]:
        """Yield the reactions to a characteristic on an occasion, with their positions."""
        for position, reaction in enumerate(self.plan.reactions):
            if reaction.characteristic == characteristic and reaction.when == when:
                yield position, reaction


def warning(
    code: str, path: Path, problem: str, *, found: object = None, choices: Collection[str] = (), next_step: str = ""
) -> Finding:
    """Return a finding that wants a look."""
    return _finding(Severity.WARNING, code, path, problem, found, choices, next_step)


def mistake(
    code: str, path: Path, problem: str, *, found: object = None, choices: Collection[str] = (), next_step: str = ""
) -> Finding:
    """Return a finding that stops the plan from being used."""
    return _finding(Severity.ERROR, code, path, problem, found, choices, next_step)


def unknown(path: Path, kind: str, name: str, known: Collection[str]) -> Finding:
    """Return the finding that a name refers to nothing, with the names that exist and the nearest of them."""
    near = did_you_mean(name, known)
    return mistake("unknown-name", path, f"no such {kind}", found=name, choices=tuple(known), next_step=near)


def _finding(
    severity: Severity, code: str, path: Path, problem: str, found: object, choices: Collection[str], next_step: str
) -> Finding:
    return Finding(
        code=code,
        path=path,
        problem=problem,
        severity=severity,
        found="" if found is None else repr(found),
        choices=tuple(choices),
        next_step=next_step,
    )
