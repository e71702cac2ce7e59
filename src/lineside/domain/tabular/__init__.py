"""Text tables as machines write them (CSV and its kin), from bytes to cells, without files.

One reader for all who read them, a stream block by block or a whole file at once. `reader.CsvReader` takes chunks of
bytes and gives rows of cells; on the way `encodings` turns them into UTF-8, `lines` cuts them, `form` finds out how
the table is written and `cells` cuts lines into cells. Cells stay bytes: what they mean is the business of `intake`.
"""

from __future__ import annotations

from lineside.domain.tabular.cells import Cells
from lineside.domain.tabular.form import CsvForm, CsvOptions
from lineside.domain.tabular.lines import LONGEST_LINE, LineCutter
from lineside.domain.tabular.reader import CsvReader, Rows

__all__ = ["LONGEST_LINE", "Cells", "CsvForm", "CsvOptions", "CsvReader", "LineCutter", "Rows"]
