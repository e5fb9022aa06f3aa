"""How often conversations went out: the columns of `conversations`, and the exports that they do not hold yet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Integer, func, insert, select, true

from convstore.database.tables import conversations, release_items, usage_changes

__all__ = ["CURRENT", "FOLDED_AT_ONCE", "current", "fold", "note_export"]

#: Conversations whose counts are brought up to date in one transaction.
FOLDED_AT_ONCE = 2_000

c = conversations.c
u = usage_changes.c
i = release_items.c


#: What each conversation's counts do not hold yet; joined beside `conversations`.
_unfolded = (
    select(
        func.coalesce(func.sum(u.releases), 0).label("releases"),
        func.count().label("exports"),
        func.max(u.exported_at).label("exported_at"),
    )
    .select_from(
        usage_changes.join(
            release_items,
            (i.workspace_id == u.workspace_id) & (i.release_id == u.release_id) & (i.position > u.folded_to),
        )
    )
    .where(u.workspace_id == c.workspace_id, i.conversation_id == c.id)
    .correlate(conversations)
    .lateral("unfolded")
)
#: Where the columns of `current` come from: one row for each conversation.
CURRENT = conversations.join(_unfolded, true())


def current(column: Column[Any]) -> ColumnElement[Any]:
    """A column of `conversations` as it is by now; all but the counts of exports are as they are stored."""
    now = _unfolded.c
    if column.name == "usage_count":
        return (column + now.releases).label(column.name)
    if column.name == "export_count":
        return (column + now.exports).label(column.name)
    if column.name == "last_exported_at":
        return func.greatest(column, now.exported_at, type_=column.type).label(column.name)
    return column


def note_export(
    connection: Connection, release_id: UUID, workspace_id: UUID, *, conversations: int, is_first: bool
) -> bool:
    """Count a sealed release with its conversations; True if that is left to a job. Needs the service role."""
    connection.execute(
        insert(usage_changes).values(workspace_id=workspace_id, release_id=release_id, releases=int(is_first))
    )
    if conversations <= FOLDED_AT_ONCE:
        fold(connection, workspace_id)
        return False
    return True


def fold(connection: Connection, workspace_id: UUID) -> int:
    """Bring the counts of the next conversations up to date; 0 if none is left. Needs the service role."""
    call = func.convstore.fold_usage(workspace_id, FOLDED_AT_ONCE, type_=Integer)
    return connection.execute(select(call)).scalar_one()
