"""How a set of conversations was annotated: sources, reviewers, agreement, reasons for rejection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Float, and_, case, cast, func, select

from convstore.database.tables import conversations, reviews, workspaces

__all__ = ["AnnotationFacts", "get_annotation_facts"]

c = conversations.c


class AnnotationFacts(NamedTuple):
    """`agreement` is the share of pairs of reviews of one conversation with the same decision; None without pairs."""

    language: str
    conversations: int
    reviewed: int
    sources: tuple[tuple[str, int], ...]
    reviewers: int
    agreement: float | None
    reject_reasons: tuple[tuple[str, int], ...]


def get_annotation_facts(
    connection: Connection, where: Sequence[ColumnElement[bool]], workspace_id: UUID
) -> AnnotationFacts:
    """Count over all conversations that the conditions mean, and the reviews of their current turns."""
    mine = (
        select(reviews)
        .join_from(
            reviews,
            conversations,
            and_(
                reviews.c.workspace_id == c.workspace_id,
                reviews.c.conversation_id == c.id,
                reviews.c.turns_sha256 == c.turns_sha256,
            ),
        )
        .where(*where)
        .cte("mine")
    )
    other = mine.alias("other")
    total, sources = 0, []
    for source, count in connection.execute(
        select(func.coalesce(c.source_name, "unknown"), func.count()).where(*where).group_by(c.source_name)
    ):
        total += count
        sources.append((source, count))
    reviewers, reviewed = connection.execute(
        select(func.count(mine.c.reviewer_id.distinct()), func.count(mine.c.conversation_id.distinct()))
    ).one()
    agreement = connection.execute(
        select(cast(func.avg(case((mine.c.decision == other.c.decision, 1.0), else_=0.0)), Float)).select_from(
            mine.join(
                other,
                and_(mine.c.conversation_id == other.c.conversation_id, mine.c.reviewer_id < other.c.reviewer_id),
            )
        )
    ).scalar_one()
    reason = func.unnest(mine.c.reasons).label("reason")
    reasons = connection.execute(
        select(reason, func.count()).where(mine.c.decision == "rejected").group_by(reason).order_by(func.count().desc())
    )
    language = connection.execute(select(workspaces.c.language).where(workspaces.c.id == workspace_id)).scalar_one()
    return AnnotationFacts(
        language=language,
        conversations=total,
        reviewed=reviewed,
        sources=tuple(sorted(sources, key=lambda item: (-item[1], item[0]))),
        reviewers=reviewers,
        agreement=agreement,
        reject_reasons=tuple((row[0], row[1]) for row in reasons),
    )
