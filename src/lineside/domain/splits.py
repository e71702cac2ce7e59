"""Which parts are learned from, which set the limit, and which are judged: the protocols of a backtest.

Every protocol answers with folds of row positions into one table. What holds for all of them, and is tested:

- no row is in two of a fold's three segments, and no row is judged twice within one repeat;
- where rows have time, limits come from rows before the ones they judge (of the same group, or of a group that
  is not judged at all), except for `leave_one_group_out` and `leave_one_regime_out`, whose subject is another group or
  regime and not a later time;
- duplicates are found before any split;
- randomness only from a seed that is passed in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import DataError
from lineside.domain.readings import Float64

Int64 = NDArray[np.int64]
NO_ROWS: Final = np.empty(0, dtype=np.int64)


class Protocol(StrEnum):
    """How past data is cut into learning and judging."""

    FIT_THEN_RUN = "fit-then-run"
    WALK_FORWARD = "walk-forward"
    LEAVE_ONE_GROUP_OUT = "leave-one-group-out"
    LEAVE_ONE_REGIME_OUT = "leave-one-regime-out"
    REPEATED_STRATIFIED_KFOLD = "repeated-stratified-kfold"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fold:
    """Rows to learn from, rows to set the limit by (often none: then learning keeps some back), rows to judge."""

    name: str
    train: Int64
    test: Int64
    calibrate: Int64 = field(default_factory=lambda: NO_ROWS)
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Amount:
    """How many rows from the start: a number, or a share of what there is, at most ``most``."""

    rows: int | None = None
    share: float | None = None
    most: int | None = None

    def of(self, available: int) -> int:
        """Return the number of rows out of ``available``."""
        wanted = self.rows if self.rows is not None else math.floor((self.share or 0.0) * available)
        return min(wanted, available if self.most is None else min(available, self.most))


def parse_amount(text: str, name: str, most: int | None = None) -> Amount:
    """Return the amount written as ``400`` (rows), ``15%`` or ``0.15`` (share).

    Raises:
        DataError: it is neither, or not positive, or a share of one and more.
    """
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else None
        number = share if share is not None else float(text)
    except ValueError as error:
        raise _bad_amount(text, name) from error
    if share is None and number >= 1 and number.is_integer():
        return Amount(rows=int(number), most=most)
    if 0 < number < 1:
        return Amount(share=number, most=most)
    raise _bad_amount(text, name)


def _bad_amount(text: str, name: str) -> DataError:
    return DataError(
        "not an amount of rows", field=name, value=text, next_step="write rows such as 400, or a share such as 15%"
    )


# -- duplicates -------------------------------------------------------------------------------------------


def duplicate_rows(features: Float64, beside: Sequence[object] | NDArray[np.object_] | None = None) -> Int64:
    """Return the positions of rows whose features equal those of an earlier row exactly, ascending.

    NaN equals NaN. ``beside`` (per row: group and time, say) must be equal too where it is given: windows of a
    continuous process may repeat a value without being copies. Rows are told apart by a hash; only those that share
    one are compared.
    """
    hashes = _row_hashes(np.ascontiguousarray(features, dtype=np.float64))
    _, kind, times = np.unique(hashes, return_inverse=True, return_counts=True)
    seen: set[tuple[bytes, object]] = set()
    repeated: list[int] = []
    for position in np.flatnonzero(times[kind] > 1).tolist():
        row = np.asarray(features[position], dtype=np.float64) + 0.0
        row[np.isnan(row)] = np.nan
        key = (row.tobytes(), None if beside is None else beside[position])
        if key in seen:
            repeated.append(position)
        seen.add(key)
    return np.array(repeated, dtype=np.int64)


@numba.njit(numba.uint64[::1](numba.types.Array(numba.float64, 2, "C", readonly=True)), cache=True, nogil=True)
def _row_hashes(rows: Float64) -> NDArray[np.uint64]:
    """Return a hash per row, the same for rows that are equal (FNV-1a by words: Fowler, Noll and Vo)."""
    hashes = np.empty(rows.shape[0], dtype=np.uint64)
    words = rows.view(np.uint64)
    for i in range(rows.shape[0]):
        value = np.uint64(14695981039346656037)
        for j in range(rows.shape[1]):
            word = words[i, j]
            if np.isnan(rows[i, j]):
                word = np.uint64(1)
            elif rows[i, j] == 0.0:  # either sign
                word = np.uint64(0)
            value = (value ^ word) * np.uint64(1099511628211)
            value ^= value >> np.uint64(29)
        hashes[i] = value
    return hashes


# -- protocols --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenSplit:
    """The split of `fit_then_run`.

    ``train``/``calibrate`` count rows from the start. With ``train_groups``, learning takes those groups (their
    first ``train`` rows, or all); with ``calibrate_groups``, the limit is set by those groups' first
    ``calibrate`` rows (or all). With ``per_group``, each group has a model of its own.
    """

    train: Amount | None = None
    calibrate: Amount | None = None
    train_groups: tuple[str, ...] = ()
    calibrate_groups: tuple[str, ...] = ()
    per_group: bool = False


def fit_then_run(group: Sequence[str], split: GivenSplit) -> tuple[Fold, ...]:
    """Return one fold (or one per group): learn from what came first, judge the rest.

    Raises:
        DataError: a group does not exist, or a segment is empty.
    """
    names = np.asarray(group, dtype=object)
    for wanted in (*split.train_groups, *split.calibrate_groups):
        if wanted not in set(group):
            raise DataError("no such group", field="group", value=wanted, choices=tuple(dict.fromkeys(group))[:40])
    if split.per_group:
        parts = [(name, np.flatnonzero(names == name)) for name in dict.fromkeys(group)]
        return tuple(_given(name, rows, names, split) for name, rows in parts)
    return (_given("all", np.arange(len(group)), names, split),)


def _given(name: str, rows: Int64, names: NDArray[np.object_], split: GivenSplit) -> Fold:
    train = _start(rows, names, split.train, split.train_groups)
    rest = rows[~np.isin(rows, train)]
    wants_calibration = split.calibrate is not None or split.calibrate_groups
    calibrate = _start(rest, names, split.calibrate, split.calibrate_groups) if wants_calibration else NO_ROWS
    fold = Fold(name=name, train=train, calibrate=calibrate, test=rest[~np.isin(rest, calibrate)])
    for segment, size in (("train", len(train)), ("test", len(fold.test))):
        if not size:
            raise DataError(
                f"the {segment} segment of {name} has no row", value=len(rows), next_step="choose a smaller split"
            )
    return fold


def _start(rows: Int64, names: NDArray[np.object_], amount: Amount | None, groups: tuple[str, ...]) -> Int64:
    """Return the first rows: of all, or of each of the groups."""
    if not groups:
        return rows[: amount.of(len(rows))] if amount is not None else NO_ROWS
    parts = [rows[names[rows] == name] for name in groups]
    return np.sort(np.concatenate([part if amount is None else part[: amount.of(len(part))] for part in parts]))


def walk_forward(rows: int, folds: int, start: Amount) -> tuple[Fold, ...]:
    """Return folds that learn from everything before and judge the next block; rows are in time order.

    The first ``start`` rows are only learned from; the rest is cut into ``folds`` blocks as equal as can be
    (Tashman, International Journal of Forecasting 16 (2000) 437-450: rolling origin, growing window).

    Raises:
        DataError: fewer rows to judge than folds, or nothing to start from.
    """
    first = start.of(rows)
    if folds < 1 or rows - first < folds or first < 1:
        raise DataError("too few rows to walk forward", value=rows, next_step="take fewer folds or a smaller start")
    borders = np.linspace(first, rows, folds + 1).astype(np.int64)
    return tuple(
        Fold(name=f"block {i + 1}", train=np.arange(borders[i]), test=np.arange(borders[i], borders[i + 1]))
        for i in range(folds)
    )


def leave_one_group_out(group: Sequence[str]) -> tuple[Fold, ...]:
    """Return one fold per group, in order of appearance: judge it by a model of all the others.

    Raises:
        DataError: there is only one group.
    """
    names = np.asarray(group, dtype=object)
    different = tuple(dict.fromkeys(group))
    if len(different) < 2:
        raise DataError("one group cannot be left out of one", field="group", value=different[:1])
    return tuple(
        Fold(name=name, train=np.flatnonzero(names != name), test=np.flatnonzero(names == name)) for name in different
    )


def leave_one_regime_out(regimes: Sequence[tuple[str, str, Int64]], rows: int) -> tuple[Fold, ...]:
    """Return one fold per regime ``(kind, name, positions)``: judge it by a model of all other rows.

    Kinds overlap (a part has a shift and a season), so each kind is a repeat, in order of appearance.
    """
    repeat = {kind: place for place, kind in enumerate(dict.fromkeys(kind for kind, _, _ in regimes))}
    everything = np.arange(rows)
    return tuple(
        Fold(name=name, train=np.setdiff1d(everything, chosen), test=chosen, repeat=repeat[kind])
        for kind, name, chosen in regimes
    )


def repeated_stratified_kfold(
    unit: Sequence[str], label: Sequence[str], folds: int, repeats: int, seed: int
) -> tuple[Fold, ...]:
    """Return ``folds`` x ``repeats`` shuffled folds with nearly equal shares of each label; for rows without time.

    Rows of one unit stay together (its first label counts). Repeat ``r`` is shuffled by ``(seed, r)`` alone; each
    repeat judges every row once. Kohavi, IJCAI 1995, for stratified cross-validation.

    Raises:
        DataError: fewer than two folds or fewer units than folds.
    """
    first_of = {name: row for row, name in reversed(list(enumerate(unit)))}
    heads = np.array(sorted(first_of.values()), dtype=np.int64)
    if folds < 2 or len(heads) < folds:
        raise DataError("too few units for that many folds", field="folds", value=folds, choices=(f"2..{len(heads)}",))
    row_of_head = np.array([first_of[name] for name in unit], dtype=np.int64)
    result: list[Fold] = []
    for repeat in range(repeats):
        place = _stratified_places(heads, label, folds, np.random.default_rng([seed, repeat]))
        fold_of_row = place[row_of_head]
        result += [
            Fold(
                name=f"repeat {repeat + 1} fold {k + 1}",
                train=np.flatnonzero(fold_of_row != k),
                test=np.flatnonzero(fold_of_row == k),
                repeat=repeat,
            )
            for k in range(folds)
        ]
    return tuple(result)


def _stratified_places(heads: Int64, label: Sequence[str], folds: int, rng: np.random.Generator) -> Int64:
    """Return the fold of each head row (indexed by row): each label's rows shuffled, then dealt out in turn."""
    place = np.full(int(heads.max()) + 1, -1, dtype=np.int64)
    dealt = 0
    labels = np.asarray([label[row] for row in heads], dtype=object)
    for name in sorted(set(labels)):
        rows = rng.permutation(heads[labels == name])
        place[rows] = (np.arange(len(rows)) + dealt) % folds
        dealt += len(rows)
    return place
