"""Accounts, sessions, codes, failed logins, settings, releases."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    _people()
    op.create_table(
        "failures",
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("about", String(120), nullable=False),
        Column("time", BigInteger, nullable=False),
    )
    op.create_index("failures_about_time", "failures", ["about", "time"])
    op.create_table(
        "settings",
        Column("name", String(100), primary_key=True),
        Column("value", Text, nullable=False),
        Column("changed", BigInteger, nullable=False),
    )
    op.create_table(
        "releases",
        Column("id", String(100), primary_key=True),
        Column("station", String(64), nullable=False),
        Column("characteristic", String(64), nullable=False),
        Column("state", String(16), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("detail", Text, nullable=False),
    )


def _people() -> None:
    op.create_table(
        "accounts",
        Column("id", String(32), primary_key=True),
        Column("name", String(100), nullable=False),
        Column("login", String(100), nullable=False, unique=True),
        Column("pseudonym", String(16), nullable=False, unique=True),
        Column("role", String(16), nullable=False),
        Column("password", String(300), nullable=False),
        Column("disabled", Boolean, nullable=False),
        Column("created", BigInteger, nullable=False),
    )
    for name, key in (("sessions", "token_hash"), ("devices", "device_hash")):
        op.create_table(
            name,
            Column(key, String(64), primary_key=True),
            Column("account_id", String(32), ForeignKey("accounts.id"), nullable=False),
            Column("created", BigInteger, nullable=False),
            *([Column("used", BigInteger, nullable=False)] if name == "sessions" else []),
        )
        op.create_index(f"ix_{name}_account_id", name, ["account_id"])
    op.create_table(
        "codes",
        Column("code_hash", String(64), primary_key=True),
        Column("purpose", String(16), nullable=False),
        Column("account_id", String(32), nullable=False),
        Column("expires", BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop every table."""
    for name in ("releases", "settings", "failures", "codes", "devices", "sessions", "accounts"):
        op.drop_table(name)
