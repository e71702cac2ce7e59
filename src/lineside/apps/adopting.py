"""Adopting a prototype: read it, map its inputs, re-run it on past data, and make a bundle of it where that can be."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.onnx_judge.accepting import Acceptance, accept
from lineside.adapters.onnx_judge.golden import with_reference
from lineside.adapters.prototypes import ReadOptions, file_of, read_prototype
from lineside.apps.layout import Layout
from lineside.apps.releasing import signing_folder
from lineside.domain.adoption.case import Case, case_of
from lineside.domain.adoption.inputs import InputMap, Offered, map_inputs, with_columns
from lineside.domain.adoption.result import Cost, Readiness
from lineside.domain.backtests.units import Units, units_from_tables
from lineside.domain.errors import IntegrityError, LinesideError, StorageError
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Plan
from lineside.domain.tables import Table
from lineside.flows.adopt import AdoptRequest, adopt
from lineside.learn.adopted import Answers
from lineside.learn.fit import FitRequest
from lineside.learn.prototype import Prototype
from lineside.learn.wrapping import Wrapping, cannot_be_wrapped, wrap
from lineside.wire.bundle import Bundle, pack_bundle

_TIMED: Final = 300
_WARM: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class AdoptOptions:
    """What the command line says.

    ``output`` is a file and ``folder`` a data folder to keep the bundle in; ``hour_price`` is what an hour of one core
    costs, in the plan's currency.
    """

    model: str
    given: Mapping[str, str] = field(default_factory=dict)
    lab: Mapping[str, float] = field(default_factory=dict)
    until: int | None = None
    group: str = ""
    flipped: bool = False
    trust_pickle: bool = False
    output: Path | None = None
    folder: Path | None = None
    hour_price: float = 0.05
    seed: int = 0
    data: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Brought:
    """The prototype with its inputs mapped and its data at hand; ``bundle`` is None where ``why`` says so."""

    prototype: Prototype
    inputs: InputMap
    units: Units
    case: Case
    left_out: Mapping[str, int]
    bundle: Bundle | None = None
    why: str = ""
    accepted: Acceptance | None = None


def adopt_model(
    plan: Plan,
    characteristic: Characteristic,
    tables: Sequence[tuple[str, Table]],
    options: AdoptOptions,
    progress: Callable[[str], None] = lambda _: None,
) -> Readiness:
    """Return the report on the prototype that the options name, and keep its bundle where they say.

    Raises:
        LinesideError: the prototype cannot be read, its inputs fit nothing, or the data does not carry a comparison.
    """
    brought = _wrapped(plan, characteristic, _bring(plan, characteristic, tables, options, progress), options)
    request = AdoptRequest(
        plan=plan,
        characteristic=characteristic,
        prototype=brought.prototype,
        inputs=brought.inputs,
        data=options.data,
        lab=options.lab,
        until=options.until,
        flipped=options.flipped,
        seed=options.seed,
        left_out=brought.left_out,
        progress=progress,
    )
    report = adopt(request, brought.case, lambda _: _cost(plan, characteristic, brought, options.hour_price))
    return replace(report, wrapped=(*_words(brought), *_kept(brought.bundle, options)))


def _bring(
    plan: Plan,
    characteristic: Characteristic,
    tables: Sequence[tuple[str, Table]],
    options: AdoptOptions,
    progress: Callable[[str], None],
) -> _Brought:
    progress(f"reading {options.model}")
    columns = tuple(dict.fromkeys(name for _, table in tables for name in table.names))
    offered = Offered(plan=plan, characteristic=characteristic, columns=columns)
    variable = characteristic.kind is CharacteristicKind.VARIABLE
    features, trusted = offered.recipe.names, options.trust_pickle
    reading = ReadOptions(features=features, classes=0 if variable else 2, trust_pickle=trusted)
    prototype = read_prototype(options.model, reading)
    inputs = map_inputs(prototype.inputs, offered, options.given)
    whole = with_columns(plan, characteristic.station, inputs.columns)
    units = units_from_tables(whole, characteristic, tables, options.group)
    case, left_out = case_of(units, inputs, characteristic)
    progress(f"{len(case)} parts with known outcome in {len(set(case.group))} groups")
    counted = dict(units.dropped) | {reason: count for reason, count in left_out.items() if count}
    return _Brought(prototype=prototype, inputs=inputs, units=units, case=case, left_out=counted)


# -- the bundle -------------------------------------------------------------------------------------------


def _wrapped(plan: Plan, characteristic: Characteristic, brought: _Brought, options: AdoptOptions) -> _Brought:
    """Return what was brought with its bundle, or with the reason why it has none."""
    prototype, of_plan = brought.prototype, brought.inputs.runs_at_the_gateway
    why = cannot_be_wrapped(prototype, characteristic, of_plan=of_plan)
    if why:
        return replace(brought, why=why)
    recipe = brought.units.recipe
    inputs = [recipe.names.index(item.source) for item in brought.inputs.inputs]
    signals = list(dict.fromkeys(spec.signal for spec in recipe.features))
    wrapping = Wrapping(
        prototype=prototype,
        answers=Answers.of(characteristic, prototype.outputs, flipped=options.flipped),
        inputs=np.array(inputs, dtype=np.int64),
        signals=np.array([signals.index(recipe.features[place].signal) for place in inputs], dtype=np.int64),
        until=options.until,
        digest=hashlib.sha256(file_of(options.model).read_bytes()).hexdigest(),
    )
    try:
        bundle = _bundle(plan, characteristic, brought.units, wrapping, options)
    except LinesideError as error:
        return replace(brought, why=str(error))
    return replace(brought, bundle=bundle, accepted=asyncio.run(accept(plan, bundle)))


def _bundle(
    plan: Plan, characteristic: Characteristic, units: Units, wrapping: Wrapping, options: AdoptOptions
) -> Bundle:
    folder = None if options.folder is None else BundleFolder(Layout(options.folder).bundles)
    request = FitRequest(
        plan=plan,
        characteristic=characteristic.id,
        table=units.table(np.arange(len(units))),
        seed=options.seed,
        now=time.time_ns(),
        data_version=f"adopted with {options.data}",
        version=1 if folder is None else folder.next_version(characteristic.id),
        timed=units.timed,
    )
    return with_reference(plan, wrap(request, wrapping).bundle)


def _words(brought: _Brought) -> tuple[str, ...]:
    """Return in sentences what was made for the line, or why nothing was."""
    bundle, accepted = brought.bundle, brought.accepted
    if bundle is None or accepted is None:
        return (f"Not made into a bundle: {brought.why}.",)
    manifest = bundle.manifest
    problems = "".join(f"; {problem}" for problem in accepted.problems)
    taken = "would take it" if accepted.accepted else "would refuse it"
    conditions = "Beyond the conditions of these parts it says outside experience."
    return (
        f"Bundle {bundle.name}: calibrated, limit {manifest.limit:.4g} from {manifest.training.scheme}.",
        f"A gateway of this kind {taken}: its golden parts were judged in a process with limits{problems}.",
        conditions if manifest.experience is not None else "The plan names no conditions to look at.",
    )


def _kept(bundle: Bundle | None, options: AdoptOptions) -> tuple[str, ...]:
    """Keep the bundle where the options say, as a draft that is not in service; return where, in sentences."""
    if bundle is None:
        wanted = options.output is not None or options.folder is not None
        return ("Nothing was written: there is no bundle.",) if wanted else ()
    kept = []
    if options.output is not None:
        try:
            options.output.write_bytes(pack_bundle(bundle))
        except OSError as error:
            raise StorageError(f"the bundle cannot be written: {error.strerror}", where=str(options.output)) from error
        kept.append(f"Written to {options.output.name}.")
    if options.folder is not None:
        signing_folder(Layout(options.folder)).add(bundle)
        manifest = bundle.manifest
        name, offer = f"{manifest.characteristic}/{manifest.version}", f"{manifest.characteristic} {manifest.version}"
        kept.append(
            f"Kept as version {manifest.version}; it climbs by `lineside release promote {name}`, or is shown as a "
            f"demo by `lineside model offer {offer} --demo --data {options.folder}`."
        )
    return tuple(kept)


# -- what it costs ----------------------------------------------------------------------------------------


def _cost(plan: Plan, characteristic: Characteristic, brought: _Brought, hour_price: float) -> Cost:
    """Return what judging one part takes here: by the bundle as a gateway would, else by the prototype itself."""
    where, taken = _times(plan, brought)
    mean = float(np.mean(taken)) if taken else float("nan")
    return Cost(
        where=where,
        p50_us=1e6 * float(np.quantile(taken, 0.5)) if taken else float("nan"),
        p99_us=1e6 * float(np.quantile(taken, 0.99)) if taken else float("nan"),
        cpu_seconds=mean,
        bytes=brought.prototype.size if brought.bundle is None else len(pack_bundle(brought.bundle)),
        per_part=mean / 3600.0 * hour_price,
        currency=characteristic.cost.currency,
        hour_price=hour_price,
        note="" if brought.bundle is not None else "It runs at no gateway.",
    )


def _times(plan: Plan, brought: _Brought) -> tuple[str, list[float]]:
    """Return what was timed, in words, and the processor seconds of single parts."""
    prototype = brought.prototype
    if brought.bundle is not None:
        return "the bundle, as a gateway judges", _judged(plan, brought.bundle, brought.units)
    rows = brought.case.inputs[: _WARM + _TIMED].astype(np.float32)
    if prototype.timed is not None:
        return "the prototype in its limited process", prototype.timed(rows) if prototype.fitted else []
    return "the prototype as it was brought", _answered(prototype, rows)


def _judged(plan: Plan, bundle: Bundle, units: Units) -> list[float]:
    """Return the processor seconds that a judge takes for single parts."""
    judge = OnnxJudge(plan, bundle.manifest.station, (bundle,)).open()
    taken = []
    for part in units.parts[: _WARM + _TIMED]:
        began = time.thread_time_ns()
        try:
            judge.judge(part, part.received)
        except IntegrityError:
            continue  # no number for this part: what comes of missing inputs is measured by itself
        taken.append((time.thread_time_ns() - began) / 1e9)
    return taken[_WARM:]


def _answered(prototype: Prototype, rows: Any) -> list[float]:
    """Return the processor seconds that a prototype takes for single rows."""
    taken = []
    for row in rows:
        began = time.thread_time_ns()
        prototype.raw(row[None, :])
        taken.append((time.thread_time_ns() - began) / 1e9)
    return taken[_WARM:]
