"""The plant's small state in one relational database: accounts, sessions, settings, releases.

SQLite in a file by default, PostgreSQL by URL. SQLAlchemy is the seam between the two, so there is one
implementation. Every method is one transaction, run in a thread; a migration brings the schema up to date before
the state is first used.
"""

from lineside.adapters.state_sql.releases import ReleaseRecord
from lineside.adapters.state_sql.state import SqlState, open_state, sqlite_url

__all__ = ["ReleaseRecord", "SqlState", "open_state", "sqlite_url"]
