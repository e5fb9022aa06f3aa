"""Which conversations a release is about: its candidates as light rows, and their number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Connection, Text, Uuid, any_, cast, exists, false, func, literal, select

from convstore.database.tables import conversations, duplicate_members, findings

__all__ = ["CandidateRow", "chosen", "count_conversations", "list_candidates"]

c = conversations.c


class CandidateRow(NamedTuple):
    """What rules look at. `quality` and `human_quality` are None where unscored."""

    id: UUID
    conversation_id: str
    persona_key: str | None
    arc_key: str | None
    topic_key: str | None
    quality: Decimal | None
    human_quality: Decimal | None
    tier: str
    status: str
    group: str | None
    has_finding: bool


def chosen(workspace_id: UUID, ids: Collection[UUID]) -> list[ColumnElement[bool]]:
    """The conditions of these rows and no others."""
    return [c.workspace_id == workspace_id, c.id == any_(literal(list(ids), ARRAY(Uuid)))]


def count_conversations(connection: Connection, where: Sequence[ColumnElement[bool]]) -> int:
    """How many conversations the conditions mean, exactly."""
    return connection.execute(select(func.count()).select_from(conversations).where(*where)).scalar_one()


def list_candidates(
    connection: Connection, where: Sequence[ColumnElement[bool]], workspace_id: UUID, *, finding_codes: Sequence[str]
) -> list[CandidateRow]:
    """Every conversation that the conditions mean, in the order of a release."""
    has_finding: ColumnElement[bool] = false()
    if finding_codes:
        has_finding = exists().where(
            findings.c.workspace_id == workspace_id,
            findings.c.conversation_id == c.id,
            findings.c.code.in_(finding_codes),
            findings.c.dismissed_at.is_(None),
        )
    group = (
        select(cast(duplicate_members.c.group_id, Text))
        .where(duplicate_members.c.workspace_id == workspace_id, duplicate_members.c.conversation_id == c.id)
        .scalar_subquery()
    )
    query = (
        select(
            c.id,
            c.conversation_id,
            c.persona_key,
            c.emotional_arc_key,
            c.topic_key,
            func.coalesce(c.human_quality_score, c.quality_score),
            c.human_quality_score,
            c.tier,
            c.status,
            group,
            has_finding,
        )
        .where(*where)
        .order_by(c.conversation_id)
    )
    return [
        CandidateRow(*row)
        for row in connection.execute(query, execution_options={"stream_results": True, "yield_per": 2000})
    ]
