"""Whether a model of normal is better off judging features given their conditions: decided on unseen conditions.

A response that holds within the conditions seen may err beyond them, and the narrower the spread that it leaves, the
more an error counts. So the lowest and the highest quarters of the parts, by the two conditions that move most
features, are left out in turn. What was learned of the rest, with the response and without, judges the good parts left
out, and parts of the rest in which one feature is moved by `FAULT` of its scales (up and down, one feature after
another). At the same false-alarm rate on the parts left out, more of these must be found, by more than a standard
error over the quarters.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lineside.domain.plan.model import Characteristic
from lineside.domain.readings import Float64
from lineside.learn.given import learn_given, unseen_quarters
from lineside.learn.normal import LEAST_ROWS, fit_normal, normal_scores, robust_scale
from lineside.learn.rows import Choice, Rows, nonconforming, thinned

FAULT: Final = 2.0
_FALSE: Final = 0.01
_MOST_ROWS: Final = 6_000


def given_pays(
    characteristic: Characteristic, columns: Choice, rows: Rows, older: Rows | None = None
) -> tuple[bool, str]:
    """Return whether judging given conditions pays, and in words what was seen; empty where nothing responds.

    ``older`` rows teach the response beside those that are not left out, as they do in `learn_given`.
    """
    good = rows.take(np.flatnonzero(~nonconforming(rows, characteristic)))
    good = good.take(thinned(len(good), _MOST_ROWS))
    given = learn_given(characteristic, columns, good, older=older)
    if given is None:
        return False, ""
    found = np.array(
        [
            _found(characteristic, columns, good.take(~out), good.take(out), older)
            for out in unseen_quarters(given, good.features)
            if min(np.sum(out), np.sum(~out)) >= 4 * LEAST_ROWS
        ]
    )
    if len(found) < 2:
        return False, "conditions are left out: too few parts to tell whether they help"
    without, by = found.T
    gain = by - without
    error = float(gain.std(ddof=1) / np.sqrt(len(gain)))
    pays = bool(gain.mean() > error)
    words = (
        f"{by.mean():.0%} of simulated faults are found with them and {without.mean():.0%} without"
        f" (+- {error:.0%}), at equal false alarms on {len(gain)} quarters of unseen conditions"
    )
    return pays, f"conditions are {'considered' if pays else 'left out'}: {words}"


def _found(
    characteristic: Characteristic, columns: Choice, rest: Rows, out: Rows, older: Rows | None
) -> tuple[float, float]:
    """Return the shares of simulated faults found without and with a response that knows the rest and older rows."""
    process = np.setdiff1d(columns.inputs, columns.environment)
    faulty = rest.features.copy()
    number = np.arange(len(faulty))
    size = FAULT * robust_scale(rest.features[:, process])[1]
    faulty[number, process[number % len(process)]] += (
        np.where(number // len(process) % 2, -1.0, 1.0) * (size[number % len(process)])
    )
    given = learn_given(characteristic, columns, rest, older=older)
    plain = _share(rest.features[:, process], out.features[:, process], faulty[:, process], None)
    if given is None:
        return plain, plain
    learned = given.unseen(rest.features)
    scales = given.scale(rest.features, learned)
    return plain, _share(learned, given.rows(out.features), given.rows(faulty), scales)


def _share(learned: Float64, calm: Float64, faulty: Float64, scales: tuple[Float64, Float64] | None) -> float:
    """Return the share of faulty rows above what all but a share `_FALSE` of calm rows stay below."""
    nobody = np.full(max(len(learned), len(calm), len(faulty)), "", dtype=object)
    model = fit_normal(learned, nobody[: len(learned)], weight=1.0, lags=0, rate=_FALSE, scales=scales)
    limit = np.quantile(normal_scores(model, calm, nobody[: len(calm)]), 1.0 - _FALSE)
    return float(np.mean(normal_scores(model, faulty, nobody[: len(faulty)]) > limit))
