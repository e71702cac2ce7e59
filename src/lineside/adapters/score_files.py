"""Write the table behind a backtest's figures: one row per unit judged, as Parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lineside.domain.backtests.judged import SCORE_COLUMNS, Judged
from lineside.domain.errors import StorageError

SCHEMA = pa.schema(
    [
        ("unit", pa.string()),
        ("time", pa.timestamp("ns", tz="UTC")),
        ("group", pa.string()),
        ("score", pa.float64()),
        ("limit", pa.float64()),
        ("alarm", pa.bool_()),
        ("state", pa.string()),
        ("prediction", pa.string()),
        ("outcome", pa.string()),
        ("risk", pa.float64()),
    ]
)
"""``time`` is null for data without time; ``prediction`` and ``outcome`` are empty where there is none."""
assert tuple(SCHEMA.names) == SCORE_COLUMNS


def write_scores(path: Path, judged: Judged) -> None:
    """Write the units judged, in order.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(judged.score_columns(), schema=SCHEMA), path)
    except OSError as error:
        raise StorageError(f"scores cannot be written: {error.strerror}", where=str(path)) from error
