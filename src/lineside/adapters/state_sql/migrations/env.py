"""Run the steps within the transaction that `open_state` hands over."""

from __future__ import annotations

from alembic import context

from lineside.adapters.state_sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
