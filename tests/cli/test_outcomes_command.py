import asyncio
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.apps.layout import Layout
from lineside.cli.outcomes import command
from lineside.domain.errors import InputError
from lineside.domain.parts import PartRecord
from lineside.flows.compact import Compactor
from lineside.testing.records import BORN, a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

PLAN = """\
lineside: 1
site: {id: works}
area: {id: foundry}
line: {id: dc07}
part: {number: "4711"}
sources: [{id: machine, kind: files, path: in}]
stations: [{id: cast, cycle: {by: trigger, signal: running}}]
signals:
  - {id: running, station: cast, source: machine, role: trigger}
  - {id: die_temp, station: cast, source: machine, unit: degC}
characteristics: [{id: porosity, station: cast}]
reactions: [{id: any, characteristic: porosity, text: Porosity, steps: [{do: inspect, text: Look}]}]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "plan.yaml").write_text(PLAN)
    Layout(tmp_path / "data").create()
    return tmp_path


def run(root: Path, *arguments: str) -> str:
    common = ["--plan", str(root / "plan.yaml"), "--data", str(root / "data")]
    result = CliRunner().invoke(command, [*arguments, *common], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def import_csv(root: Path, text: str, *options: str, name: str = "f.csv") -> str:
    (root / name).write_text(text)
    return run(root, "import", str(root / name), *options)


def compact(root: Path) -> HistoryQuery:
    """Move what has landed into the history, as the plant does."""
    layout = Layout(root / "data")

    async def move() -> None:
        landing = await SqliteLanding.open(layout.landing)
        history = await DeltaHistory.open(layout.history)
        await Compactor(landing=landing, history=history).round()
        await landing.close()

    asyncio.run(move())
    return HistoryQuery(layout.history)


def held(query: HistoryQuery) -> list[tuple[str, str]]:
    rows = query.sql("SELECT unit, value FROM latest_outcomes ORDER BY unit").to_pylist()
    return [(row["unit"], row["value"]) for row in rows]


def test_a_file_is_imported_once_however_often_it_is_handed_in(root: Path) -> None:
    text = "unit,porosity\nU1,ok\nU2,nok\n"
    assert "2 outcomes imported" in import_csv(root, text)
    assert "imported before" in import_csv(root, text)
    assert "imported before" in import_csv(root, text, name="copy.csv")
    query = compact(root)
    assert held(query) == [("U1", "conforming"), ("U2", "nonconforming")]
    assert "imported before" in import_csv(root, text)
    assert compact(root).counts()["outcomes"] == 2


@pytest.mark.parametrize("between", [False, True])
def test_a_correction_is_a_later_revision_before_and_after_it_is_in_the_history(root: Path, between: bool) -> None:  # noqa: FBT001 - a parameter
    import_csv(root, "unit,porosity\nU1,ok\nU2,ok\n")
    if between:
        compact(root)
    assert "1 of them corrections" in import_csv(root, "unit,porosity\nU1,nok\nU2,ok\n")
    query = compact(root)
    assert held(query) == [("U1", "nonconforming"), ("U2", "conforming")]
    assert query.sql("SELECT max(revision) AS r FROM outcomes").to_pylist() == [{"r": 2}]


def test_what_cannot_be_taken_is_quarantined_and_reported(root: Path) -> None:
    told = import_csv(root, "unit,porosity\nU1,maybe\nU2,ok\nU2,nok\nU3,ok\n")
    assert "1 outcomes imported" in told
    assert "3 rows quarantined, 2 of them contradict each other" in told
    assert compact(root).counts()["quarantine"] == 3


def test_units_that_no_part_is_known_of_are_reported_and_kept(root: Path) -> None:
    async def land_parts() -> None:
        landing = await SqliteLanding.open(Layout(root / "data").landing)
        for number in (1, 2):
            part = PartRecord(
                cycle_id=f"c{number}", unit=f"U{number}", station="cast", started=BORN, ended=BORN, received=BORN,
                recipe="r", features=np.array([1.0]),
            )  # fmt: skip
            await landing.land([a_record(number, encode_items([part]), kind=RecordKind.PARTS)])
            if number == 1:
                history = await DeltaHistory.open(Layout(root / "data").history)
                await Compactor(landing=landing, history=history).round()
        await landing.close()

    asyncio.run(land_parts())
    told = import_csv(root, "unit,porosity\nU1,ok\nU2,ok\nU9,ok\n")
    assert "1 units are not known as parts (yet): U9" in told
    assert "3 outcomes imported" in told


def test_the_time_of_finding_is_a_column(root: Path) -> None:
    text = "unit,porosity,when\nU1,nok,2026-11-02T10:00:00Z\nU1,ok,2026-11-01T10:00:00Z\n"
    import_csv(root, text, "--time", "when")
    assert held(compact(root)) == [("U1", "nonconforming")]


def test_an_event_at_the_line_is_noted(root: Path) -> None:
    told = run(root, "event", "manual_check", "--station", "cast", "--minutes", "2.5", "--by", "operator")
    assert "noted manual_check" in told
    (row,) = compact(root).sql('SELECT kind, minutes, "by" FROM events').to_pylist()
    assert row == {"kind": "manual_check", "minutes": 2.5, "by": "operator"}
    with pytest.raises(InputError, match="valid: cast"):
        run(root, "event", "note", "--station", "nowhere")
