"""The conditions of a whole filter, its text among them, for whoever reads the conversations that it matches."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import ColumnElement, Connection

from convstore.model import Filter
from convstore.queries.filters import conditions
from convstore.queries.searching import TextSearch, explore

__all__ = ["matching", "matching_but_text"]


def matching(
    connection: Connection, wanted: Filter, workspace_id: UUID, *, rows: int | None = None
) -> list[ColumnElement[bool]]:
    """The conditions of a filter, for whoever reads so many rows or all.

    Asks the database how frequent the words are if there is a text in it.
    """
    where, search = matching_but_text(connection, wanted, workspace_id)
    return where if search is None else [*where, search.condition(rows=rows)]


def matching_but_text(
    connection: Connection, wanted: Filter, workspace_id: UUID
) -> tuple[list[ColumnElement[bool]], TextSearch | None]:
    """The conditions but for the text, and the text."""
    words = (wanted.text or "").strip()
    where = list(conditions(replace(wanted, text=None), workspace_id))
    return where, explore(connection, words, workspace_id, where) if words else None
