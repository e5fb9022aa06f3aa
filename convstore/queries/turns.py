"""The turns of conversations, read and written whole."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from convstore.database.tables import conversation_turns
from convstore.model import Turn

__all__ = ["TURN_COLUMNS", "as_turn", "list_turns"]

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


def list_turns(connection: Connection, conversation_id: UUID, workspace_id: UUID) -> tuple[Turn, ...]:
    """The turns of one conversation in their order."""
    query = (
        select(*_READ)
        .where(t.workspace_id == workspace_id, t.conversation_id == conversation_id)
        .order_by(t.turn_number)
    )
    return tuple(as_turn(row) for row in connection.execute(query).mappings())


def as_turn(row: RowMapping) -> Turn:
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
