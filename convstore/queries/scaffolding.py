"""Personas, arcs, topics and templates: reading them, and importing them so that keys find their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from convstore.database.tables import conversations, emotional_arcs, personas, prompt_templates, training_topics

__all__ = ["KINDS", "Kind", "link_conversations", "list_names", "upsert"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of scaffolding: its table, its key, and the columns of `conversations` that name it."""

    table: Table
    key: str
    conversation_key: str | None
    conversation_id: str | None


KINDS: Mapping[str, Kind] = {
    "personas": Kind(personas, "persona_key", "persona_key", "persona_id"),
    "emotional_arcs": Kind(emotional_arcs, "arc_key", "emotional_arc_key", "emotional_arc_id"),
    "training_topics": Kind(training_topics, "topic_key", "topic_key", "training_topic_id"),
    "prompt_templates": Kind(prompt_templates, "template_key", None, None),
}


def list_names(connection: Connection, workspace_id: UUID) -> dict[str, dict[str, str]]:
    """Names by key, for each kind."""
    return {
        name: {
            row[0]: row[1]
            for row in connection.execute(
                select(kind.table.c[kind.key], kind.table.c.name)
                .where(kind.table.c.workspace_id == workspace_id)
                .order_by(kind.table.c.name)
            )
        }
        for name, kind in KINDS.items()
    }


def upsert(connection: Connection, workspace_id: UUID, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add rows or change those whose key is known; how many rows were given."""
    if not rows:
        return 0
    statement = insert(kind.table).values([{**row, "workspace_id": workspace_id} for row in rows])
    changes = {name: statement.excluded[name] for name in rows[0] if name != kind.key}
    connection.execute(statement.on_conflict_do_update(index_elements=["workspace_id", kind.key], set_=changes))
    return len(rows)


def link_conversations(connection: Connection, workspace_id: UUID, kind: Kind) -> int:
    """Point conversations that carry a key at its row; how many were linked. Needs the service role."""
    if kind.conversation_key is None or kind.conversation_id is None:
        return 0
    c, s = conversations.c, kind.table.c
    return connection.execute(
        update(conversations)
        .where(
            c.workspace_id == workspace_id,
            s.workspace_id == workspace_id,
            c[kind.conversation_key] == s[kind.key],
            c[kind.conversation_id].is_(None),
        )
        .values({kind.conversation_id: s.id})
    ).rowcount
