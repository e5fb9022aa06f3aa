"""What reviewers and checks said of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select, update

from convstore.database.tables import findings, profiles, reviews
from convstore.errors import NotFoundError
from convstore.model import DIMENSIONS, Finding, Review, Scores

__all__ = ["as_finding", "as_review", "dismiss_finding", "findings_of", "reviews_of"]

r, f = reviews.c, findings.c


def reviews_of(row: ColumnElement[Any]) -> Select[Any]:
    """The reviews of the conversation with this row id that the caller may see, oldest first, by `workspace_id`."""
    return (
        select(reviews, profiles.c.name.label("reviewer"))
        .select_from(reviews.outerjoin(profiles, profiles.c.id == r.reviewer_id))
        .where(r.workspace_id == bindparam("workspace_id"), r.conversation_id == row)
        .order_by(r.created_at, r.id)
    )


def findings_of(row: ColumnElement[Any]) -> Select[Any]:
    """The findings of the conversation with this row id in the order of the text, by `workspace_id`."""
    return (
        select(findings)
        .where(f.workspace_id == bindparam("workspace_id"), f.conversation_id == row)
        .order_by(f.turn_number.nulls_first(), f.span_start.nulls_first(), f.code)
    )


def as_review(row: Mapping[str, Any]) -> Review:
    """A row of `reviews_of` as a value."""
    return Review(
        id=row["id"],
        reviewer_id=row["reviewer_id"],
        reviewer=row["reviewer"] or "a former member",
        scores=Scores(**{name: row[column] for name, column in DIMENSIONS.items()}),
        decision=row["decision"],
        reasons=tuple(row["reasons"]),
        note=row["note"],
        turn_notes={int(number): note for number, note in row["turn_notes"].items()},
        seconds=row["seconds"],
        turns_sha256=row["turns_sha256"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def as_finding(row: Mapping[str, Any]) -> Finding:
    """A row of `findings_of` as a value."""
    return Finding(
        id=row["id"],
        code=row["code"],
        severity=row["severity"],
        explanation=row["explanation"],
        check_version=row["check_version"],
        turn_number=row["turn_number"],
        span=None if row["span_start"] is None else (row["span_start"], row["span_end"]),
        dismissed_reason=row["dismissed_reason"],
    )


def dismiss_finding(connection: Connection, finding_id: UUID, workspace_id: UUID, reason: str | None) -> None:
    """Write why a finding does not matter; None takes that back. Who and when, a trigger adds.

    Raises
    ------
    NotFoundError
        There is no such finding, or it is hidden.
    """
    statement = (
        update(findings)
        .where(findings.c.workspace_id == workspace_id, findings.c.id == finding_id)
        .values(dismissed_reason=(reason or "").strip() or None)
    )
    if not connection.execute(statement).rowcount:
        raise NotFoundError(f"there is no finding {finding_id} here", hint="`convstore show ID` lists the findings.")
