"""Alembic's environment: one transaction for the whole chain, one migrator at a time."""

from __future__ import annotations

from alembic import context

from convstore.database.migration import MIGRATION_LOCK, compare_options
from convstore.database.tables import metadata

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True, as_sql=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, **compare_options())
    with context.begin_transaction():
        # Transaction-level, because poolers do not keep session locks.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        context.run_migrations()
