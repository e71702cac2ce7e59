"""What it takes to put a changed plan into force at a gateway that runs.

Three measures, the mildest that does: what people see and do, limits of time and levels are exchanged under way; a
source whose address, pace or signals changed is opened anew, alone; and whatever a model's answer, the set of signals
or the buffer depends on waits for the next start, because the past of a running line would not fit it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.digest import judging_digest
from lineside.domain.plan.model import Plan

_CAUSE: Final = ("id", "characteristic", "when", "signals", "classes")
"""Fields of a reaction by which a model names the cause; the others are for people."""
_FOR_PEOPLE: Final = frozenset({"name", "setting", "guessed"})
"""Fields of a signal that no source and no model looks at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """How a plan is put in the place of another: sources to open anew, and what waits for the next start, in words."""

    changed: bool = True
    sources: tuple[str, ...] = ()
    next_start: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What is done, in one sentence."""
        if self.next_start:
            return f"waits for the next start: {'; '.join(self.next_start)}"
        if self.sources:
            return f"in force; opened anew: {', '.join(self.sources)}"
        return "in force"


def how_applied(old: Plan, new: Plan) -> Application:
    """Return what it takes to run ``new`` where ``old`` runs; both are plans of one line."""
    if old == new:
        return Application(changed=False)
    reasons = tuple(_reasons(old, new))
    if reasons:
        return Application(next_start=reasons)
    return Application(sources=tuple(spec.id for spec in new.sources if _source(old, spec.id) != _source(new, spec.id)))


def _reasons(old: Plan, new: Plan) -> list[str]:
    checks = (
        ("models must be made for what is judged now", judging_digest(old) != judging_digest(new)),
        ("other signals", catalogue_for(old).digest != catalogue_for(new).digest),
        ("other sources", [(s.id, s.kind) for s in old.sources] != [(s.id, s.kind) for s in new.sources]),
        ("signals come from other sources", _origins(old) != _origins(new)),
        ("causes are named otherwise", _causes(old) != _causes(new)),
        ("the gateway's own limits", old.gateway != new.gateway),
    )
    return [reason for reason, differs in checks if differs]


def _origins(plan: Plan) -> list[tuple[str, str]]:
    return [(signal.id, signal.source) for signal in plan.signals]


def _causes(plan: Plan) -> list[dict[str, Any]]:
    return [{key: value for key, value in item.model_dump().items() if key in _CAUSE} for item in plan.reactions]


def _source(plan: Plan, source: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return everything that a source's adapter goes by."""
    signals = [item.model_dump(exclude=set(_FOR_PEOPLE)) for item in plan.signals if item.source == source]
    return plan.source(source).model_dump(exclude={"name"}), signals
