"""One conversation with everything that is known of it, in two round trips."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from convstore.database.prepared import one_round_trip
from convstore.model import ConversationDetail, Event
from convstore.queries.conversations import as_conversation, get_conversation
from convstore.queries.events import EVENTS_OF
from convstore.queries.reviews import FINDINGS, REVIEWS, as_finding, as_review
from convstore.queries.turns import TURNS, as_turn

__all__ = ["get_detail"]


def get_detail(connection: Connection, identifier: str, workspace_id: UUID) -> ConversationDetail:
    """A conversation with its turns, findings, reviews and history; `NotFoundError` if there is none."""
    row = get_conversation(connection, identifier, workspace_id)
    key = {"workspace_id": workspace_id, "conversation_id": row["id"]}
    with one_round_trip(connection):
        turns, findings, reviews, events = (
            query.send(connection, **key) for query in (TURNS, FINDINGS, REVIEWS, EVENTS_OF)
        )
    return ConversationDetail(
        conversation=as_conversation(row),
        system_prompt=row["system_prompt"],
        extra=row["extra"],
        turns=tuple(map(as_turn, turns)),
        findings=tuple(map(as_finding, findings)),
        reviews=tuple(map(as_review, reviews)),
        events=tuple(Event(**event) for event in events),
    )
