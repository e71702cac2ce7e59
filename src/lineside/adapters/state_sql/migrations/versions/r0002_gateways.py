"""Gateways and enrolment tokens."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of gateways."""
    op.create_table(
        "gateways",
        Column("name", String(64), primary_key=True),
        Column("site", String(64), nullable=False),
        Column("line", String(64), nullable=False),
        Column("key", String(64), nullable=False, unique=True),
        Column("exchange", String(64), nullable=False),
        Column("enrolled", BigInteger, nullable=False),
        Column("revoked", BigInteger, nullable=True),
    )
    op.create_table(
        "enrolment_tokens",
        Column("id", String(32), primary_key=True),
        Column("gateway", String(64), nullable=False),
        Column("site", String(64), nullable=False),
        Column("line", String(64), nullable=False),
        Column("public", String(64), nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("used_by", String(64), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("enrolment_tokens", "gateways"):
        op.drop_table(name)
