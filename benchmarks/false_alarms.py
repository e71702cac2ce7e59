"""What limits promise, measured on later normal stretches: `python benchmarks/false_alarms.py --out DIR --data DIR`.

Every row learns, sets its limit, and counts false alarms on a *later* stretch of the same normal process:

- ``AR(1)``: series of known law, with 10,000 effective rows and more on both sides;
- ``TEP``: learned from ``d00``, limit from the first half of ``d00_te``, later: its second half, and the rows before
  the faults of all runs (those of faults 4 and 5 are the same and count once);
- ``SKAB``: the fault-free run, 30 % to learn, 30 % for the limit, the rest later;
- ``cell``: the simulated cell without faults, seeds that nothing else uses: nine weeks of spring to learn and for the
  limit, then four more weeks of spring, then summer. Counted per alert, by the budget of the plan, and certain.

Beside the measured rate stands its 95 % interval (Wilson 1927, with the effective number of later rows), and what the
limit for exchangeable parts would have given. A second table asks how many of 500 limits keep the rate, those that are
to keep it on average and those that are to be certain, by the known law of the series. Nothing is chosen here: models
have the settings that a plan begins with.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.tables import read_table
from lineside.apps.demo.year.calendar import Season, season_days
from lineside.apps.demo.year.production import DayOfParts, YearCell, year_plan
from lineside.domain.effective import effective_rows
from lineside.domain.features.recipe import recipe_for
from lineside.domain.following import FollowedLimit, follow_facts
from lineside.domain.limits import Limit, conformal_limit, serial_limit
from lineside.domain.metrics.episodes import episodes_of
from lineside.domain.plan.budget import FalseAlarms, false_alarms
from lineside.domain.plan.model import ModelFamily, ModelWish, Plan
from lineside.learn.normal import fit_normal, normal_scores
from lineside.testing.series import above_normal, autoregressive

Rows = NDArray[np.float64]
PROJECT = Path(__file__).resolve().parent.parent
RATE = 0.01
LIMITS = 500
SEEDS = (921, 922, 923, 924, 925)
LEARNED_WEEKS = 9
FOLLOW = 0.5
SKAB_SIGNALS = (
    "Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Temperature", "Thermocouple", "Voltage",
    "Volume Flow RateRMS",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One row: what was promised, and what came on a later stretch; all rates are shares of parts."""

    name: str
    counted: str
    limit_rows: int
    effective: float
    nominal: float
    promised: float
    modelled: bool
    later_rows: int
    later_effective: float
    certain: bool
    measured: float
    low: float
    high: float
    exchangeable: float

    @property
    def contains(self) -> bool:
        """Whether the interval of the measured rate contains the nominal one."""
        return self.low <= self.nominal <= self.high

    @property
    def verdict(self) -> str:
        """Whether the interval contains the rate asked for; a limit that is to be certain may lie below it too."""
        if self.contains:
            return "yes"
        return "below" if self.certain and self.high < self.nominal else "**no**"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretch:
    """Scores of rows that set a limit, and of later ones with their alarms by it and by the exchangeable limit."""

    limit: Limit
    later: Rows
    alarm: NDArray[np.bool_]
    former: NDArray[np.bool_]


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for row in (*known_series(), *published(arguments.data), *cell()):
        print(as_text(row), flush=True)
        rows.append(row)
    kept = list(certainty())
    content = {
        "later_stretches": [asdict(row) | {"contains_nominal": row.contains} for row in rows],
        "certainty": [asdict(row) for row in kept],
    }
    (arguments.out / "false_alarms.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    text = "\n".join([*table(rows), "", *certainty_table(kept)]) + "\n"
    (arguments.out / "false_alarms.md").write_text(text, encoding="utf-8")
    print(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """How many of ``LIMITS`` limits by series of so many rows keep their rate: set on average, and certain."""

    memory: float
    rows: int
    effective: float
    average: float
    certain: float
    mean_rate: float
    mean_certain_rate: float


def certainty() -> Iterator[Kept]:
    """Yield how often limits keep their rate, by the law of the series they are set by."""
    for memory, rows in itertools.product((0.0, 0.5, 0.9, 0.98), (2_000, 20_000)):
        series = [autoregressive(rows, memory, seed=1_000 + seed) for seed in range(LIMITS)]
        average, certain = ([serial_limit(one, RATE, certain=ask) for one in series] for ask in (False, True))
        rates, sure = (np.array([above_normal(limit.value) for limit in limits]) for limits in (average, certain))
        yield Kept(
            memory=memory,
            rows=rows,
            effective=float(np.mean([limit.effective for limit in average])),
            average=float(np.mean(rates <= RATE)),
            certain=float(np.mean(sure <= RATE)),
            mean_rate=float(rates.mean()),
            mean_certain_rate=float(sure.mean()),
        )


def certainty_table(rows: list[Kept]) -> list[str]:
    """Return the table of `certainty` as Markdown."""
    header = ("series", "limit from", "on average: kept by", "mean rate", "certain: kept by", "mean rate")
    lines = [f"| {' | '.join(header)} |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for row in rows:
        cells = (
            f"AR(1), {row.memory:g}", f"{row.rows} rows worth {row.effective:.0f}", f"{row.average:.0%}",
            f"{row.mean_rate:.3%}", f"{row.certain:.0%}", f"{row.mean_certain_rate:.3%}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def known_series() -> Iterator[Measured]:
    """Yield rows of series whose law is known."""
    for memory, rows in ((0.0, 20_000), (0.5, 40_000), (0.9, 200_000), (0.98, 800_000)):
        for fold, unit in ((0, "parts"), (3, "alerts")):
            one, two = (autoregressive(rows, memory, seed=seed) for seed in (1, 2))
            stretch = _stretch(one, two, FalseAlarms(rate=RATE, shift_parts=None, why="", fold=fold))
            yield _measured(f"AR(1), {memory:g}", unit, [stretch], fold)


def published(data: Path) -> Iterator[Measured]:
    """Yield rows of published sets, as far as they are there."""
    if not (data / "tep").is_dir():
        print(f"no published sets in {data}: left out", file=sys.stderr)
        return
    asked = FalseAlarms(rate=RATE, shift_parts=None, why="")
    runs = np.load(data / "tep" / "tep_test_float32.npz")
    normal = runs["d00_te"].astype(np.float64)
    before = {
        name: runs[name][:160].astype(np.float64) for name in runs.files if name not in {"d00", "d00_te", "d05_te"}
    }
    for weight in (1.0, 0.1):
        model = fit_normal(runs["d00"].astype(np.float64), _one(500), weight=weight, lags=0, rate=RATE)
        scores = normal_scores(model, normal, _one(len(normal)))
        name = "TEP" if weight == 1.0 else f"TEP, memory {weight:g}"
        yield _measured(f"{name}, second half", "parts", [_stretch(scores[:480], scores[480:], asked)], 0)
        others = [_stretch(scores[:480], normal_scores(model, rows, _one(160)), asked) for rows in before.values()]
        yield _measured(f"{name}, before faults", "parts", others, 0)
    file = read_table(data / "skab" / "anomaly-free" / "anomaly-free.csv")
    rows = np.column_stack([file.numbers(name) for name in SKAB_SIGNALS])
    cut, begin = round(0.3 * len(rows)), round(0.6 * len(rows))
    for drift in (0.0, 0.01):
        model = fit_normal(rows[:cut], _one(cut), weight=1.0, lags=0, rate=RATE, drift=drift)
        scores = normal_scores(model, rows, _one(len(rows)))
        name = f"SKAB fault-free, drift {drift:g}"
        yield _measured(name, "parts", [_stretch(scores[cut:begin], scores[begin:], asked)], 0)
        yield _measured(f"{name}, follow", "parts", [_stretch(scores[cut:begin], scores[begin:], asked, FOLLOW)], 0)


def cell() -> Iterator[Measured]:
    """Yield rows of the simulated cell, all seeds together."""
    demo = Path(sys.modules["lineside.apps.demo"].__file__ or "").parent / "plan.yaml"
    plan = year_plan(load_plan(demo))
    characteristic = plan.characteristic("porosity")
    wish = ModelWish(family=ModelFamily.NORMAL)
    asked = false_alarms(plan, characteristic.model_copy(update={"model": wish}))
    stretches: dict[tuple[str, float, bool], list[Stretch]] = {}
    for seed in SEEDS:
        days = [
            replace(day, faults=()) for season in (Season.SPRING, Season.SUMMER) for day in season_days(seed, season)
        ]
        made = list(YearCell(plan=plan, seed=seed).days(tuple(days)))
        scores = _cell_scores(plan, made)
        for follow, certain in itertools.product((0.0, FOLLOW), (False, True)):
            wish = replace(asked, certain=certain)
            for name, later in (("spring", scores[1]), ("summer", scores[2])):
                stretches.setdefault((name, follow, certain), []).append(_stretch(scores[0], later, wish, follow))
    for (name, follow, certain), pieces in stretches.items():
        called = f"cell, later {name}{', follow' if follow else ''}{', certain' if certain else ''}"
        yield _measured(called, "alerts", pieces, asked.fold, certain=certain)


def _cell_scores(plan: Plan, made: list[DayOfParts]) -> tuple[Rows, Rows, Rows]:
    """Return scores of the parts that set the limit, of the rest of spring, and of summer; conforming parts only."""
    good = [_conforming(plan, day) for day in made]
    weeks = [day.day.week for day in made]
    first, spring, summer = (
        np.concatenate([rows for rows, week in zip(good, weeks, strict=True) if low <= week < high])
        for low, high in ((0, LEARNED_WEEKS), (LEARNED_WEEKS, 13), (13, 26))
    )
    cut = round(0.7 * len(first))
    model = fit_normal(first[:cut], _one(cut), weight=1.0, lags=0, rate=RATE)
    return tuple(normal_scores(model, rows, _one(len(rows))) for rows in (first[cut:], spring, summer))  # type: ignore[return-value]


def _conforming(plan: Plan, day: DayOfParts) -> Rows:
    recipe = recipe_for(plan, "cast")
    process = [i for i, item in enumerate(recipe.features) if item.role == "process"]
    bad = np.any(list(day.truth.bad.values()), axis=0)
    rows: Rows = np.stack([part.features for part in day.parts])[~bad][:, process]
    return rows


def _stretch(basis: Rows, later: Rows, asked: FalseAlarms, follow: float = 0.0) -> Stretch:
    limit = serial_limit(basis, asked.rate, None, asked.fold, certain=asked.certain)
    former = later > conformal_limit(basis, asked.rate).value
    facts = follow_facts(basis, limit.value, limit.effective, follow) if follow else None
    if facts is None:
        return Stretch(limit=limit, later=later, alarm=later > limit.value, former=former)
    followed, alarm = FollowedLimit(limit.value, facts), np.zeros(len(later), dtype=np.bool_)
    for place, score in enumerate(later.tolist()):
        alarm[place] = score > followed.value
        followed.observe(score, ended=place, suspected=bool(alarm[place]))
    return Stretch(limit=limit, later=later, alarm=alarm, former=former)


def _measured(name: str, counted: str, stretches: list[Stretch], fold: int, *, certain: bool = False) -> Measured:
    events = np.concatenate([_events(item.alarm, fold) for item in stretches])
    former = np.concatenate([_events(item.former, fold) for item in stretches])
    names = np.concatenate([np.full(len(item.later), str(i), dtype=object) for i, item in enumerate(stretches)])
    worth, share = effective_rows(events, names), float(events.mean())
    low, high = wilson(share, worth)
    limits = [item.limit for item in stretches]
    return Measured(
        name=name,
        counted=counted,
        limit_rows=round(float(np.mean([item.rows for item in limits]))),
        effective=float(np.mean([item.effective for item in limits])),
        nominal=limits[0].nominal,
        promised=float(np.mean([item.guaranteed for item in limits])),
        modelled=any(item.modelled for item in limits),
        later_rows=len(events),
        later_effective=worth,
        certain=certain,
        measured=share,
        low=low,
        high=high,
        exchangeable=float(former.mean()),
    )


def _events(alarm: NDArray[np.bool_], fold: int) -> Rows:
    if not fold:
        return alarm.astype(np.float64)
    events = np.zeros(len(alarm))
    events[[item.first for item in episodes_of(alarm, [""] * len(alarm), fold)]] = 1.0
    return events


def wilson(share: float, count: float, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, JASA 22, 1927)."""
    middle = (share + z * z / (2.0 * count)) / (1.0 + z * z / count)
    half = z * math.sqrt(share * (1.0 - share) / count + z * z / (4.0 * count * count)) / (1.0 + z * z / count)
    return max(middle - half, 0.0), middle + half


def table(rows: list[Measured]) -> list[str]:
    """Return the table as Markdown; rates in percent of parts."""
    header = (
        "later normal stretch", "counted", "limit from", "asked", "promised", "measured", "95 % interval", "contains",
        "exchangeable limit",
    )  # fmt: skip
    lines = [f"| {' | '.join(header)} |", "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |"]
    for row in rows:
        cells = (
            row.name, row.counted, f"{row.limit_rows} rows worth {row.effective:.0f}", f"{row.nominal:.3%}",
            f"{row.promised:.3%}{' (tail modelled)' if row.modelled else ''}", f"{row.measured:.3%}",
            f"{row.low:.3%} to {row.high:.3%}", row.verdict, f"{row.exchangeable:.3%}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def as_text(row: Measured) -> str:
    """Return a row as a line of text."""
    interval = f"{row.low:.3%} to {row.high:.3%}"
    return f"{row.name} [{row.counted}]: asked {row.nominal:.3%}, measured {row.measured:.3%} ({interval})"


def _one(rows: int) -> NDArray[np.object_]:
    return np.full(rows, "", dtype=object)


if __name__ == "__main__":
    main()
