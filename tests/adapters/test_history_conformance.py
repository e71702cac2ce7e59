from pathlib import Path

import pytest
from deltalake import DeltaTable

from lineside.adapters.delta_history import DeltaHistory
from lineside.testing.conformance.history import HistoryConformance, Rows
from lineside.testing.fakes.history import FakeHistory
from lineside.wire.records import RecordKind


class TestDeltaHistory(HistoryConformance):
    @pytest.fixture
    async def history(self, tmp_path: Path) -> DeltaHistory:
        return await DeltaHistory.open(tmp_path)

    @pytest.fixture
    def rows(self, tmp_path: Path) -> Rows:
        def count() -> list[tuple[int, int]]:
            found = DeltaTable(str(tmp_path / "readings")).to_pyarrow_table().column("sequence").to_pylist()
            return [(sequence, found.count(sequence)) for sequence in sorted(set(found))]

        return count


class TestFakeHistory(HistoryConformance):
    @pytest.fixture
    def history(self) -> FakeHistory:
        return FakeHistory()

    @pytest.fixture
    def rows(self, history: FakeHistory) -> Rows:
        def count() -> list[tuple[int, int]]:
            headers = [entry.record.header for entry in history.held]
            return [(header.sequence, header.count) for header in headers if header.kind is RecordKind.READINGS]

        return count
