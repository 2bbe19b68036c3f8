"""Alembic's entry: runs the revisions on the connection that `migrate.upgrade` has opened and locked."""

from __future__ import annotations

from alembic import context

from rag.adapters.database.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
