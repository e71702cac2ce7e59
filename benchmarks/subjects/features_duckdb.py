"""DuckDB at `features`: one grouped query over all readings after the fact, one thread, its favourite way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from measuring.clocks import per_cpu_second
from subjects.workload import BEGIN, CYCLE, readings, summary

QUERY = f"""
select avg(value), min(value), max(value), stddev_samp(value), regr_slope(value, (time - {BEGIN}) / 1e9),
       quantile_cont(value, 0.95)
from readings group by (time - {BEGIN}) // {CYCLE}, signal
"""


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Load the readings into a table and return a run of the query."""
    data = readings(work)
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    connection.register("given", pa.table(data._asdict()))
    connection.execute("create table readings as select * from given")
    connection.unregister("given")

    def run() -> dict[str, object]:
        columns = connection.execute(QUERY).fetchnumpy()
        return {"version": duckdb.__version__, **summary(np.stack(list(columns.values()), axis=1))}

    run()
    return per_cpu_second(len(data.signal), run)
