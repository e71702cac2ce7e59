"""How the plan of the pump rig was chosen: on its fault-free run, which is none of the 34 experiments.

    python benchmarks/choose_settings.py --out DIR --data DIR

The other plans leave the choice to `lineside.learn.search`, which makes it anew in each fit from rows that the protocol
gives to learning. An experiment of the rig has 400 rows to learn from, too few to choose by; so the setting is chosen
once, with simulated faults, on stretches of the fault-free run as long as an experiment: 280 rows to learn, 120 for
the limit, the rest to judge. The delays of the alert are chosen with it.

Of the settings within the accepted share of false alarms and false alerts an hour, the one is taken that has most
faulty rows in alarm and most faults with an alert (the sum of both shares). Every candidate is written as CSV.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.tables import read_table
from lineside.domain.errors import DataError
from lineside.domain.limits import serial_limit
from lineside.domain.metrics.episodes import Stretch, episodes_of
from lineside.learn.normal import check_reach, fit_normal, normal_scores
from lineside.learn.search import Setting, Stage, candidates, faults

SIGNALS = ("Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Voltage", "Volume Flow RateRMS")
"""All but the temperatures of motor and water: they rise as the rig warms up, and would tell how late it is."""
RATES = (0.01, 0.05)
DELAYS = ((1, 3), (3, 10), (3, 30), (5, 30), (5, 60), (10, 60))
ACCEPTED_ROWS = 0.10
ACCEPTED_ALERTS = 8.5
LEARN, LIMIT, ROWS, EVERY = 280, 120, 1150, 1500
ONSET = 200
"""Judged rows before a fault begins."""
CHART_RATE = 0.01

Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A setting with what came of it: shares of rows, alerts an hour, share of faults with an alert."""

    setting: str
    false_alarm_rate: float
    raise_after: int
    clear_after: int
    false_alarms: float
    false_alerts_per_hour: float
    detected: float
    found: float

    @property
    def accepted(self) -> bool:
        """Whether it stays within what is accepted."""
        return self.false_alarms <= ACCEPTED_ROWS and self.false_alerts_per_hour <= ACCEPTED_ALERTS


def stages(source: Path) -> list[Stage]:
    """Return stretches of the fault-free run as rehearsals."""
    table = read_table(source / "skab" / "anomaly-free" / "anomaly-free.csv")
    rows = np.column_stack([table.numbers(name) for name in SIGNALS])
    return [_stage(rows[start : start + ROWS]) for start in range(0, len(rows) - ROWS, EVERY)]


def _stage(rows: NDArray[np.float64]) -> Stage:
    group = np.full(len(rows), "run", dtype=object)
    return Stage(
        learn=rows[:LEARN],
        learn_group=group[:LEARN],
        later=rows[LEARN:],
        later_group=group[LEARN:],
        limit=LIMIT,
        onset=LIMIT + ONSET,
    )


def choices(rehearsals: list[Stage], setting: Setting, rate: float) -> Iterator[Choice]:
    """Yield what comes of a setting with each of the delays."""
    calm, faulty = [], []
    for stage in rehearsals:
        own_calm, own_faulty = _alarms(stage, setting, rate)
        calm.append(own_calm)
        faulty += own_faulty
    judged = sum(len(alarm) for alarm in calm)
    for raise_after, clear_after in DELAYS:
        raised = sum(len(_episodes(alarm, clear_after, raise_after)) for alarm in calm)
        told = [any(item.first >= ONSET for item in _episodes(alarm, clear_after, raise_after)) for alarm in faulty]
        yield Choice(
            setting=setting.words,
            false_alarm_rate=rate,
            raise_after=raise_after,
            clear_after=clear_after,
            false_alarms=round(float(np.mean([alarm.mean() for alarm in calm])), 4),
            false_alerts_per_hour=round(3600 * raised / judged, 2),
            detected=round(float(np.mean([alarm[ONSET:].mean() for alarm in faulty])), 4),
            found=round(float(np.mean(told)), 4),
        )


def _alarms(stage: Stage, setting: Setting, rate: float) -> tuple[Bools, list[Bools]]:
    """Return the alarms on the calm rows behind the limit's, and on the same with each fault."""
    model = fit_normal(
        stage.learn,
        stage.learn_group,
        weight=setting.memory,
        lags=setting.lags,
        drift=setting.drift,
        rate=max(rate, CHART_RATE),
        family=setting.family,
        allowance=setting.cusum,
    )
    if model.family is not setting.family:
        raise DataError("too few rows for this family", value=len(stage.learn))
    basis = normal_scores(model, stage.later, stage.later_group)[: stage.limit]
    limit = serial_limit(basis[np.isfinite(basis)], rate).value
    check_reach(model, limit)

    def alarms(rows: NDArray[np.float64]) -> Bools:
        return np.asarray(normal_scores(model, rows, stage.later_group)[stage.limit :] > limit, dtype=np.bool_)

    return alarms(stage.later), [alarms(rows) for rows in faults(stage, 0)]


def _episodes(alarm: Bools, clear_after: int, raise_after: int) -> tuple[Stretch, ...]:
    return episodes_of(alarm, ["run"] * len(alarm), clear_after, raise_after)


def tried(rehearsals: list[Stage]) -> Iterator[Choice]:
    """Try every setting that can be learned from so few rows."""
    for setting in candidates(continuous=True):
        for rate in RATES:
            try:
                yield from choices(rehearsals, setting, rate)
            except DataError as error:
                print(f"{setting.words}: {error}", file=sys.stderr)


def main() -> None:
    """Search, write the trail, and print what was taken and what came close."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    every = list(tried(stages(arguments.data)))
    with (arguments.out / "choices_skab.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(asdict(every[0])))
        writer.writeheader()
        writer.writerows(asdict(item) for item in every)
    within = sorted((item for item in every if item.accepted), key=lambda item: -(item.detected + item.found))
    for item in within[:5]:
        print(asdict(item), flush=True)


if __name__ == "__main__":
    main()
