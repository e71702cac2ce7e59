"""Tables from files that others made: CSV in the forms that plants write, and Parquet.

What a file does not say is found out (encoding, delimiter, decimal sign, header, the form of its times) and
recorded in the table's form. Reading is tolerant: a row that does not fit is kept as rejected with its raw bytes,
and the rest goes on. CSV needs nothing beyond the base install; Parquet needs pyarrow.
"""

from __future__ import annotations

from lineside.adapters.tables.reading import read_table, table_files
from lineside.adapters.tables.times import TimeOptions
from lineside.domain.tabular import CsvOptions

__all__ = ["CsvOptions", "TimeOptions", "read_table", "table_files"]
