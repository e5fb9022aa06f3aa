"""One conversation with everything that is known of it, asked for at once."""

from __future__ import annotations

from uuid import UUID

from convstore.database import Context, Database
from convstore.database.prepared import Prepared
from convstore.model import ConversationDetail, Event
from convstore.queries.conversations import CONVERSATION, as_conversation
from convstore.queries.events import events_of
from convstore.queries.naming import naming, not_found, row_named
from convstore.queries.reviews import as_finding, as_review, findings_of, reviews_of
from convstore.queries.turns import as_turn, turns_of

__all__ = ["get_detail"]

# Each finds the row by itself, so that none has to wait for the answer of another.
_BESIDE = [Prepared(of(row_named())) for of in (turns_of, findings_of, reviews_of, events_of)]


def get_detail(database: Database, context: Context, identifier: str, workspace_id: UUID) -> ConversationDetail:
    """A conversation with its turns, findings, reviews and history.

    Raises
    ------
    NotFoundError
        There is none, or it is hidden.
    """
    key = naming(identifier, workspace_id)
    asked = [query.asking(**key) for query in (CONVERSATION, *_BESIDE)]
    found, turns, findings, reviews, events = database.ask(context, asked)
    if not found:
        raise not_found(identifier)
    (row,) = found
    return ConversationDetail(
        conversation=as_conversation(row),
        system_prompt=row["system_prompt"],
        extra=row["extra"],
        turns=tuple(map(as_turn, turns)),
        findings=tuple(map(as_finding, findings)),
        reviews=tuple(map(as_review, reviews)),
        events=tuple(Event(**event) for event in events),
    )
