"""Which tables make up a store, and whether there is anything in them. Knows no file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

import psycopg
from psycopg import sql

from convstore.database.tables import metadata

__all__ = ["count_rows", "drop_everything", "is_empty", "list_tables"]

#: What `convstore init` makes in a new database, and what keeps itself: a store that holds nothing else is empty.
_FROM_THE_START: Mapping[str, int | None] = {
    "public.workspaces": 1,
    "public.workspace_members": 1,
    "public.workspace_invitations": 1,
    "public.profiles": 2,
    "public.retention_policies": None,
    "public.events": None,
    "public.sign_in_attempts": None,
    "public.jobs": None,
    "public.storage_history": None,
    "public.set_statistics": None,
    "public.check_progress": None,
    "public.facet_changes": None,
    "public.facet_counts": None,
}
_QUEUE = "procrastinate"

_TABLES: LiteralString = """
    SELECT n.nspname || '.' || c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND (n.nspname = 'public' AND c.relname = ANY (%s) OR n.nspname = %s)
    ORDER BY 1
"""


def list_tables(connection: psycopg.Connection) -> list[str]:
    """Names with their schema of convstore's tables that the database has; nobody else's, and not the revision."""
    return [row[0] for row in connection.execute(_TABLES, [list(metadata.tables), _QUEUE]).fetchall()]


def count_rows(connection: psycopg.Connection, tables: list[str]) -> dict[str, int]:
    """How many rows each table has."""
    counts = {}
    for name in tables:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(_identifier(name))).fetchone()
        assert row is not None
        counts[name] = int(row[0])
    return counts


def is_empty(connection: psycopg.Connection) -> bool:
    """True if nothing would be lost with the database's tables."""
    for name in list_tables(connection):
        if name.startswith(_QUEUE):
            continue
        allowed = _FROM_THE_START.get(name, 0)
        if allowed is None:
            continue
        query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS found")
        row = connection.execute(query.format(_identifier(name), allowed + 1)).fetchone()
        assert row is not None
        if row[0] > allowed:
            return False
    return True


def drop_everything(connection: psycopg.Connection) -> None:
    """Remove tables, functions and the revision, within the connection's transaction.

    What somebody else made on top of the tables is left, and makes this fail.
    """
    tables = list_tables(connection)
    connection.execute("DROP SCHEMA IF EXISTS convstore CASCADE")
    own = [_identifier(name) for name in tables if not name.startswith(_QUEUE)]
    if own:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.SQL(", ").join(own)))
    connection.execute("DROP SCHEMA IF EXISTS procrastinate CASCADE")
    connection.execute("DROP TABLE IF EXISTS public.alembic_version")


def _identifier(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split(".", 1))
