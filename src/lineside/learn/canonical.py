"""Canonical variate analysis: what of the past foresees the future, and what does not.

With ``p_t`` the stacked row (now and ``lags`` before) and ``f_t`` as many rows that follow, the singular value
decomposition ``S_pp^(-1/2) S_pf S_ff^(-1/2) = U D V'`` gives uncorrelated combinations ``U' S_pp^(-1/2) p``, ordered by
how well they foresee the future (Larimore, American Control Conference, 1983). The first are the *state* of the
process; their squares sum to ``T2_s``, those of the rest to ``T2_r`` (Odiowei and Cao, IEEE Trans. Industrial
Informatics 6, 2010; Russell, Chiang and Braatz, Chemom. Intell. Lab. Syst. 51, 2000). The state moves slowly, so it has
few independent rows behind its limit; the rest is nearly free of memory, and finds what the controllers hide.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lineside.domain.readings import Float64, Int64
from lineside.learn.principal import inverse_root

_CERTAIN: Final = 0.8
"""A combination that foresees the future so well is a state, however few the rows."""


def canonical_whitening(stacked: Float64, run: Int64, width: int) -> tuple[Float64, int]:
    """Return the whitening matrix ``(m, m)``, states first, and how many states there are (one at least).

    Args:
        stacked: rows in time order ``(r, m)``, the newest ``width`` columns first.
        run: a number per row; rows of one number follow each other without a gap.
        width: inputs of one row.
    """
    ahead = stacked.shape[1] // width
    last = len(stacked) - ahead
    whole = np.flatnonzero(run[:last] == run[ahead:])
    past = stacked[whole]
    future = np.hstack([stacked[whole + step, :width] for step in range(1, ahead + 1)])
    root = inverse_root(past)
    left, correlations, _ = np.linalg.svd(root @ (past.T @ future / len(past)) @ inverse_root(future))
    by_chance = np.sqrt((past.shape[1] + future.shape[1]) / len(past))
    states = int(np.sum(correlations > min(by_chance, _CERTAIN)))
    return root @ left, int(np.clip(states, 1, max(stacked.shape[1] - 1, 1)))
