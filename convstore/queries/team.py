"""What a team decided: by person and day, how each scores beside the others, and where reviews disagree.

People are told apart by id; `person` is a name that no two of them share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from convstore.model import DIMENSIONS, Status
from convstore.queries.people import labels_of

__all__ = [
    "DayOfDecisions",
    "Disagreement",
    "ReviewerProfile",
    "list_decisions",
    "list_disagreements",
    "list_reviewers",
]

#: Scores this far apart, in points, are a disagreement even where the decision is the same.
_WIDE_APART = 1.5


@dataclass(frozen=True, slots=True)
class DayOfDecisions:
    """What one person decided on one day."""

    day: date
    person: str
    decisions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerProfile:
    """How one person reviews; `person` is None for the whole team.

    `quality` counts the quality scores that were given, by score in halves.
    """

    person: str | None
    reviews: int
    approved: int
    rejected: int
    needs_revision: int
    means: Mapping[str, float | None]
    quality: Mapping[float, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A conversation whose reviewers differ."""

    conversation_id: str
    conversation_name: str
    status: Status
    decisions: Mapping[str, Status]
    lowest: float | None
    highest: float | None


def list_decisions(connection: Connection, workspace_id: UUID, *, since: datetime) -> tuple[DayOfDecisions, ...]:
    """Decisions that stand or were followed by others, by person and day, the earliest day first; days are UTC's.

    One that was undone is none; where the undo was undone too, it is one again.
    """
    query = text("""
        WITH moves AS (
            SELECT e.at, e.actor_id, e.action, e.after ->> 'status' AS status, e.conversation_id,
                   count(*) FILTER (WHERE e.action = 'status')
                       OVER (PARTITION BY e.conversation_id ORDER BY e.id) AS nth
            FROM events AS e
            WHERE e.workspace_id = :workspace AND e.action IN ('status', 'undone') AND e.at >= :since
        ), taken_back AS (
            SELECT m.conversation_id, m.nth
            FROM moves AS m
            WHERE m.action = 'undone'
            GROUP BY m.conversation_id, m.nth
            HAVING count(*) % 2 = 1
        )
        SELECT m.at::date AS day, m.actor_id, count(*) AS decisions
        FROM moves AS m
        LEFT JOIN taken_back AS t ON t.conversation_id = m.conversation_id AND t.nth = m.nth
        WHERE m.action = 'status' AND m.status IN ('approved', 'rejected', 'needs_revision') AND t.nth IS NULL
        GROUP BY 1, m.actor_id
    """)
    rows = connection.execute(query, {"workspace": workspace_id, "since": since}).all()
    people = labels_of(connection, (row.actor_id for row in rows))
    found = (DayOfDecisions(day=row.day, person=people[row.actor_id], decisions=row.decisions) for row in rows)
    return tuple(sorted(found, key=lambda one: (one.day, one.person)))


def list_reviewers(connection: Connection, workspace_id: UUID, *, since: datetime) -> tuple[ReviewerProfile, ...]:
    """The whole team first, then each reviewer by name."""
    means = ", ".join(f"avg(r.{column})::float8 AS {name}" for name, column in DIMENSIONS.items())
    halves = ", ".join(f"count(*) FILTER (WHERE round(r.quality_score * 2) = {n})" for n in range(2, 11))
    query = text(f"""
        SELECT r.reviewer_id, count(*) AS reviews,
               count(*) FILTER (WHERE r.decision = 'approved') AS approved,
               count(*) FILTER (WHERE r.decision = 'rejected') AS rejected,
               count(*) FILTER (WHERE r.decision = 'needs_revision') AS needs_revision,
               {means},
               ARRAY[{halves}] AS halves
        FROM reviews AS r
        WHERE r.workspace_id = :workspace AND r.updated_at >= :since
        GROUP BY GROUPING SETS ((), (r.reviewer_id))
    """)
    rows = connection.execute(query, {"workspace": workspace_id, "since": since}).mappings().all()
    people = labels_of(connection, {row["reviewer_id"] for row in rows} - {None})
    found = (
        ReviewerProfile(
            person=people.get(row["reviewer_id"]),
            reviews=row["reviews"],
            approved=row["approved"],
            rejected=row["rejected"],
            needs_revision=row["needs_revision"],
            means={name: row[name] for name in DIMENSIONS},
            quality={(index + 2) / 2: count for index, count in enumerate(row["halves"])},
        )
        for row in rows
        if row["reviews"]
    )
    return tuple(sorted(found, key=lambda one: (one.person is not None, one.person or "")))


def list_disagreements(
    connection: Connection, workspace_id: UUID, *, since: datetime, limit: int = 50
) -> tuple[Disagreement, ...]:
    """Conversations whose reviews of the same turns decide differently or lie far apart, the widest first."""
    query = text("""
        SELECT c.conversation_id, c.conversation_name, c.status,
               jsonb_object_agg(r.reviewer_id, r.decision) AS decisions,
               min(r.quality_score)::float8 AS lowest, max(r.quality_score)::float8 AS highest
        FROM reviews AS r
        JOIN conversations AS c ON c.workspace_id = :workspace AND c.id = r.conversation_id
             AND c.turns_sha256 = r.turns_sha256 AND c.is_active AND c.review_count > 1
        WHERE r.workspace_id = :workspace
        GROUP BY c.id
        HAVING max(r.updated_at) >= :since
           AND (count(DISTINCT r.decision) > 1 OR max(r.quality_score) - min(r.quality_score) >= :apart)
        ORDER BY count(DISTINCT r.decision) DESC, coalesce(max(r.quality_score) - min(r.quality_score), 0) DESC, c.id
        LIMIT :limit
    """)
    values = {"workspace": workspace_id, "since": since, "apart": _WIDE_APART, "limit": limit}
    rows = connection.execute(query, values).mappings().all()
    people = labels_of(connection, {UUID(who) for row in rows for who in row["decisions"]})
    return tuple(
        Disagreement(**{**row, "decisions": {people[UUID(who)]: said for who, said in row["decisions"].items()}})
        for row in rows
    )
