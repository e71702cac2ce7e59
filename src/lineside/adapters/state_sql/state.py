"""Opening the state: the engine, its durability, and the migration to the newest schema.

SQLite runs with a rollback journal and ``synchronous=EXTRA``: the write-ahead log of releases before 3.51.3 can
corrupt a file that several connections write and checkpoint, and Python brings whichever release the system has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from lineside.adapters.state_sql.accounts import Accounts
from lineside.adapters.state_sql.configurations import Configurations
from lineside.adapters.state_sql.deliveries import Deliveries
from lineside.adapters.state_sql.gateways import Gateways
from lineside.adapters.state_sql.ladder import LadderEvents
from lineside.adapters.state_sql.releases import Releases, Settings
from lineside.adapters.state_sql.screens import Screens
from lineside.adapters.state_sql.sessions import Attempts, Sessions
from lineside.domain.errors import ConfigurationError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_PRAGMAS: Final = ("journal_mode=DELETE", "synchronous=EXTRA", "foreign_keys=ON", "busy_timeout=35000")


class SqlState:
    """The plant's small state; each attribute is one group of tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.accounts: Final = Accounts(engine)
        self.sessions: Final = Sessions(engine)
        self.attempts: Final = Attempts(engine)
        self.settings: Final = Settings(engine)
        self.releases: Final = Releases(engine)
        self.ladder: Final = LadderEvents(engine)
        self.gateways: Final = Gateways(engine)
        self.configurations: Final = Configurations(engine)
        self.deliveries: Final = Deliveries(engine)
        self.screens: Final = Screens(engine)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def sqlite_url(path: Path) -> str:
    """Return the URL of a state in a file, whose folder is made (for its owner only) where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600, exist_ok=True)
    return f"sqlite:///{path}"


def open_state(url: str) -> SqlState:
    """Return the state at a URL, its schema brought up to date.

    Raises:
        ConfigurationError: the database cannot be reached or its schema cannot be brought up to date.
    """
    try:
        engine = create_engine(url, pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_up)
            event.listen(engine, "begin", _begin)
        _migrate(engine)
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"the state cannot be opened: {type(error).__name__}", next_step="check the address and its rights"
        ) from error
    return SqlState(engine)


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        _refuse_newer(MigrationContext.configure(connection).get_current_heads(), ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_newer(heads: Sequence[str], scripts: ScriptDirectory) -> None:
    """Refuse a state that a newer version has changed: to write into it by older rules would damage it."""
    known = {script.revision for script in scripts.walk_revisions()}
    for head in heads:
        if head not in known:
            raise ConfigurationError(
                "the state is of a newer version of Lineside",
                field="revision",
                value=head,
                choices=tuple(sorted(known)),
                next_step="run that version, or restore a copy that this version has made (lineside backup restore)",
            )


def _set_up(connection: Any, record: object) -> None:
    """Set up a new SQLite connection, which shall leave transactions to `_begin` (schema changes included)."""
    del record
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    # IMMEDIATE: a transaction that reads and then writes waits at its start, never fails in its middle.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
