"""How the schema of the state came to be, one step per file (alembic)."""
