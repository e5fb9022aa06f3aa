"""How many conversations match: from kept counts where those answer, else of the rows, as far as is worth it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal, select

from convstore.database.tables import conversations, findings
from convstore.model import Filter
from convstore.queries.matching import matching_but_text
from convstore.queries.rollup import find_total
from convstore.queries.searching import TextSearch

__all__ = ["EXACT_TOTAL", "count", "count_matching"]

#: Totals are exact up to here.
EXACT_TOTAL = 10_000


def count(connection: Connection, wanted: Filter, workspace_id: UUID) -> tuple[int, bool]:
    """How many conversations match, and whether that is exact; at most `EXACT_TOTAL`."""
    return count_matching(connection, wanted, workspace_id, *matching_but_text(connection, wanted, workspace_id))


def count_matching(
    connection: Connection,
    wanted: Filter,
    workspace_id: UUID,
    where: Sequence[ColumnElement[bool]],
    search: TextSearch | None,
) -> tuple[int, bool]:
    """What `count` says, for whoever has the filter's conditions but for the text, and the text, already."""
    if search is not None:
        if search.exceeds(EXACT_TOTAL):
            return EXACT_TOTAL, False
        where = [*where, search.condition(rows=EXACT_TOTAL + 1)]
    total = find_total(connection, wanted, workspace_id)
    if total is None:
        some = _found(wanted.findings, workspace_id) if _is_of_findings_alone(wanted) else _rows(where)
        total = connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()
    return min(total, EXACT_TOTAL), total <= EXACT_TOTAL


def _rows(where: Sequence[ColumnElement[bool]]) -> Select[int]:
    return select(literal(1)).select_from(conversations).where(*where).limit(EXACT_TOTAL + 1)


def _is_of_findings_alone(wanted: Filter) -> bool:
    return bool(wanted.findings) and replace(wanted, findings=()) == Filter()


def _found(codes: Sequence[str], workspace_id: UUID) -> Select[UUID]:
    """Conversations with a finding that stands, by the index of findings; only those in the trash are looked up."""
    f, c = findings.c, conversations.c
    is_in_trash = exists().where(c.workspace_id == f.workspace_id, c.id == f.conversation_id, ~c.is_active)
    return (
        select(f.conversation_id)
        .distinct()
        .where(f.workspace_id == workspace_id, f.code.in_(codes), f.dismissed_at.is_(None), ~is_in_trash)
        .limit(EXACT_TOTAL + 1)
    )
