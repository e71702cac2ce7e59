"""What drift is measured on: 50,000 parts of 200 features, and 5,000 of which a tenth of the features has moved."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FEATURES = 200


def make(folder: Path) -> None:
    """Write both tables."""
    random = np.random.default_rng(5)
    np.save(folder / "reference.npy", random.normal(size=(50_000, FEATURES)))
    window = random.normal(size=(5_000, FEATURES))
    window[:, : FEATURES // 10] += 0.15
    np.save(folder / "window.npy", window)


def load(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Return reference and window."""
    return np.load(Path(folder) / "reference.npy"), np.load(Path(folder) / "window.npy")


def timed(run: Callable[[], float], calls: int = 1, scale: float = 1.0) -> Callable[[], dict[str, Any]]:
    """Return a run that measures CPU time of the calls, each; ``run`` returns the greatest distance it found."""

    def once() -> dict[str, float]:
        began = time.process_time()
        for _ in range(calls):
            greatest = run()
        return {"value": (time.process_time() - began) / calls * scale, "greatest": [round(greatest, 6)]}

    once()
    return once
