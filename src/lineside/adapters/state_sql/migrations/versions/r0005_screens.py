"""Screens of other systems, and answer links that were used."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, String, Text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "spent_links",
        Column("mark", String(64), primary_key=True),
        Column("expires", BigInteger, nullable=False),
    )
    op.create_table(
        "screens",
        Column("id", String(32), primary_key=True),
        Column("token_hash", String(64), nullable=False, unique=True),
        Column("label", String(100), nullable=False),
        Column("stations", Text, nullable=False),
        Column("origins", Text, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("revoked", BigInteger, nullable=True),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("screens")
    op.drop_table("spent_links")
