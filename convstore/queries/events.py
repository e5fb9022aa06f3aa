"""The audit: what happened to a conversation, to a batch, in a workspace."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select

from convstore.database.tables import conversations, events, profiles
from convstore.model import Event

__all__ = ["events_of", "list_events"]

e = events.c

_EVENTS = (
    select(
        e.id, e.at, e.actor_id, profiles.c.name.label("actor"), e.action, e.subject, e.before, e.after,
        e.batch_id, e.note, e.request_id, e.conversation_id.label("conversation_row_id"),
        conversations.c.conversation_id, conversations.c.conversation_name,
    )
    .select_from(
        events.outerjoin(profiles, profiles.c.id == e.actor_id).outerjoin(
            conversations,
            (conversations.c.id == e.conversation_id) & (conversations.c.workspace_id == e.workspace_id),
        )
    )
    .order_by(e.id.desc())
)  # fmt: skip


def events_of(row: ColumnElement[Any]) -> Select[Any]:
    """The newest events of the conversation with this row id, newest first, by `workspace_id`."""
    return _EVENTS.where(e.workspace_id == bindparam("workspace_id"), e.conversation_id == row).limit(100)


def list_events(
    connection: Connection,
    workspace_id: UUID,
    *,
    conversation_id: UUID | None = None,
    batch_id: UUID | None = None,
    actor_id: UUID | None = None,
    action: str | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> tuple[Event, ...]:
    """The newest events first; `before_id` is the id of the last one of the page before."""
    where: list[ColumnElement[bool]] = []
    if conversation_id is not None:
        where.append(e.conversation_id == conversation_id)
    if batch_id is not None:
        where.append(e.batch_id == batch_id)
    if actor_id is not None:
        where.append(e.actor_id == actor_id)
    if action is not None:
        where.append(e.action == action)
    if before_id is not None:
        where.append(e.id < before_id)
    query = _EVENTS.where(e.workspace_id == workspace_id, *where).limit(limit)
    return tuple(Event(**row) for row in connection.execute(query).mappings())
