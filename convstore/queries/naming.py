"""How one conversation is named: by the id that people gave, or by its row id; the first wins where both fit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, or_, select

from convstore.database.tables import conversations
from convstore.errors import NotFoundError

__all__ = ["named", "naming", "not_found", "row_id_in", "row_named"]


def named(query: Select[Any], table: FromClause = conversations) -> Select[Any]:
    """The query for the one conversation that `naming` names."""
    name = table.c.conversation_id == bindparam("name")
    here = table.c.workspace_id == bindparam("workspace_id")
    return query.where(here, or_(name, table.c.id == bindparam("row_id"))).order_by(name.desc()).limit(1)


def row_named() -> ColumnElement[Any]:
    """The row id of the conversation that `naming` names."""
    table = conversations.alias("named")
    return named(select(table.c.id), table).scalar_subquery()


def naming(identifier: str, workspace_id: UUID) -> dict[str, Any]:
    """The values of `named` and `row_named`."""
    return {"workspace_id": workspace_id, "name": identifier, "row_id": row_id_in(identifier)}


def row_id_in(identifier: str) -> UUID | None:
    """The row id that an identifier may be."""
    try:
        return UUID(identifier)
    except ValueError:
        return None


def not_found(identifier: str) -> NotFoundError:
    """There is no such conversation, or it is hidden."""
    return NotFoundError(
        f"there is no conversation {identifier!r} in this workspace",
        hint="`convstore list` shows what there is; --workspace names another workspace.",
        facts={"conversation_id": identifier},
    )
