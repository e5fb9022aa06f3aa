"""The turns of conversations, read and written whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select

from convstore.database.prepared import Prepared
from convstore.database.tables import conversation_turns
from convstore.model import Turn

__all__ = ["TURNS", "TURN_COLUMNS", "as_turn", "list_turns", "turns_of"]

t = conversation_turns.c

#: What a turn is made of, in the order in which it is copied into the database.
TURN_COLUMNS = (
    "workspace_id",
    "conversation_id",
    "turn_number",
    "role",
    "content",
    "detected_emotion",
    "emotion_confidence",
    "emotional_intensity",
    "primary_strategy",
    "tone",
    "word_count",
    "sentence_count",
)

_READ = (
    t.turn_number,
    t.role,
    t.content,
    t.detected_emotion,
    t.emotion_confidence,
    t.emotional_intensity,
    t.primary_strategy,
    t.tone,
)


def turns_of(row: ColumnElement[Any]) -> Select[Any]:
    """The turns of the conversation with this row id in their order, by `workspace_id`."""
    where = (t.workspace_id == bindparam("workspace_id"), t.conversation_id == row)
    return select(*_READ).where(*where).order_by(t.turn_number)


#: The turns of one conversation in their order, by `workspace_id` and `conversation_id`.
TURNS = Prepared(turns_of(bindparam("conversation_id")))


def list_turns(connection: Connection, conversation_id: UUID, workspace_id: UUID) -> tuple[Turn, ...]:
    """The turns of one conversation in their order."""
    rows = TURNS.send(connection, workspace_id=workspace_id, conversation_id=conversation_id)
    return tuple(map(as_turn, rows))


def as_turn(row: Mapping[Any, Any]) -> Turn:
    """A row of `conversation_turns` as a value."""
    confidence, intensity = row["emotion_confidence"], row["emotional_intensity"]
    return Turn(
        turn_number=row["turn_number"],
        role=row["role"],
        content=row["content"],
        detected_emotion=row["detected_emotion"],
        emotion_confidence=None if confidence is None else float(confidence),
        emotional_intensity=None if intensity is None else float(intensity),
        primary_strategy=row["primary_strategy"],
        tone=row["tone"],
    )
