"""Messages on their way to targets, and leases."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "deliveries",
        Column("target", String(64), primary_key=True),
        Column("message", String(300), primary_key=True),
        Column("alert", String(300), nullable=False),
        Column("body", Text, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("due", BigInteger, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("reason", Text, nullable=False),
        Column("changed", BigInteger, nullable=False),
    )
    op.create_index("deliveries_due", "deliveries", ["state", "due"])
    op.create_table(
        "leases",
        Column("name", String(64), primary_key=True),
        Column("holder", String(64), nullable=False),
        Column("until", BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("leases")
    op.drop_index("deliveries_due", "deliveries")
    op.drop_table("deliveries")
