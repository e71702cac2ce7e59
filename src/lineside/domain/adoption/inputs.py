"""Which feature of the plan each input of a prototype is, by name; and what an input is that is none.

A name is looked for as it is, then without case, spaces and punctuation: among the features, the signals, the columns
that hold them and the names that people use. What is no signal of the plan but a column of the data is taken from
there, so that the prototype can be re-run, and is a finding: no gateway can deliver it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from lineside.domain.adoption.findings import Finding, Gravity
from lineside.domain.errors import DataError
from lineside.domain.features.recipe import FeatureRecipe, recipe_for
from lineside.domain.plan.model import Characteristic, CycleByRows, Plan, Signal

ROW: Final = "@row"
TIME: Final = "@time"
"""Stand for the position of a part in the data and for its time in seconds."""
_POSITION: Final = re.compile(r"(unnamed.*|index|idx|row|rows?[ _]?(no|nr|num|number|id)?|id|nr|no)", re.IGNORECASE)
_UNNAMED: Final = re.compile(r"(column|f|feature|feat|x|input)[ _]?\d+|\d+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedInput:
    """One input: its name in the prototype, the feature or column that gives it, and the unit that the plan says.

    ``of_plan`` says that a gateway can deliver it.
    """

    name: str
    source: str
    unit: str
    of_plan: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class InputMap:
    """The inputs in the prototype's order, and what was found of them."""

    inputs: tuple[MappedInput, ...]
    findings: tuple[Finding, ...]

    @property
    def runs_at_the_gateway(self) -> bool:
        """Whether every input is a feature of the plan."""
        return all(item.of_plan for item in self.inputs)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that are no signal of the plan."""
        found = [item.source for item in self.inputs if not item.of_plan and not item.source.startswith("@")]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """What inputs may be mapped to: the plan's features at the characteristic's station, and the data's columns."""

    plan: Plan
    characteristic: Characteristic
    columns: tuple[str, ...]

    @property
    def recipe(self) -> FeatureRecipe:
        """The features of the station."""
        return recipe_for(self.plan, self.characteristic.station)

    @property
    def outcome(self) -> str:
        """The column of outcomes."""
        return self.characteristic.outcome.column or self.characteristic.id


def are_names(names: Sequence[str]) -> bool:
    """Return whether inputs have names that mean something, rather than numbers in order."""
    return bool(names) and not all(_UNNAMED.fullmatch(name) for name in names)


def map_inputs(names: Sequence[str], offered: Offered, given: Mapping[str, str]) -> InputMap:
    """Map a prototype's inputs.

    Args:
        names: the inputs in the prototype's order.
        offered: what they may be mapped to.
        given: what the map file says, by input.

    Raises:
        DataError: the map file names an input that there is not, or an input fits nothing.
    """
    for name in given:
        if name not in names:
            raise DataError("the prototype has no such input", field="--inputs", value=name, choices=names)
    known = _known_names(offered)
    if not are_names(names) and not given and not all(name in known for name in names):
        return _by_position(names, offered)
    inputs = tuple(_map_one(name, given.get(name, ""), offered, known) for name in names)
    twice = {item.source for item in inputs if sum(other.source == item.source for other in inputs) > 1}
    if twice:
        raise DataError(
            "two inputs are mapped to one feature",
            field="--inputs",
            value=[item.name for item in inputs if item.source in twice],
            choices=offered.recipe.names,
        )
    return InputMap(inputs=inputs, findings=tuple(f for item in inputs for f in _findings_of(item, offered)))


def with_columns(plan: Plan, station: str, columns: Sequence[str]) -> Plan:
    """Return a plan that reads further columns too, as signals ``brought_0``... behind those that it has."""
    features = None if isinstance(plan.station(station).cycle, CycleByRows) else ("last",)
    source = plan.signals_at(station)[0].source
    extra = tuple(
        Signal(id=brought(i), station=station, source=source, address=name, features=features)
        for i, name in enumerate(columns)
    )
    return plan.model_copy(update={"signals": (*plan.signals, *extra)})


def brought(number: int) -> str:
    """Return the id of the signal that a further column becomes."""
    return f"brought_{number}"


def _by_position(names: Sequence[str], offered: Offered) -> InputMap:
    features = offered.recipe.features
    if len(names) != len(features):
        raise DataError(
            "the prototype's inputs have no names, and are not as many as the plan's features",
            field="inputs",
            value=len(names),
            choices=offered.recipe.names,
            next_step="name each in a map file: lineside adopt ... --inputs map.yaml",
        )
    finding = Finding(
        code="inputs-by-position",
        gravity=Gravity.LOOK,
        subject="inputs",
        text="The prototype's inputs have no names; they were taken in the order of the plan's features.",
        remedy="Train with named columns, or say which input is what with --inputs.",
    )
    inputs = [
        MappedInput(name=name, source=spec.name, unit=spec.unit, of_plan=True)
        for name, spec in zip(names, features, strict=True)
    ]
    return InputMap(inputs=tuple(inputs), findings=(finding,))


def _known_names(offered: Offered) -> dict[str, str]:
    """Return the feature by each name that means one feature alone, in full and simplified."""
    features = offered.recipe.features
    found: dict[str, set[str]] = {}
    for spec in features:
        signal = offered.plan.signal(spec.signal)
        alone = sum(item.signal == spec.signal for item in features) == 1
        spelt = {spec.name, *(f"{name}.{spec.kind}" for name in (signal.address, signal.name) if name)}
        spelt |= {name for name in (signal.id, signal.address, signal.name) if name} if alone else set()
        for name in spelt | {_simple(name) for name in spelt}:
            found.setdefault(name, set()).add(spec.name)
    return {name: next(iter(of)) for name, of in found.items() if len(of) == 1}


def _map_one(name: str, given: str, offered: Offered, known: Mapping[str, str]) -> MappedInput:
    wanted = given or name
    if wanted in {ROW, TIME}:
        return MappedInput(name=name, source=wanted, unit="s" if wanted == TIME else "", of_plan=False)
    feature = known.get(wanted) or known.get(_simple(wanted))
    if feature is not None:
        unit = next(spec.unit for spec in offered.recipe.features if spec.name == feature)
        return MappedInput(name=name, source=feature, unit=unit, of_plan=True)
    column = wanted if wanted in offered.columns else _same(wanted, offered.columns)
    if column:
        return MappedInput(name=name, source=column, unit="", of_plan=False)
    time_columns = [getattr(source, "time_column", "") for source in offered.plan.sources]
    if _same(wanted, [item for item in time_columns if item]):
        return MappedInput(name=name, source=TIME, unit="s", of_plan=False)
    if _POSITION.fullmatch(wanted):
        return MappedInput(name=name, source=ROW, unit="", of_plan=False)
    raise DataError(
        f"the input '{name}' is no feature of the plan and no column of the data",
        field="--inputs" if given else "inputs",
        value=wanted,
        choices=(*offered.recipe.names, *(item for item in offered.columns if item not in known)),
        next_step=_proposal(name, wanted, known, offered.columns),
    )


def _proposal(name: str, wanted: str, known: Mapping[str, str], columns: Sequence[str]) -> str:
    """Return what to write into the map file, the nearest name where one is near."""
    simple = {_simple(item): item for item in (*columns, *known)}
    near = get_close_matches(_simple(wanted), list(simple), n=1, cutoff=0.6)
    best = known.get(near[0], simple[near[0]]) if near else "FEATURE"
    return f"write '{name}: {best}' into a map file and give it with --inputs"


def _findings_of(item: MappedInput, offered: Offered) -> Iterable[Finding]:
    if item.of_plan:
        spec = next(spec for spec in offered.recipe.features if spec.name == item.source)
        if spec.signal in offered.characteristic.model.exclude:
            yield Finding(
                code="excluded-input",
                gravity=Gravity.BLOCKS,
                subject=item.name,
                text=f"'{item.name}' is the signal {spec.signal}, which the plan excludes from models.",
                remedy=f"Train without {spec.signal}, or say in the plan why it may be used.",
            )
        return
    if item.source == offered.outcome:
        yield Finding(
            code="outcome-as-input",
            gravity=Gravity.BLOCKS,
            subject=item.name,
            text=f"'{item.name}' is the outcome itself: it is not known when a part is judged.",
            remedy=f"Train without {item.name}.",
        )
        return
    remedy = f"Train without {item.name}, or add the signal to the plan if the line can measure it in time."
    elsewhere = [signal for signal in offered.plan.signals if item.source in {signal.id, signal.address}]
    if elsewhere:
        place, role = elsewhere[0].station, elsewhere[0].role
        text = (
            f"'{item.name}' is a signal of role {role} at {place}: parts of {offered.characteristic.station} lack it."
        )
    elif item.source in {ROW, TIME}:
        what = "the position of a row" if item.source == ROW else "the clock"
        remedy = f"Train without {item.name}."
        text = f"'{item.name}' is {what}: it says when a part was made and not how."
    else:
        text = f"'{item.name}' is a column of the data but no signal of the plan: no gateway can deliver it."
    yield Finding(
        code="no-signal",
        gravity=Gravity.BLOCKS,
        subject=item.name,
        text=text,
        remedy=remedy,
    )


def _simple(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _same(name: str, names: Iterable[str]) -> str:
    """Return the one name that is the same but for case and punctuation, or ``""``."""
    found = [item for item in names if _simple(item) == _simple(name)]
    return found[0] if len(found) == 1 and _simple(name) else ""
