"""The tables of an outbox, and the columns that a file of an earlier version lacks."""

from __future__ import annotations

from typing import Final

import apsw

from lineside.domain.reconciling import STRETCH

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (
  id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, last INTEGER NOT NULL, bytes INTEGER NOT NULL,
  confirmed INTEGER NOT NULL DEFAULT 0, lived INTEGER NOT NULL DEFAULT 0, pending BLOB NOT NULL DEFAULT x'',
  accounts_from INTEGER NOT NULL DEFAULT 0, tally BLOB NOT NULL DEFAULT x'') STRICT;
CREATE TABLE IF NOT EXISTS records (
  sequence INTEGER PRIMARY KEY, items INTEGER NOT NULL, total INTEGER NOT NULL, kind TEXT NOT NULL DEFAULT '',
  lived INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS stretches (
  number INTEGER PRIMARY KEY, records INTEGER NOT NULL, readings INTEGER NOT NULL, keys INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS catalogues (digest TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS set_aside (
  sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, reason TEXT NOT NULL, items INTEGER NOT NULL,
  data BLOB NOT NULL) STRICT;
"""
_LATER_COLUMNS: Final = (
    ("state", "confirmed", "INTEGER NOT NULL DEFAULT 0"),
    ("state", "lived", "INTEGER NOT NULL DEFAULT 0"),
    ("state", "pending", "BLOB NOT NULL DEFAULT x''"),
    ("state", "accounts_from", "INTEGER NOT NULL DEFAULT 0"),
    ("state", "tally", "BLOB NOT NULL DEFAULT x''"),
    ("records", "kind", "TEXT NOT NULL DEFAULT ''"),
    ("records", "lived", "INTEGER NOT NULL DEFAULT 0"),
)
"""Columns that a file of an earlier version lacks."""


def add_columns(connection: apsw.Connection) -> None:
    """Give a file of an earlier version the columns that it lacks."""
    for table, column, form in _LATER_COLUMNS:
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if column not in known:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {form}")
            if column == "accounts_from":  # of what such a file holds already, no account was kept
                connection.execute("UPDATE state SET accounts_from = last / ? + 1 WHERE last > 0", (STRETCH,))
