"""What happened to releases."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "release_events",
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("release", String(100), nullable=False),
        Column("place", String(130), nullable=False),
        Column("step", String(16), nullable=False),
        Column("actor", String(16), nullable=False),
        Column("role", String(16), nullable=False),
        Column("time", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("detail", Text, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("release_events")
