"""How each family of models says which inputs carried the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64
from lineside.wire.bundle import Bundle

Float32 = NDArray[np.float32]
Explainer = Callable[[Float32, Mapping[str, Float32]], Float64]
"""From one row of inputs ``(1, n)`` and the graph's outputs to the share of each input, shape ``(n,)``."""


def explainer_for(bundle: Bundle) -> Explainer:
    """Return the explainer of a bundle's family."""
    del bundle
    return _parts


def _parts(features: Float32, outputs: Mapping[str, Float32]) -> Float64:
    """The graph itself gives the parts of its score."""
    del features
    shares: Float64 = outputs["parts"][0].astype(np.float64)
    return shares
