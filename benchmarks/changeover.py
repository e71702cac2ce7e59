"""How soon after a changeover parts are judged well again, on setups that learning has never seen.

    python benchmarks/changeover.py [--data DIR] [--setups 24] [--seed 1] [--out FILE]

Setups are left out of the learning in pieces, so that each is new once. Of a new setup the first n good parts are
judged as at the line, and teach; then the next 50 good ones are, and the faulty ones as if each came right then. Arms:

- ``one setup``: a model of normal of one setup, with its limit: what a line has that learned before the changeover;
- ``all setups``: one model of normal of all setups, without baselines;
- ``centre only``: the mean of the n parts is taken off, the limit stays;
- ``centre and limit``: what Lineside does where the plan names the setup;
- ``and first-off part``: the same, and the first part is inspected and found good (verification of the job set-up).

The widening of the limit with few parts, and that the first part sets the centre, were settled after a look at
sixteen of the setups of seed 1; any other seed is untouched. With ``--data`` the experiments of SKAB are judged too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from changeover_data import Rows, SetupParts, cell_setups, skab_setups
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.plan_yaml import load_plan
from lineside.domain.features.recipe import recipe_for
from lineside.domain.parts import PartRecord, PartTable
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState
from lineside.domain.units import SECOND
from lineside.learn.fit import FitRequest, fit
from lineside.testing.modelling import modelling_plan
from lineside.wire.bundle import Bundle, seal

AFTER = (5, 10, 20, 50)
NEXT = 50
"""Good parts that are judged behind the first."""
PIECES = 4
RATE = 0.01
WISH: dict[str, Any] = {"family": "normal", "false_alarm_rate": RATE}
ALARMS = frozenset({JudgementState.ALARM})


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A plan, once with setups and once without, and what of it is learned."""

    plan: Plan
    plain: Plan
    characteristic: str
    signal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One row of the table: over all setups left out, and the worst tenth of the setups."""

    arm: str
    after: int
    setups: int
    useful: float
    recall: float
    false_alarms: float
    worst_false_alarms: float


def main() -> int:
    """Measure and print both tables."""
    options = _options()
    line = cell_line()
    tables = {"cell": measure(line, cell_setups(line.plan, options.setups, options.seed))}
    if options.data is not None:
        tables["skab"] = measure(rig_line(), skab_setups(options.data))
    for name, figures in tables.items():
        sys.stdout.write(f"\n{name}\n" + "\n".join(table_of(figures)) + "\n")
    if options.out is not None:
        options.out.write_text(json.dumps({k: [asdict(item) for item in v] for k, v in tables.items()}, indent=1))
    return 0


def cell_line() -> Line:
    """Return the casting station of the demo, its porosity judged by a model of normal."""
    plan = load_plan(Path(str(files("lineside.apps.demo") / "plan.yaml")))
    dump = plan.model_dump(mode="json", exclude_unset=True)
    return _line(dump, "porosity", "variant")


def rig_line() -> Line:
    """Return a line of rows with eight signals."""
    return _line(
        modelling_plan(8, contexts=["variant"]).model_dump(mode="json", exclude_unset=True), "porosity", "variant"
    )


def _line(dump: dict[str, Any], characteristic: str, signal: str) -> Line:
    plans = []
    for wish in ({**WISH, "setup": [signal], "setup_parts": min(AFTER)}, WISH):
        items = [item for item in dump["characteristics"] if item["id"] == characteristic]
        reactions = [item for item in dump["reactions"] if item["characteristic"] == characteristic]
        chosen = {"characteristics": [{**items[0], "model": wish}], "reactions": reactions}
        plans.append(Plan.model_validate({**dump, **chosen}))
    return Line(plan=plans[0], plain=plans[1], characteristic=characteristic, signal=signal)


def measure(line: Line, setups: Sequence[SetupParts]) -> list[Figure]:
    """Return the figures of every arm, each setup left out once."""
    found: dict[tuple[str, int], list[tuple[bool, float, float]]] = {}
    for piece in range(PIECES):
        new = setups[piece::PIECES]
        known = [item for item in setups if item not in new]
        for name, arm in arms_of(line, known).items():
            for setup in new:
                for after, seen in judged_after(line, arm, setup).items():
                    found.setdefault((name, after), []).append(seen)
        sys.stderr.write(f"piece {piece + 1} of {PIECES}\n")
    return [_figure(arm, after, seen) for (arm, after), seen in sorted(found.items(), key=lambda item: item[0][1])]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """A judge; with ``recentred`` the mean of a setup's good parts is first brought to that bundle's reference.

    ``first_off``: the first part of a setup is inspected and found good, as job set-ups are verified.
    """

    judge: OnnxJudge
    recentred: Bundle | None = None
    first_off: bool = False


def arms_of(line: Line, known: Sequence[SetupParts]) -> dict[str, Arm]:
    """Return every arm, learned from the setups known."""
    ours = _learned(line.plan, line, known)
    station = line.plan.characteristic(line.characteristic).station
    plain = [[_learned(line.plain, line, some)] for some in (known[-1:], known)]
    return {
        "one setup": Arm(judge=OnnxJudge(line.plain, station, plain[0]).open()),
        "all setups": Arm(judge=OnnxJudge(line.plain, station, plain[1]).open()),
        "centre only": Arm(judge=OnnxJudge(line.plan, station, [ours], setups=False).open(), recentred=ours),
        "centre and limit": Arm(judge=OnnxJudge(line.plan, station, [ours]).open()),
        "and first-off part": Arm(judge=OnnxJudge(line.plan, station, [ours]).open(), first_off=True),
    }


def _learned(plan: Plan, line: Line, known: Sequence[SetupParts]) -> Bundle:
    rows = np.concatenate([item.good for item in known])
    started = np.arange(len(rows), dtype=np.int64) * SECOND
    table = PartTable(
        recipe=recipe_for(plan, plan.characteristic(line.characteristic).station),
        unit=tuple(f"learned-{i}" for i in range(len(rows))),
        started=started,
        ended=started + SECOND,
        features=rows,
        group=("",) * len(rows),
        outcome=("",) * len(rows),
        context=tuple({line.signal: item.name} for item in known for _ in range(len(item.good))),
    )
    bundle = fit(FitRequest(plan=plan, characteristic=line.characteristic, table=table)).bundle
    # Whether the weather was seen before is another question, and would hide the answers to this one.
    return seal(msgspec.structs.replace(bundle.manifest, experience=None), bundle.files)


def judged_after(line: Line, arm: Arm, setup: SetupParts) -> dict[int, tuple[bool, float, float]]:
    """Return per number of good parts seen: whether the setup is known, and the share in alarm of faulty and good.

    The next `NEXT` good parts are judged as they come, and teach; each faulty one as if it came right then.
    """
    judge, found, taught = arm.judge, {}, 0
    judge.reset()
    for after in AFTER:
        for number in range(taught, after):
            _states(line, judge, setup, setup.good[number : number + 1], first=number)
            if arm.first_off and number == 0:
                judge.clear({f"{setup.name}-0"})
        state, taught = judge.state(), after
        off = _mean_off(arm.recentred, setup.good[:after])
        following = _states(line, judge, setup, setup.good[after : after + NEXT] - off, first=after)
        faulty: list[JudgementState] = []
        for row in np.concatenate(list(setup.faulty.values())) - off:
            judge.restore(state)
            faulty += _states(line, judge, setup, row[None, :], first=after)
        judge.restore(state)
        found[after] = (following[0] is not JudgementState.WARMING_UP, _share(faulty), _share(following))
    return found


def _states(line: Line, judge: OnnxJudge, setup: SetupParts, rows: Rows, *, first: int) -> list[JudgementState]:
    parts = [_part(line, setup.name, row, number) for number, row in enumerate(rows, start=first)]
    return [judge.judge(part, 0).predictions[0].state for part in parts]


def _mean_off(bundle: Bundle | None, rows: Rows) -> Rows:
    """Return how far the mean of rows lies off a bundle's reference, 0 where there is none."""
    off = np.zeros(rows.shape[1])
    if bundle is not None and bundle.manifest.setups is not None:
        facts = bundle.manifest.setups
        off[list(facts.features)] = rows[:, list(facts.features)].mean(axis=0) - np.array(facts.centre)
    return off


def _share(states: Sequence[JudgementState]) -> float:
    return float(np.mean([state in ALARMS for state in states])) if states else float("nan")


def _part(line: Line, name: str, row: Rows, number: int) -> PartRecord:
    recipe = recipe_for(line.plan, line.plan.characteristic(line.characteristic).station)
    return PartRecord(
        cycle_id=f"{name}-{number}",
        unit=f"{name}-{number}",
        station=recipe.station,
        started=number * SECOND,
        ended=(number + 1) * SECOND,
        received=(number + 1) * SECOND,
        recipe=recipe.digest,
        features=row,
        context={line.signal: name},
    )


def _figure(arm: str, after: int, seen: Sequence[tuple[bool, float, float]]) -> Figure:
    known, recall, false_alarms = (np.array(column, dtype=np.float64) for column in zip(*seen, strict=True))
    return Figure(
        arm=arm,
        after=after,
        setups=len(seen),
        useful=float(known.mean()),
        recall=float(np.nanmean(recall)),
        false_alarms=float(np.nanmean(false_alarms)),
        worst_false_alarms=float(np.nanquantile(false_alarms, 0.9)),
    )


def table_of(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield the figures as a table in Markdown."""
    yield "| good parts | arm | setups known | recall | false alarms | of the worst tenth of setups |"
    yield "|---:|---|---:|---:|---:|---:|"
    for item in figures:
        yield (
            f"| {item.after} | {item.arm} | {item.useful:.0%} | {item.recall:.1%} | {item.false_alarms:.2%}"
            f" | {item.worst_false_alarms:.1%} |"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How soon after a changeover parts are judged well again.")
    parser.add_argument("--data", type=Path, help="folder with the published sets; without it the simulated cell only")
    parser.add_argument("--setups", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
