"""Alembic's environment: the whole chain in one transaction, as text or on a connection."""

from __future__ import annotations

from alembic import context

from convstore.database.migration import compare_options
from convstore.database.tables import metadata

if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql",
        target_metadata=metadata,
        literal_binds=True,
        as_sql=True,
        # Whoever runs the text in a transaction of their own wants it without BEGIN and COMMIT.
        transactional_ddl=context.config.attributes.get("with_transaction", True),
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    # For Alembic's own command line, by which new versions are made; `convstore init` runs the text instead.
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, **compare_options())
    with context.begin_transaction():
        context.run_migrations()
