"""How often each check noticed something, and how often a reviewer said that it does not matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, func, select

from convstore.database.tables import conversations, findings
from convstore.model import Filter
from convstore.queries.matching import matching
from convstore.queries.totals import EXACT_TOTAL

__all__ = ["FindingCount", "count_finding_facet", "count_findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCount:
    """One check: `conversations` and `findings` stand, `dismissed` ones do not."""

    code: str
    conversations: int
    findings: int
    dismissed: int


def count_findings(connection: Connection, wanted: Filter, workspace_id: UUID) -> tuple[FindingCount, ...]:
    """Every check that found something in the conversations that match; the most frequent first."""
    f, c = findings.c, conversations.c
    stands = f.dismissed_at.is_(None)
    # First by conversation: counting distinct ones over all findings sorts them on disk.
    each = (
        select(
            f.code,
            func.count().filter(stands).label("standing"),
            func.count().filter(~stands).label("dismissed"),
        )
        .select_from(conversations.join(findings, (f.conversation_id == c.id) & (f.workspace_id == workspace_id)))
        .where(*matching(connection, wanted, workspace_id))
        .group_by(f.code, f.conversation_id)
        .subquery()
    )
    query = (
        select(
            each.c.code,
            func.count().filter(each.c.standing > 0),
            func.sum(each.c.standing),
            func.sum(each.c.dismissed),
        )
        .group_by(each.c.code)
        .order_by(func.count().filter(each.c.standing > 0).desc(), each.c.code)
    )
    return tuple(
        FindingCount(code=code, conversations=many, findings=int(standing), dismissed=int(dismissed))
        for code, many, standing, dismissed in connection.execute(query)
    )


def count_finding_facet(connection: Connection, wanted: Filter, workspace_id: UUID) -> Mapping[str, int]:
    """Conversations by finding that stands, the most frequent first; nothing where more than `EXACT_TOTAL` match."""
    f = findings.c
    some = (
        select(conversations.c.id)
        .where(*matching(connection, wanted, workspace_id, rows=EXACT_TOTAL + 1))
        .limit(EXACT_TOTAL + 1)
        .cte("matched")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    total = select(func.count()).select_from(some).scalar_subquery()
    many = func.count(f.conversation_id.distinct())
    rows = connection.execute(
        select(f.code, many)
        .where(
            f.workspace_id == workspace_id,
            f.conversation_id.in_(select(some.c.id)),
            f.dismissed_at.is_(None),
            total <= EXACT_TOTAL,
        )
        .group_by(f.code)
        .order_by(many.desc(), f.code)
    )
    return {code: int(count) for code, count in rows}
