from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lineside.cli.coverage import command
from lineside.domain.errors import DataError, InputError

PLAN = """\
lineside: 1
site: {id: site}
area: {id: area}
line: {id: line, name: Line 7, timezone: Europe/Berlin}
part: {number: P-1}
shifts: [{id: early, starts: "06:00"}, {id: late, starts: "14:00"}, {id: night, starts: "22:00"}]
sources: [{id: rows, kind: files, path: parts.csv, time_column: time}]
stations: [{id: press, name: Press, cycle: {by: rows}}]
signals:
  - {id: melt, station: press, source: rows, unit: degC}
  - {id: hall, name: Hall, station: press, source: rows, unit: degC, role: environment}
envelope: [{signal: hall, low: 5, high: 40}]
characteristics: [{id: porosity, station: press}]
reactions:
  - {id: look, characteristic: porosity, text: Likely., steps: [{do: inspect, text: Look.}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plan, 200 parts of a mild May day, and a summer of hourly hall temperatures."""
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    hall = np.linspace(15, 30, 200)
    rows = [f"2025-05-01T{i // 60:02d}:{i % 60:02d}:00Z,680.{i},{hall[i]:.2f}" for i in range(200)]
    (tmp_path / "parts.csv").write_text("\n".join(["time,melt,hall", *rows]), encoding="utf-8")
    start = np.datetime64("2025-05-31T22", "h")
    warm = [35 if start + h >= np.datetime64("2025-07-25T22") and h < 1464 else 20 for h in range(92 * 24)]
    lines = [f"{start + h}:00:00Z,{value}" for h, value in enumerate(warm)]
    (tmp_path / "hall.csv").write_text("\n".join(["time,hall", *lines]), encoding="utf-8")
    return tmp_path


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(command, [str(folder / "plan.yaml"), *options], catch_exceptions=False)


def test_it_names_the_gap_and_the_share_of_shifts_in_it(folder: Path) -> None:
    shown = run(folder, "--parts", str(folder / "parts.csv"), "--conditions", str(folder / "hall.csv")).output
    assert "Press: 200 parts" in shown
    assert "Hall: 15 to 30 degC seen, 5 to 40 declared" in shown
    assert "Hall: no parts above 30 degC (declared up to 40); 20 % of the shifts in July were there" in shown


def test_without_a_record_it_says_that_the_share_is_not_known(folder: Path) -> None:
    shown = run(folder, "--parts", str(folder / "parts.csv")).output
    assert "above 30 degC (declared up to 40); how often the line is there is not known" in shown


def test_it_prints_one_object_and_writes_a_page(folder: Path) -> None:
    shown = run(folder, "--parts", str(folder / "parts.csv"), "--json", "--report", str(folder / "out"))
    press = json.loads(shown.output)["press"]
    assert press["parts"] == sum(press["conditions"][0]["parts"]) == 200
    assert [gap["share"] for gap in press["gaps"]] == [None, None]
    assert "Line 7" in (folder / "out" / "coverage.html").read_text(encoding="utf-8")


def test_it_asks_for_one_kind_of_data_and_a_record_with_times(folder: Path) -> None:
    with pytest.raises(InputError, match="whose coverage is wanted"):
        run(folder)
    (folder / "hall.csv").write_text("hall\n20\n", encoding="utf-8")
    with pytest.raises(DataError, match="needs a time and a column per condition"):
        run(folder, "--parts", str(folder / "parts.csv"), "--conditions", str(folder / "hall.csv"))
