"""A transaction for an operation, and parameters for its statements. Knows no tables.

Statements of this package use PostgreSQL's own placeholders ($1), so that a percent sign in a name or in somebody's
SQL stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from convstore.database import Context, Database, driver, system_context

__all__ = [
    "Connection",
    "Parameters",
    "Statement",
    "execute",
    "fetch",
    "has_committed",
    "session",
    "transaction_id",
]

Connection: TypeAlias = "psycopg.Connection[Any]"
Statement: TypeAlias = sql.Composable | str | bytes


class Parameters:
    """Values of one statement; `bind` gives the placeholder that stands for one."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def bind(self, value: object) -> sql.Composable:
        """Add a value."""
        self.values.append(value)
        return sql.SQL("$" + str(len(self.values)))


@contextmanager
def session(
    database: Database, as_user: Context | None, *, read_only: bool = False, timeout_s: float | None = None
) -> Iterator[Connection]:
    """One transaction as the given user, else as convstore itself."""
    with database.transaction(as_user or system_context(), read_only=read_only, timeout_s=timeout_s) as connection:
        yield driver(connection)


def execute(connection: Connection, statement: Statement, values: Sequence[object] = ()) -> psycopg.RawCursor[Any]:
    """Run one statement; rows come as dictionaries."""
    cursor = psycopg.RawCursor(connection, row_factory=dict_row)
    cursor.execute(cast("sql.Composed", statement), values or None)
    return cursor


def fetch(connection: Connection, statement: Statement, values: Sequence[object] = ()) -> list[dict[str, Any]]:
    """Every row of one query."""
    return execute(connection, statement, values).fetchall()


def transaction_id(connection: Connection) -> str:
    """The id of the open transaction, by which its fate can be asked for later."""
    found: str = fetch(connection, "SELECT pg_current_xact_id()::text AS id")[0]["id"]
    return found


def has_committed(database: Database, as_user: Context | None, transaction: str) -> bool:
    """True if that transaction went through, whatever its client heard of it."""
    with session(database, as_user, read_only=True) as connection:
        status = fetch(connection, "SELECT pg_xact_status($1::xid8) AS status", [transaction])[0]["status"]
    return bool(status == "committed")
