"""Run past data through learn, judge and alert, in the order in which it would have happened.

1. Find duplicates, and drop them before any split (or only count them, where a published protocol keeps them).
2. Cut the units into folds by the protocol.
3. Per fold: learn from its training rows, with the limit from its calibration rows or what learning keeps back.
4. Judge its test rows group by group, in order, one at a time, as the gateway does. Every group starts with an
   empty memory, into which the rows of the same group before the judged ones are run without being counted: in
   production, too, a model goes live in the middle of a stream. The judge never sees an outcome.
5. Make the figures, and the same for predictors that know nothing. Walking forward, a measured value is also judged
   as late measurements correct it (`lineside.domain.correction`), beside what those measurements say alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from lineside.domain.alerting import AlertEngine
from lineside.domain.alerts import AlertKind
from lineside.domain.backtests.correcting import correct, made_from, measured_alone
from lineside.domain.backtests.figures import FigureOptions, figures, plain_figures, trivial_figures
from lineside.domain.backtests.judged import Judged, joined, judged_from
from lineside.domain.backtests.money import money_of
from lineside.domain.backtests.regimes import regime_report
from lineside.domain.backtests.result import BacktestResult
from lineside.domain.backtests.units import Units, in_time_order, shuffled
from lineside.domain.errors import DataError
from lineside.domain.judging.late_values import regime_of
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import CharacteristicKind, Plan
from lineside.domain.predictions import Prediction
from lineside.domain.regimes import Production, Regimes, regimes_of
from lineside.domain.splits import (
    Amount,
    Fold,
    GivenSplit,
    Protocol,
    duplicate_rows,
    fit_then_run,
    leave_one_group_out,
    leave_one_regime_out,
    repeated_stratified_kfold,
    walk_forward,
)
from lineside.learn.fit import FitRequest, FitResult, fit
from lineside.learn.local_time import local_times
from lineside.ports import Judge
from lineside.wire.bundle import Bundle

MOST_WARMED: Final = 1000
"""Rows before the judged ones that are run into a judge's memory, at most."""

CORRECTED: Final = "corrected"

JudgeFactory = Callable[[Plan, Bundle], Judge]
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class BacktestRequest:
    """What is to be tested, on what, and how.

    ``labelled`` says whether learning may see outcomes; without, a labelled set is learned from as if nothing
    were known of it. ``start`` is the first training segment of a walk forward. ``keep_duplicates`` only counts
    them. ``regimes`` are the kinds left out by `Protocol.LEAVE_ONE_REGIME_OUT` (empty: all that the data has). Every
    random choice follows from ``seed``.
    """

    plan: Plan
    characteristic: str
    protocol: Protocol
    split: GivenSplit = field(default_factory=GivenSplit)
    start: Amount = field(default_factory=lambda: Amount(share=0.5))
    folds: int = 5
    repeats: int = 1
    seed: int = 0
    labelled: bool = True
    keep_duplicates: bool = False
    alarm_after: int = 200
    regimes: tuple[str, ...] = ()


def run_backtest(
    request: BacktestRequest, units: Units, make_judge: JudgeFactory, progress: Progress = lambda _: None
) -> BacktestResult:
    """Run the backtest.

    Args:
        request: what is to be tested.
        units: the past, as `lineside.domain.backtests.units` makes it.
        make_judge: opens a bundle as the gateway would.
        progress: is told in words what is being done.

    Raises:
        DataError: the data does not fit the protocol, or does not carry what learning needs.
    """
    began = time.perf_counter()
    characteristic = request.plan.characteristic(request.characteristic)
    repeated = find_duplicates(units)
    if not request.keep_duplicates:
        units = units.take(np.setdiff1d(np.arange(len(units)), repeated))
    if request.protocol is Protocol.WALK_FORWARD:
        units = in_time_order(units)
    if not units.timed and request.protocol is Protocol.REPEATED_STRATIFIED_KFOLD:
        units = shuffled(units, request.seed)
    found = regimes_in(request, units) if request.protocol is Protocol.LEAVE_ONE_REGIME_OUT else None
    folds = cut(request, units, found)
    pieces, fits = [], []
    late: dict[str, list[Judged]] = {}
    for number, fold in enumerate(folds, start=1):
        progress(f"fold {number} of {len(folds)} ({fold.name}): {len(fold.train)} to learn, {len(fold.test)} to judge")
        judged, result = _run_fold(request, units, fold, make_judge)
        pieces.append(judged)
        fits.append((fold.name, result.report.lines()))
        spread = result.bundle.manifest.calibration.get("spread", 1.0)
        for name, piece in _with_late_measurements(request, units, fold, judged, spread).items():
            late.setdefault(name, []).append(piece)
    judged = joined(pieces)
    by_measurements = {name: plain_figures(characteristic, joined(rows)) for name, rows in late.items()}
    corrected = by_measurements.pop(CORRECTED, None)
    options = FigureOptions(seed=request.seed, after=request.alarm_after, by_unit=not units.continuous)
    trained = [units.outcome[row] for fold in folds for row in fold.train]
    return BacktestResult(
        characteristic=characteristic,
        protocol=request.protocol,
        judged=judged,
        duplicates=len(repeated),
        duplicates_kept=request.keep_duplicates,
        dropped=units.dropped,
        metrics=figures(characteristic, judged, options),
        trivial=trivial_figures(characteristic, judged, trained, options) | by_measurements,
        corrected=corrected,
        fits=tuple(fits),
        seconds=time.perf_counter() - began,
        regimes=None
        if found is None
        else regime_report(characteristic, judged, [(item.kind, item.name) for item in found.kept], found.passed_over),
        costs=money_of(request.plan, characteristic, judged, request.alarm_after),
    )


def find_duplicates(units: Units) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the positions of units that copy an earlier one.

    Parts with exactly equal features are copies. Windows of a continuous process may repeat a value, so they
    are copies only of the same group and time.
    """
    beside = [(name, part.started) for name, part in zip(units.group, units.parts, strict=True)]
    return duplicate_rows(units.features, beside if units.continuous else None)


def regimes_in(request: BacktestRequest, units: Units) -> Regimes:
    """Return the regimes of the request's kinds that units have.

    Raises:
        DataError: there are no two.
    """
    times = units.time
    made = Production(
        recipe=units.recipe,
        features=units.features,
        context=[part.context for part in units.parts],
        group=units.group,
        local=None if times is None else local_times(times, request.plan.line.timezone),
    )
    return regimes_of(request.plan, made, request.regimes)


def cut(request: BacktestRequest, units: Units, found: Regimes | None = None) -> tuple[Fold, ...]:
    """Return the folds of the request's protocol.

    Raises:
        DataError: the data does not fit the protocol.
    """
    match request.protocol:
        case Protocol.FIT_THEN_RUN:
            return fit_then_run(units.group, request.split)
        case Protocol.WALK_FORWARD:
            _needs_time(request, units)
            return walk_forward(len(units), request.folds, request.start)
        case Protocol.LEAVE_ONE_GROUP_OUT:
            return leave_one_group_out(units.group)
        case Protocol.LEAVE_ONE_REGIME_OUT:
            found = found or regimes_in(request, units)
            return leave_one_regime_out([(item.kind, item.name, item.rows) for item in found.kept], len(units))
        case Protocol.REPEATED_STRATIFIED_KFOLD:
            _needs_no_time(request, units)
            return repeated_stratified_kfold(units.names, units.outcome, request.folds, request.repeats, request.seed)


def _needs_time(request: BacktestRequest, units: Units) -> None:
    if not units.timed:
        raise DataError(
            f"{request.protocol} needs data with time",
            field="time_column",
            next_step="name the time column in the plan's source, or take fit-then-run",
        )


def _needs_no_time(request: BacktestRequest, units: Units) -> None:
    if units.timed:
        raise DataError(
            f"{request.protocol} is only for data without time: shuffled, later parts would teach about earlier ones",
            field="protocol",
            value=request.protocol.value,
            choices=[item.value for item in Protocol if item is not Protocol.REPEATED_STRATIFIED_KFOLD],
        )


def _run_fold(request: BacktestRequest, units: Units, fold: Fold, make_judge: JudgeFactory) -> tuple[Judged, FitResult]:
    result = fit(
        FitRequest(
            plan=request.plan,
            characteristic=request.characteristic,
            table=units.table(fold.train, labelled=request.labelled),
            calibration=units.table(fold.calibrate, labelled=request.labelled) if len(fold.calibrate) else None,
            seed=request.seed,
            timed=units.timed,
        )
    )
    test = units.take(_by_group(units, fold))
    warm = _rows_before(units, fold)
    predictions, raised = _judge_in_order(request, test, warm, lambda: make_judge(request.plan, result.bundle))
    named_by_fold = request.protocol in {Protocol.REPEATED_STRATIFIED_KFOLD, Protocol.LEAVE_ONE_REGIME_OUT}
    groups = (fold.name,) * len(test) if named_by_fold else test.group
    return judged_from(predictions, raised, groups, test.outcome, timed=test.timed), result


def _by_group(units: Units, fold: Fold) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the test rows of a fold in the order judged: each group's together."""
    group = np.asarray([units.group[row] for row in fold.test], dtype=object)
    order = np.concatenate([np.flatnonzero(group == name) for name in dict.fromkeys(group)])
    return np.asarray(fold.test[order], dtype=np.int64)


def _with_late_measurements(
    request: BacktestRequest, units: Units, fold: Fold, judged: Judged, spread: float
) -> dict[str, Judged]:
    """Return a fold's units as measurements that had come by then correct them, or foresee them alone, by name.

    Nothing for attributes, where units do not follow the training in time, or where no value was predicted.
    """
    characteristic = request.plan.characteristic(request.characteristic)
    if characteristic.kind is not CharacteristicKind.VARIABLE or request.protocol is not Protocol.WALK_FORWARD:
        return {}
    made, before = (
        made_from(
            [part.ended for part in chosen.parts],
            [regime_of(part.context, characteristic.model.setup) for part in chosen.parts],
            chosen.outcome,
        )
        for chosen in (units.take(fold.test), units.take(np.sort(np.concatenate((fold.train, fold.calibrate)))))
    )
    in_order = judged.take(np.argsort(_by_group(units, fold), kind="stable").astype(np.int64))
    corrected = correct(characteristic, in_order, made, spread)
    if corrected is None:
        return {}
    return {CORRECTED: corrected, **measured_alone(characteristic, in_order, made, before)}


def _rows_before(units: Units, fold: Fold) -> dict[str, tuple[PartRecord, ...]]:
    """Return per group the rows of learning and calibration right before its first judged one, in order."""
    if not units.timed:
        return {}
    group = np.asarray(units.group, dtype=object)
    seen = np.sort(np.concatenate((fold.train, fold.calibrate)))
    before = {}
    for name in dict.fromkeys(group[fold.test]):
        first = int(fold.test[group[fold.test] == name].min())
        rows = seen[(group[seen] == name) & (seen < first)]
        before[name] = tuple(units.parts[row] for row in rows[-MOST_WARMED:])
    return before


def _judge_in_order(
    request: BacktestRequest,
    test: Units,
    warm: Mapping[str, Sequence[PartRecord]],
    open_judge: Callable[[], Judge],
) -> tuple[list[Prediction], list[bool]]:
    """Judge units one at a time and raise alerts, each group by a judge and an engine that remember no other."""
    station = request.plan.characteristic(request.characteristic).station
    predictions: list[Prediction] = []
    raised: list[bool] = []
    for name in dict.fromkeys(test.group):
        judge, engine = open_judge(), AlertEngine(request.plan, station, "backtest")
        for part in warm.get(name, ()):
            judge.judge(part, part.received)
        for part in (part for place, part in enumerate(test.parts) if test.group[place] == name):
            for item in judge.judge(part, part.received).predictions:
                if item.characteristic == request.characteristic:
                    events = engine.observe(item, part.received)
                    predictions.append(item)
                    raised.append(any(event.kind is AlertKind.RAISED for event in events))
    return predictions, raised
