"""The real PostgreSQL that tests talk to: a server of each worker, started when the first test asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lineside.testing.peers.postgresql import PostgresServer, postgresql, programs


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """Give a running server."""
    if programs() is None:
        pytest.skip("no PostgreSQL server: install the system's package postgresql")
    with postgresql() as server:
        yield server


@pytest.fixture
def postgresql_database(postgresql_server: PostgresServer) -> str:
    """Give the address of an empty database."""
    return postgresql_server.new_database()
