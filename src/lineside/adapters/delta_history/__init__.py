"""The long memory: one Delta table per kind of record, partitioned by line and UTC receive day.

`history.DeltaHistory` writes; ``tables`` says what a row of each table is; ``durable`` makes a commit survive a power
cut and, at a start, finds and takes back what did not.
"""

from lineside.adapters.delta_history.history import DeltaHistory
from lineside.adapters.delta_history.tables import TABLES

__all__ = ["TABLES", "DeltaHistory"]
