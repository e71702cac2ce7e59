"""Are faulty sensors named? Faults are put on the signals of the simulated cell: ``python benchmarks/sensors.py``.

The reference is every seventh part of a year's sample of days, as a bundle brings it along, faults of the process
included; windows of 240 parts are of the last day. Each fault is put on every signal of the middle one in turn. *Right*
is that this signal is named first and no other is; windows without a fault should have no finding.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.history import PastParts, production_days
from lineside.domain.plan.model import Role
from lineside.domain.sensors.naming import Column, name_faults
from lineside.domain.units import SECOND

PLAN: Final = Path(str(resources.files("lineside.apps.demo") / "plan.yaml"))
UNTIL: Final = 1_767_225_600 * SECOND
WINDOW: Final = 240
STRIDE: Final = 7
CHARACTERISTIC: Final = "porosity"
SPREADS: Final = {"std", "slope", "range"}
Array = np.ndarray
Change = Callable[[Array, Array, np.random.Generator], Array]


def _stuck(columns: Array, _: Array, random: np.random.Generator) -> Array:
    del random
    return np.where(np.arange(len(columns))[:, None] < 100, columns, columns[100])


def _dead(columns: Array, _: Array, random: np.random.Generator) -> Array:
    del random
    return np.where(np.arange(len(columns))[:, None] < 5, columns, np.nan)


FAULTS: Final[dict[str, tuple[str, Change]]] = {
    "offset of 4 spreads": ("miscalibrated", lambda columns, spread, _: columns + 4 * spread),
    "gain of 15 %": ("miscalibrated", lambda columns, *_: columns * 1.15),
    "ramp to 6 spreads": (
        "drifting",
        lambda columns, spread, _: columns + np.linspace(0, 6, len(columns))[:, None] * spread,
    ),
    "noise of 3 spreads": (
        "noisy",
        lambda columns, spread, random: columns + random.normal(size=(len(columns), 1)) * 3 * spread,
    ),
    "one value": ("stuck", _stuck),
    "no value": ("dead", _dead),
    "degF for degC": ("in another unit", lambda columns, *_: columns * 1.8 + 32),
}


def main() -> None:
    """Print how many of each fault were named rightly, and findings where there was no fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=12, help="days of the year that are sampled")
    parser.add_argument("--seed", type=int, default=21, help="of the cell")
    arguments = parser.parse_args()
    columns, reference, windows = _parts(arguments.seed, arguments.days)
    quiet = [name_faults(columns, reference, window, STRIDE) for window in windows]
    print(f"windows without a fault: {len(quiet)}, with a finding: {sum(bool(found) for found in quiet)}")
    for number, found in enumerate(quiet):
        print(
            "".join(f"window {number}: {item.signal or 'process'} {item.fault}, {item.why}\n" for item in found), end=""
        )
    print()
    print("| fault | signals | named rightly | the signal, another fault | another signal as well | nothing |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (fault, change) in FAULTS.items():
        counts = Counter(
            _tried(columns, reference, windows[len(windows) // 2], signal, fault, change)
            for signal in _signals(columns, of="degC" if fault == "in another unit" else "")
        )
        cells = (counts[key] for key in ("right", "another fault", "another signal", "nothing"))
        print(f"| {name} | {counts.total()} | {' | '.join(map(str, cells))} |", flush=True)


def _parts(seed: int, days: int) -> tuple[list[Column], Array, list[Array]]:
    plan = load_plan(PLAN)
    past = PastParts(plan)
    _, production = production_days(seed, days, UNTIL)
    for day in production:
        past.add(day)
    table = past.table(CHARACTERISTIC)
    kept = [place for place, spec in enumerate(table.recipe.features) if spec.role is not Role.CONTEXT]
    specs = [table.recipe.features[place] for place in kept]
    features = table.features[:, kept].astype(np.float32).astype(np.float64)
    last = np.array([name == f"day {days}" for name in table.group])
    newest = features[last]
    windows = [newest[first : first + WINDOW] for first in range(0, len(newest) - WINDOW + 1, WINDOW)]
    columns = [
        Column(spec.signal, spec.name.rpartition(".")[2] if "." in spec.name else "value", spec.unit) for spec in specs
    ]
    return columns, features[~last][::STRIDE], windows


def _signals(columns: list[Column], of: str) -> list[str]:
    """Return the signals of a unit (empty: all)."""
    return list(dict.fromkeys(column.signal for column in columns if of in {"", column.unit}))


def _tried(columns: list[Column], reference: Array, window: Array, signal: str, fault: str, change: Change) -> str:
    places = [place for place, item in enumerate(columns) if item.signal == signal and item.kind not in SPREADS]
    broken = window.copy()
    broken[:, places] = change(window[:, places], np.nanstd(reference[:, places], axis=0), np.random.default_rng(0))
    found = name_faults(columns, reference, broken, STRIDE)
    if not found:
        return "nothing"
    if {item.signal for item in found} != {signal}:
        return "another signal"
    return "right" if found[0].fault == fault else "another fault"


if __name__ == "__main__":
    main()
