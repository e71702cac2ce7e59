from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.tables import TimeOptions, read_table
from lineside.domain.errors import DataError
from lineside.domain.outcome_import import read_outcomes
from lineside.domain.plan.model import Plan
from lineside.testing.plans import plan_with_source

FILE = """\
K0100 2
K1001/1 4711
K2002/1 Porosity
K2002/2 Length
0,4\x140\x1418.11.2026/11:06:40\x14\x14\x14\x14Meier\x0f55,5
K0014/0 S1
1,7\x140\x1418.11.2026/11:06:41\x14\x14\x14\x14Meier\x0f55,6\x14129
K0014/0 S2
"""


def test_an_aqdef_file_is_a_table_of_value_sets_without_inspectors(tmp_path: Path) -> None:
    (tmp_path / "a.dfq").write_text(FILE)
    table = read_table(tmp_path / "a.dfq", time=TimeOptions(column="", zone="Europe/Berlin"))
    assert table.names == ("K0014", "K1001", "Porosity", "Length")
    assert table.texts("K0014").tolist() == ["S1", "S2"]
    np.testing.assert_array_equal(table.numbers("Length"), [55.5, np.nan])
    assert table.times is not None
    assert table.times.tolist() == [1_794_996_400 * 10**9, 1_794_996_401 * 10**9]
    assert "Meier" not in repr(table)


def test_its_values_are_outcomes_of_the_pieces_that_k0014_names(tmp_path: Path) -> None:
    (tmp_path / "a.dfd").write_text(FILE.split("0,4", maxsplit=1)[0])
    (tmp_path / "a.dfx").write_text("0,4" + FILE.split("0,4", 1)[1])
    plan = plan_with_source({"kind": "files", "path": "x"})
    said = {"id": "porosity", "station": "press", "kind": "variable", "outcome": {"column": "Porosity"}}
    said["specification"] = {"usl": 1.0}
    plan = Plan.model_validate(plan.model_dump() | {"characteristics": [said]})
    found = read_outcomes(plan, read_table(tmp_path / "a.dfx"), {}, unit="", now=0)
    assert [(item.unit, item.characteristic) for item in found.outcomes] == [("S1", "porosity"), ("S2", "porosity")]
    assert found.refused == ()


def test_values_without_description_say_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.dfx").write_text("1\x142\n")
    with pytest.raises(DataError, match=r"\.DFD"):
        read_table(tmp_path / "a.dfx")
