import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from lineside.adapters.delta_history import DeltaHistory
from lineside.apps.layout import Layout
from lineside.cli.history import command
from lineside.domain.errors import InputError
from lineside.domain.parts import PartRecord
from lineside.ports import LandedRecord
from lineside.testing.records import BORN, a_readings_body, a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    part = PartRecord(
        cycle_id="c1", unit="U1", station="cast", started=BORN, ended=BORN, received=BORN, recipe="r",
        features=np.array([2.5]),
    )  # fmt: skip
    history = await DeltaHistory.open(Layout(tmp_path).history, {"r": ("die_temp.mean",)})
    records = [
        a_record(1),
        a_record(2, a_readings_body(0, 1234), kind=RecordKind.READINGS),
        a_record(3, encode_items([part]), kind=RecordKind.PARTS),
    ]
    await history.append([LandedRecord(position=n, record=record) for n, record in enumerate(records, 1)])
    return tmp_path


def run(data: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(command, [arguments[0], "--data", str(data), *arguments[1:]], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_looking_shows_tables_then_columns_and_rows(data: Path) -> None:
    assert "1,234" in run(data, "look").output
    found = run(data, "look", "readings", "--rows", "3").output
    assert "source_time" in found
    assert "(3 rows)" in found
    with pytest.raises(InputError, match="valid: readings"):
        run(data, "look", "nothing")


def test_counting_is_by_table_or_by_column(data: Path) -> None:
    assert json.loads(run(data, "count", "--json").output)["readings"] == 1234
    assert json.loads(run(data, "count", "--json", "--by", "signal").output) == {"melt_temp": 1234}
    assert "U1" in run(data, "count", "--table", "parts", "--by", "unit").output


def test_a_query_prints_rows_for_people_and_for_programs(data: Path) -> None:
    text = "SELECT max(value) AS highest FROM readings"
    assert "1233.0" in run(data, "query", text).output
    assert json.loads(run(data, "query", text, "--json").output) == {"highest": 1233.0}
    with pytest.raises(InputError):
        run(data, "query", "SELECT FROM")


@pytest.mark.parametrize("what", ["parts", "SELECT * FROM parts", "wide:cast"])
def test_a_table_a_query_or_a_wide_table_is_exported(data: Path, tmp_path: Path, what: str) -> None:
    file = tmp_path / "out.parquet"
    assert "1 rows" in run(data, "export", what, str(file)).output
    assert pyarrow.parquet.read_table(file).num_rows == 1


def test_a_folder_without_a_history_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no history here"):
        run(tmp_path / "absent", "count")
