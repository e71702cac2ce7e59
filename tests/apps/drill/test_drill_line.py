"""The plan that drills run."""

from pathlib import Path

from lineside.adapters.plan_yaml import load_plan
from lineside.apps.drill.line import STATION, plan_text
from lineside.domain.units import MINUTE, SECOND


def test_limits_of_time_are_longer_by_a_clock_that_runs_faster(tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    file.write_text(plan_text(lateness=12.0, speed=10.0))
    station = load_plan(file).station(STATION)
    assert (station.lateness, station.live_within) == (120 * SECOND, 100 * MINUTE)
