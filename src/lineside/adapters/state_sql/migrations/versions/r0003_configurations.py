"""Configurations of gateways, and where each stands."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of configurations."""
    op.create_table(
        "configurations",
        Column("version", Integer, primary_key=True, autoincrement=True),
        Column("site", String(64), nullable=False),
        Column("line", String(64), nullable=False),
        Column("plan", Text, nullable=False),
        Column("created", BigInteger, nullable=False),
    )
    op.create_table(
        "configuration_placements",
        Column("gateway", String(64), primary_key=True),
        Column("version", Integer, nullable=False),
        Column("running", Integer, nullable=False),
        Column("outcome", String(16), nullable=False),
        Column("reason", Text, nullable=False),
        Column("changed", BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("configuration_placements", "configurations"):
        op.drop_table(name)
