"""Opening the state: the engine, its durability, and the migration to the newest schema.

SQLite runs with a rollback journal and ``synchronous=EXTRA``: the write-ahead log of releases before 3.51.3 can
corrupt a file that several connections write and checkpoint, and Python brings whichever release the system has.
PostgreSQL runs with serializable transactions, so that those of several processes are as one after the other there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from lineside.adapters.state_sql.accounts import Accounts
from lineside.adapters.state_sql.configurations import Configurations
from lineside.adapters.state_sql.deliveries import Deliveries
from lineside.adapters.state_sql.gateways import Gateways
from lineside.adapters.state_sql.ladder import LadderEvents
from lineside.adapters.state_sql.releases import Releases, Settings
from lineside.adapters.state_sql.screens import Screens
from lineside.adapters.state_sql.sessions import Attempts, Sessions
from lineside.adapters.state_sql.store import transact
from lineside.domain.errors import ConfigurationError, StorageError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_PRAGMAS: Final = ("journal_mode=DELETE", "synchronous=EXTRA", "foreign_keys=ON", "busy_timeout=35000")
POSTGRESQL: Final = "postgresql+psycopg"
_MIGRATING: Final = 0x6C696E65
"""The advisory lock of whoever brings the schema up to date: any number that nobody else takes."""
_OPENING: Final = 10.0
"""Seconds that a database which is not there is waited for when it is opened."""


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


def postgresql_url(text: str) -> URL:
    """Return the address of a PostgreSQL database as a person writes it: ``postgresql://user@host/database``.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        url = make_url(text.strip())
    except ArgumentError:
        url = None
    if url is None or url.drivername not in {"postgresql", POSTGRESQL} or not url.database:
        raise ConfigurationError(
            "no address of a PostgreSQL database",
            field="URL",
            value=text.strip() if url is None else url.render_as_string(hide_password=True),
            next_step="write postgresql://USER@HOST:PORT/DATABASE, and the password into a password file (~/.pgpass)",
        )
    return url.set(drivername=POSTGRESQL)


def open_engine(url: str | URL) -> Engine:
    """Return the engine of the state at a URL, its schema brought up to date.

    Raises:
        ConfigurationError: the database cannot be reached or its schema cannot be brought up to date.
    """
    try:
        postgresql = make_url(url).get_backend_name() == "postgresql"
        engine = _postgresql(url) if postgresql else _sqlite(url)
        # Who has waited for another that makes the tables must see them, which a serializable transaction would not.
        migrating = engine.execution_options(isolation_level="READ COMMITTED") if postgresql else engine
        transact(migrating, _migrate, patience=_OPENING)
    except ImportError as error:
        raise ConfigurationError(
            "PostgreSQL needs a driver that is not installed", next_step="install lineside[postgresql]"
        ) from error
    except (SQLAlchemyError, StorageError) as error:
        raise ConfigurationError(
            f"the state cannot be opened: {error if isinstance(error, StorageError) else type(error).__name__}",
            next_step="check the address and its rights",
        ) from error
    return engine


def open_state(url: str | URL) -> SqlState:
    """Return the state at a URL, its schema brought up to date.

    Raises:
        ConfigurationError: the database cannot be reached or its schema cannot be brought up to date.
    """
    return SqlState(open_engine(url))


def _postgresql(url: str | URL) -> Engine:
    said = {"connect_timeout": 5, "application_name": "lineside", "keepalives_idle": 10}
    return create_engine(url, pool_pre_ping=True, isolation_level="SERIALIZABLE", connect_args=said)


def _sqlite(url: str | URL) -> Engine:
    engine = create_engine(url, pool_pre_ping=True)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    if connection.dialect.name == "postgresql":  # SQLite's transaction holds the whole file
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
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
