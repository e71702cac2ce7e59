"""Rules about characteristics: specification, classes, models and measurement agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineside.domain.features.recipe import signals_of
from lineside.domain.outcomes import AGREED
from lineside.domain.plan.findings import Finding, Path
from lineside.domain.plan.model import (
    Characteristic,
    CharacteristicKind,
    ConditionsWish,
    ModelFamily,
    Role,
    Signal,
    SignalType,
)
from lineside.domain.plan.view import View, mistake, unknown, warning
from lineside.domain.units import format_duration

GRR_LIMIT: Final = 30.0
"""Percent of the tolerance above which a gauge is not acceptable (AIAG MSA)."""
KAPPA_LIMIT: Final = 0.4
"""Agreement below which an attribute gauge is poor (AIAG MSA)."""
LEAST_DECISIONS: Final = 0.9
"""Share of equal decisions in a class below which a device may lose much of that class unnoticed."""
_SUMMED: Final = (
    ModelFamily.AUTO,
    ModelFamily.NORMAL,
    ModelFamily.ROBUST,
    ModelFamily.INNOVATION,
    ModelFamily.CVA,
)
"""Families whose deviations a cumulative sum is made of."""
_UNITS: Final = {"°c": "degc", "c": "degc", "celsius": "degc", "°f": "degf", "k": "kelvin", "percent": "%", "n·m": "nm"}


def something_is_judged(view: View) -> Iterator[Finding]:
    """The plan has a characteristic."""
    if not view.plan.characteristics:
        yield warning("no-characteristic", ("characteristics",), "nothing is judged", next_step="add a characteristic")


def variables_have_limits(view: View) -> Iterator[Finding]:
    """A variable has specification limits in order, and an attribute has none."""
    for position, item in enumerate(view.plan.characteristics):
        path: Path = ("characteristics", position)
        spec = item.specification
        if item.kind is CharacteristicKind.ATTRIBUTE:
            if spec is not None and not item.classes:
                yield warning(
                    "specification-unused",
                    (*path, "specification"),
                    "neither limits nor classes decide: an attribute conforms or not",
                )
            continue
        if spec is None or (spec.lsl is None and spec.usl is None):
            yield mistake("no-specification", path, "a variable needs 'specification' with 'lsl', 'usl' or both")
            continue
        values = [value for value in (spec.lsl, spec.nominal, spec.usl) if value is not None]
        if values != sorted(values) or (spec.lsl is not None and spec.lsl == spec.usl):
            yield mistake("specification-order", (*path, "specification"), "lsl, nominal and usl are not ascending")
        if not spec.unit:
            yield warning("specification-unit", (*path, "specification"), "the limits have no unit")


def classes_agree(view: View) -> Iterator[Finding]:
    """Nonconforming classes are some, but not all, of the classes; a variable has none."""
    for position, item in enumerate(view.plan.characteristics):
        yield from _classes(("characteristics", position), item)


def _classes(path: Path, item: Characteristic) -> Iterator[Finding]:
    if item.kind is CharacteristicKind.VARIABLE:
        if item.classes or item.nonconforming:
            yield mistake("classes", path, "a variable has limits, not classes")
        return
    if len(set(item.classes)) != len(item.classes):
        yield mistake("classes", (*path, "classes"), "a class is named twice")
    if not item.classes:
        if item.nonconforming:
            yield mistake("classes", (*path, "nonconforming"), "there are no classes to choose from")
        return
    for i, name in enumerate(item.nonconforming):
        if name not in item.classes:
            yield mistake(
                "classes", (*path, "nonconforming", i), "not one of the classes", found=name, choices=item.classes
            )
    if not item.nonconforming:
        yield mistake(
            "classes", path, "no class is nonconforming", choices=item.classes, next_step="name them in 'nonconforming'"
        )
    elif set(item.nonconforming) >= set(item.classes):
        yield mistake("classes", (*path, "nonconforming"), "no class is left that conforms")


def families_fit(view: View) -> Iterator[Finding]:
    """Regression is for variables, classifiers for attributes."""
    for position, item in enumerate(view.plan.characteristics):
        family, path = item.model.family, ("characteristics", position, "model", "family")
        if item.kind is CharacteristicKind.ATTRIBUTE and family is ModelFamily.REGRESSION:
            yield mistake("family", path, "an attribute cannot be regressed", choices=("auto", "normal", "supervised"))
        if item.kind is CharacteristicKind.VARIABLE and family is ModelFamily.SUPERVISED:
            yield mistake("family", path, "a variable is not a class", choices=("auto", "normal", "regression"))


def small_shifts_have_one_memory(view: View) -> Iterator[Finding]:
    """Small shifts are found by a moving average or by a cumulative sum, and the latter needs charts to sum up."""
    for position, item in enumerate(view.plan.characteristics):
        wish, path = item.model, ("characteristics", position, "model", "cusum")
        if wish.cusum and wish.memory < 1.0:
            yield mistake(
                "two-memories", path, "a moving average of parts is not summed up", found=str(wish.cusum),
                next_step="leave out 'memory' or 'cusum'",
            )  # fmt: skip
        if wish.cusum and wish.family not in _SUMMED:
            yield mistake(
                "cusum-family", path, f"the family '{wish.family}' has nothing to sum up", found=str(wish.cusum),
                choices=_SUMMED, next_step="leave out 'cusum', or choose another family",
            )  # fmt: skip


def setups_can_be_told_apart(view: View) -> Iterator[Finding]:
    """A setup is made up of context signals of the same station, each of them a text."""
    for position, item in enumerate(view.plan.characteristics):
        own = {signal.id: signal for signal in signals_of(view.plan, item.station)}
        contexts = [name for name, signal in own.items() if signal.role is Role.CONTEXT]
        for i, name in enumerate(item.model.setup):
            path: Path = ("characteristics", position, "model", "setup", i)
            if name not in own:
                yield unknown(path, "context signal at this station", name, contexts)
            elif own[name].role is not Role.CONTEXT:
                yield mistake(
                    "setup",
                    path,
                    f"the signal '{name}' has the role '{own[name].role}', and only context tells setups apart",
                    choices=contexts,
                    next_step=f"give '{name}' the role 'context', or name another signal",
                )
            elif own[name].type is not SignalType.TEXT:
                yield mistake(
                    "setup",
                    path,
                    f"the signal '{name}' is a number, and each of its values would be a setup",
                    next_step=f"give '{name}' the type 'text' if it is a name or a number of something",
                )


def conditions_are_considered(view: View) -> Iterator[Finding]:
    """Where conditions are measured, features are judged given them."""
    for position, item in enumerate(view.plan.characteristics):
        measured = [s.id for s in signals_of(view.plan, item.station) if s.role is Role.ENVIRONMENT]
        if measured and item.model.conditions is ConditionsWish.IGNORE:
            yield warning(
                "conditions-ignored",
                ("characteristics", position, "model", "conditions"),
                f"what {measured[0]} does to the process will look like a defect",
                found=str(item.model.conditions),
                choices=tuple(ConditionsWish),
                next_step="leave it to 'auto', which uses conditions only where that holds on parts not learned from",
            )


def outcomes_have_known_sources(view: View) -> Iterator[Finding]:
    """Whose word holds is said of sources that there are, each once."""
    known = {AGREED: None}
    for item in view.plan.characteristics:
        known |= dict.fromkeys((item.outcome.source, *item.outcome.also))
    for position, item in enumerate(view.plan.characteristics):
        named = item.outcome.precedence
        for place, name in enumerate(named):
            path = ("characteristics", position, "outcome", "precedence", place)
            if name not in known:
                yield unknown(path, "source of outcomes", name, known)
            elif name in named[:place]:
                yield mistake("precedence", path, "a source that is named before", found=name, next_step="name it once")


def truth_stays_out_of_the_model(view: View) -> Iterator[Finding]:
    """The column of the outcome is not a signal that is judged by; if it is a signal at all, its unit agrees."""
    for position, item in enumerate(view.plan.characteristics):
        column = item.outcome.column or item.id
        for signal in signals_of(view.plan, item.station):
            if column not in {signal.id, signal.address}:
                continue
            if signal.role in {Role.PROCESS, Role.ENVIRONMENT} and signal.id not in item.model.exclude:
                yield mistake(
                    "outcome-is-signal",
                    ("characteristics", position, "outcome", "column"),
                    f"the signal '{signal.id}' is this outcome: the model would be told the answer",
                    next_step=f"put '{signal.id}' into model.exclude, or remove the signal",
                )
            yield from _unit(position, item, signal)


def _unit(position: int, item: Characteristic, signal: Signal) -> Iterator[Finding]:
    if item.specification is not None and not same_unit(item.specification.unit, signal.unit):
        yield mistake(
            "specification-unit",
            ("characteristics", position, "specification", "unit"),
            f"the signal '{signal.id}' that measures it has the unit '{signal.unit}'",
            found=item.specification.unit,
        )


def same_unit(one: str, other: str) -> bool:
    """Return whether two units, as people write them, are the same; case and the degree sign aside."""
    return _plain(one) == _plain(other)


def _plain(unit: str) -> str:
    lower = unit.strip().lower().replace(" ", "")
    return _UNITS.get(lower, lower)


def measurements_are_capable(view: View) -> Iterator[Finding]:
    """The truth is measured by something that can tell good from bad."""
    for position, item in enumerate(view.plan.characteristics):
        path: Path = ("characteristics", position, "measurement")
        grr, kappa = item.measurement.grr_percent, item.measurement.kappa
        if grr is not None and grr > GRR_LIMIT:
            yield warning("gauge", path, f"a gauge with {grr:g} % repeatability and reproducibility is not acceptable")
        if kappa is not None and kappa < KAPPA_LIMIT:
            yield warning("gauge", path, f"inspectors who agree with kappa {kappa:g} give poor labels")


def costs_are_plausible(view: View) -> Iterator[Finding]:
    """An escape costs more than a false alarm, and a pass-through characteristic has a supplier."""
    for position, item in enumerate(view.plan.characteristics):
        path: Path = ("characteristics", position)
        if item.cost.escape < item.cost.false_alarm:
            yield warning(
                "cost",
                (*path, "cost"),
                f"a false alarm costs more ({item.cost.false_alarm:g}) than an escape ({item.cost.escape:g})",
                next_step="if so, an alert does not pay",
            )
        if item.pass_through and not item.supplier:
            yield warning("supplier", path, "a pass-through characteristic is controlled at its supplier: name it")


def acceptance_means_something(view: View) -> Iterator[Finding]:
    """A device is not let off so easily that a class could be lost, and judging fits into the time to the alert."""
    whole = view.plan.service_levels.sensor_to_alert_p99
    for position, item in enumerate(view.plan.characteristics):
        path: Path = ("characteristics", position, "acceptance")
        wanted = item.acceptance
        if wanted.decisions < LEAST_DECISIONS:
            yield warning(
                "acceptance",
                (*path, "decisions"),
                "a model that has lost part of a class on the device would still go live",
                found=wanted.decisions,
                choices=(f">= {LEAST_DECISIONS:g}",),
            )
        if wanted.judging_p99 > whole:
            yield warning(
                "acceptance",
                (*path, "judging_p99"),
                "judging alone may take longer than the whole time from sensor to alert",
                found=format_duration(wanted.judging_p99),
                choices=(f"<= {format_duration(whole)} (service_levels.sensor_to_alert_p99)",),
            )


CHARACTERISTIC_RULES: Final = (
    something_is_judged,
    variables_have_limits,
    classes_agree,
    families_fit,
    small_shifts_have_one_memory,
    setups_can_be_told_apart,
    conditions_are_considered,
    truth_stays_out_of_the_model,
    outcomes_have_known_sources,
    measurements_are_capable,
    costs_are_plausible,
    acceptance_means_something,
)
