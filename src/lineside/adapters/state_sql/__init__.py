"""The plant's small state in one relational database: accounts, sessions, settings, releases.

SQLite in a file by default, PostgreSQL at an address (extra ``postgresql``). SQLAlchemy is the seam between the two, so
there is one implementation. Every method is one transaction, run in a thread; a migration brings the schema up to date
before the state is first used.
"""

from lineside.adapters.state_sql.moving import copy_state, rows_in
from lineside.adapters.state_sql.releases import ReleaseRecord
from lineside.adapters.state_sql.state import SqlState, open_engine, open_state, postgresql_url, sqlite_url

__all__ = [
    "ReleaseRecord",
    "SqlState",
    "copy_state",
    "open_engine",
    "open_state",
    "postgresql_url",
    "rows_in",
    "sqlite_url",
]
