"""What the migrations need of a database: whole scripts, online and as text, and how to compare the result."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

__all__ = ["MIGRATION_LOCK", "compare_options", "run_script"]

#: Key of the advisory lock under which migrations run; any constant that nobody else uses.
MIGRATION_LOCK = 4_707_220_190


def run_script(sql: str) -> None:
    """Run a script of several statements, or print it when migrations are rendered as SQL."""
    from alembic import op

    context = op.get_context()
    if context.as_sql:
        context.impl.static_output(sql)
        return
    connection = context.connection
    assert isinstance(connection, Connection)
    # Without parameters the driver sends the text as it is, so that it may hold many statements and any character.
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def compare_options() -> dict[str, Any]:
    """How Alembic compares a database with the tables in Python: only our own schema, everything that it can see."""

    def include_name(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or name != "alembic_version"

    return {"include_name": include_name, "compare_type": True, "compare_server_default": True}
