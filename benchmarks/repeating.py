"""Turns a loaded set into one several times as large, in the database.

The repeats have ids, dates and states of their own; their texts are those of the first set.
"""

from __future__ import annotations

from datetime import datetime

import psycopg
from psycopg import sql

__all__ = ["repeat"]

_CONVERSATIONS = """
    INSERT INTO conversations ({columns})
    SELECT {values}
    FROM (
        SELECT c.*, {new_id} AS new_id, encode(sha256((c.id::text || r.k)::bytea), 'hex') AS hash, r.k,
               (row_number() OVER (ORDER BY r.k, c.created_at) + %(loaded)s)::float8 / %(count)s AS age
        FROM conversations AS c CROSS JOIN generate_series(1, %(repeats)s) AS r (k)
        ORDER BY r.k, c.created_at
        LIMIT %(count)s::bigint - %(loaded)s::bigint
    ) AS c
"""
# Ordered, so that the messages of a conversation lie together, as an import leaves them.
_CHILDREN = """
    INSERT INTO {table} ({columns})
    SELECT {values}
    FROM {table} AS c CROSS JOIN generate_series(1, %(repeats)s) AS r (k)
    JOIN conversations AS made ON made.id = {new_id}
    ORDER BY made.created_at, c.ctid
"""


def repeat(
    connection: psycopg.Connection,
    tables: dict[str, tuple[str, ...]],
    *,
    loaded: int,
    count: int,
    first: datetime,
    days: int,
    pending_from: float,
) -> None:
    """Fill up to `count` conversations.

    Parameters
    ----------
    tables
        Columns of `conversations` and, below it in order, of the tables that refer to it.
    first, days
        When the set begins and over how many days it is spread.
    pending_from
        Share of the set, by age, after which all wait for review.
    """
    wanted = {"loaded": loaded, "count": count, "repeats": -(-count // loaded) - 1, "first": first, "days": days}
    created = sql.SQL("%(first)s + %(days)s * interval '1 day' * c.age")
    changed = {
        "id": sql.SQL("c.new_id"),
        "conversation_id": sql.SQL("c.conversation_id || '-' || c.k"),
        "file_path": sql.SQL("c.created_by || '/' || c.new_id || '/' || left(c.hash, 12) || '/conversation.json.gz'"),
        "created_at": created,
        "updated_at": created,
        "turns_sha256": sql.SQL("c.hash"),
        "content_sha256": sql.SQL("c.hash"),
        "status": sql.SQL("CASE WHEN c.age >= {} THEN 'pending_review' ELSE c.status END").format(pending_from),
    }
    children = {"conversation_id": sql.SQL("made.id")}
    for table, columns in tables.items():
        owner = table == "conversations"
        values = changed if owner else children
        statement = sql.SQL(_CONVERSATIONS if owner else _CHILDREN).format(
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(values.get(name, sql.Identifier("c", name)) for name in columns),
            new_id=_new_id("id" if owner else "conversation_id"),
        )
        connection.execute(statement, wanted)
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def _new_id(column: str) -> sql.Composed:
    return sql.SQL("md5({}::text || r.k)::uuid").format(sql.Identifier("c", column))
