"""Whose word holds: training, which reads outcomes one by one, and the plant's SQL say the same of every unit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.history_query import HistoryQuery
from lineside.domain.outcomes import Outcome
from lineside.domain.part_tables import latest_outcomes
from lineside.ports import LandedRecord
from lineside.testing.records import a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

SOURCES = ("xray", "two people", "end of line", "o'hara; DROP")
OUTCOMES = st.lists(
    st.builds(
        Outcome,
        unit=st.sampled_from(["U1", "U2", "U3"]),
        characteristic=st.sampled_from(["porosity", "weight"]),
        value=st.sampled_from(["good", "bad", "worse"]),
        found=st.integers(0, 2),
        source=st.sampled_from(SOURCES),
        revision=st.integers(1, 2),
        recorded=st.integers(0, 1),
    ),
    max_size=25,
)
PRECEDENCE = st.lists(st.sampled_from([*SOURCES, "never heard of"]), unique=True, max_size=4).map(tuple)


async def written(folder: Path, records: Sequence[Sequence[Outcome]]) -> None:
    history = await DeltaHistory.open(folder, {})
    landed = [
        LandedRecord(position=n, record=a_record(n, encode_items(items), kind=RecordKind.OUTCOMES, line="dc07"))
        for n, items in enumerate(records, 1)
    ]
    await history.append(landed)


@settings(max_examples=40, deadline=None)
@given(outcomes=OUTCOMES, precedence=PRECEDENCE, cut=st.integers(1, 6))
async def test_the_view_and_the_domain_let_the_same_word_hold(
    outcomes: list[Outcome], precedence: tuple[str, ...], cut: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await written(folder, [outcomes[n : n + cut] for n in range(0, len(outcomes), cut)])
        query = HistoryQuery(folder, {"porosity": precedence})
        for characteristic, ranks in (("porosity", precedence), ("weight", ())):
            rows = query.sql(
                f"SELECT unit, value FROM latest_outcomes WHERE characteristic = '{characteristic}'"
            ).to_pylist()
            by_one = latest_outcomes(query.outcomes(characteristic), characteristic, ranks)
            assert {row["unit"]: row["value"] for row in rows} == by_one
            assert len(rows) == len(by_one)


async def test_a_contradiction_is_what_the_newest_words_of_two_sources_differ_in(tmp_path: Path) -> None:
    def said(unit: str, value: str, source: str, revision: int = 1) -> Outcome:
        return Outcome(
            unit=unit, characteristic="porosity", value=value, found=1, source=source, revision=revision, recorded=1
        )

    await written(
        tmp_path,
        [
            [said("U1", "good", "xray"), said("U1", "bad", "end of line")],
            [said("U2", "good", "xray"), said("U2", "bad", "xray", 2), said("U2", "bad", "end of line")],
            [said("U3", "good", "xray")],
        ],
    )
    (row,) = HistoryQuery(tmp_path).sql("SELECT * FROM contradictions").to_pylist()
    assert row == {
        "unit": "U1",
        "characteristic": "porosity",
        "said": ["bad", "good"],
        "sources": ["end of line", "xray"],
    }
