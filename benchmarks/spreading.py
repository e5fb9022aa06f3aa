"""Deals the conversations of a loaded store out to several workspaces."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from convstore.core import ConvStore

__all__ = ["spread"]

_SPREAD: tuple[LiteralString, ...] = (
    "SET LOCAL session_replication_role = replica",
    "INSERT INTO workspaces (slug, name) SELECT 'bench-' || n, 'Bench ' || n FROM generate_series(2, {count}) AS n",
    "CREATE TEMPORARY TABLE seats ON COMMIT DROP AS"
    " SELECT id, row_number() OVER (ORDER BY slug <> 'default', slug) - 1 AS seat FROM workspaces",
    "UPDATE conversations AS c SET workspace_id = s.id FROM seats AS s"
    " WHERE s.seat = abs(hashtext(c.id::text)) % {count}",
    "UPDATE conversation_turns AS t SET workspace_id = s.id FROM seats AS s"
    " WHERE s.seat = abs(hashtext(t.conversation_id::text)) % {count}",
    "UPDATE conversation_texts AS t SET workspace_id = s.id FROM seats AS s"
    " WHERE s.seat = abs(hashtext(t.conversation_id::text)) % {count}",
    "DELETE FROM findings",
    "DELETE FROM facet_counts",
    "INSERT INTO facet_changes (workspace_id, status, tier, persona, arc, topic, delta)"
    " SELECT workspace_id, status, tier, coalesce(persona_key, ''), coalesce(emotional_arc_key, ''),"
    " coalesce(topic_key, ''), count(*) FROM conversations WHERE is_active GROUP BY 1, 2, 3, 4, 5, 6",
    "SELECT convstore.compact_facets()",
)


def spread(store: ConvStore, *, workspaces: int) -> None:
    """Deal the conversations of a loaded store out to several workspaces, of which the actor keeps one."""
    with store.database.admin() as connection:
        for statement in _SPREAD:
            connection.execute(sql.SQL(statement).format(count=sql.Literal(workspaces)))
    with store.database.admin(autocommit=True) as connection:
        connection.execute("VACUUM (FULL, ANALYZE) conversations")
        connection.execute("VACUUM (FULL, ANALYZE) conversation_turns")
        connection.execute("VACUUM (FULL, ANALYZE) conversation_texts")
