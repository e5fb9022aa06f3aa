"""From stored bytes to rows: the state of a conversation as a release keeps it, and its turns. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from convstore.model import DIMENSIONS, Scores, Turn
from convstore.release.rows import ExportConversation, ReleaseRow

__all__ = ["read_row", "row_of", "turns_of"]

_PLAIN = (
    "conversation_id", "conversation_name", "status", "tier", "turn_count", "turns_sha256", "content_sha256",
    "description", "category", "persona_key", "emotional_arc_key", "topic_key", "starting_emotion",
    "ending_emotion", "emotional_intensity_start", "emotional_intensity_end", "reviewed_by", "source_name",
    "system_prompt",
)  # fmt: skip


def read_row(state: bytes, turns: bytes, *, split: str | None = None) -> ReleaseRow:
    """A conversation as the database hands it out."""
    return row_of(orjson.loads(state), turns_of(orjson.loads(turns) if turns else ()), split=split)


def row_of(state: Mapping[str, Any], turns: tuple[Turn, ...], *, split: str | None = None) -> ReleaseRow:
    """A conversation from its state and turns."""
    human, own = _scores(state, "human_"), _scores(state, "")
    quality = human.quality if human.quality is not None else own.quality
    reviewed_at = state["reviewed_at"]
    conversation = ExportConversation(
        id=UUID(state["id"]),
        created_at=datetime.fromisoformat(state["created_at"]),
        reviewed_at=None if reviewed_at is None else datetime.fromisoformat(reviewed_at),
        quality=None if quality is None else float(quality),
        scores=own,
        human_scores=human,
        extra=state["extra"],
        **{name: state[name] for name in _PLAIN},
    )
    return ReleaseRow(
        conversation=conversation, turns=turns, split=split, excluded_turns=frozenset(state["excluded_turns"] or ())
    )


def turns_of(rows: Sequence[Sequence[Any]]) -> tuple[Turn, ...]:
    """Turns from lists in the order of `Turn`'s fields."""
    return tuple(
        [
            Turn(
                turn_number=number,
                role=role,
                content=content,
                detected_emotion=emotion,
                emotion_confidence=confidence,
                emotional_intensity=intensity,
                primary_strategy=strategy,
                tone=tone,
            )
            for number, role, content, emotion, confidence, intensity, strategy, tone in rows
        ]
    )


def _scores(state: Mapping[str, Any], prefix: str) -> Scores:
    return Scores(
        **{
            name: None if (value := state[prefix + column]) is None else Decimal(str(value))
            for name, column in DIMENSIONS.items()
        }
    )
