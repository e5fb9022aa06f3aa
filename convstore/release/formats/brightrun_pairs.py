"""The pairs of BrightRun files: what the family says of a conversation and of each of its messages.

A conversation is written as exchanges only where that keeps more (strategies, which message pairs can't hold) and
loses nothing; otherwise a pair is a message. An import tells the two apart by `response_strategy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from convstore.formats.metadata import tier_of
from convstore.model import DIMENSIONS, Turn
from convstore.queries.export_rows import ExportConversation
from convstore.release.rows import ReleaseRow

__all__ = ["conversation_metadata", "message_pair", "pair_label", "pairs_of"]

Record = dict[str, Any]

_CRITERIA = {
    "empathy_score": "empathy",
    "clarity_score": "clarity",
    "appropriateness_score": "appropriateness",
    "brand_voice_alignment": "brand_voice",
}


def conversation_metadata(row: ReleaseRow, *, pairs: int) -> Record:
    """The `conversation_metadata` of a v4 conversation."""
    conversation = row.conversation
    return {
        "conversation_id": conversation.conversation_id,
        "created_date": conversation.created_at.date().isoformat(),
        "total_turns": pairs,
        "quality_tier": _quality_tier(conversation),
        **_present(notes=conversation.description, vertical=conversation.category, source=conversation.source_name),
        "scaffolding": {
            "persona_key": conversation.persona_key or "",
            "emotional_arc_key": conversation.emotional_arc_key or "",
            "training_topic_key": conversation.topic_key or "",
            **_named(conversation, "persona_name"),
        },
        "review": {
            "status": conversation.status,
            **_present(
                reviewed_by=conversation.reviewed_by,
                reviewed_at=conversation.reviewed_at,
                effective_quality=_number(conversation.quality),
            ),
            "scores": {name: _number(getattr(conversation.human_scores, name)) for name in DIMENSIONS},
        },
        "original_metadata": {k: v for k, v in conversation.extra.items() if k != "consultant_profile"},
    }


def pairs_of(row: ReleaseRow, system: str | None) -> list[Record]:
    """The `training_pairs` of a v4 conversation."""
    if _are_exchanges(row.turns):
        return [_exchange_pair(row, i, system) for i in range(0, len(row.turns), 2)]
    label = pair_label(row.conversation)
    return [message_pair(row, i, system, pair_id=f"{label}_turn{t.turn_number}") for i, t in enumerate(row.turns)]


def message_pair(row: ReleaseRow, index: int, system: str | None, *, pair_id: str) -> Record:
    """The pair of one message."""
    turn = row.turns[index]
    is_reply = turn.role == "assistant"
    asked = next((before.content for before in reversed(row.turns[:index]) if before.role == "user"), "")
    return {
        **_opening(row, index, system, pair_id=pair_id, number=turn.turn_number),
        "current_user_input": asked if is_reply else turn.content,
        "emotional_context": _emotional_context(turn),
        "target_response": turn.content if is_reply else None,
        "training_metadata": _training_metadata(row.conversation),
    }


def pair_label(conversation: ExportConversation) -> str:
    """What the ids of a conversation's pairs start with."""
    return conversation.category or conversation.conversation_id


def _exchange_pair(row: ReleaseRow, index: int, system: str | None) -> Record:
    number = index // 2 + 1
    asked, reply = row.turns[index], row.turns[index + 1] if index + 1 < len(row.turns) else None
    pair = _opening(row, index, system, pair_id=f"{pair_label(row.conversation)}_turn{number}", number=number)
    pair |= {"current_user_input": asked.content, "emotional_context": _emotional_context(asked)}
    if reply is not None:
        strategy = _present(primary_strategy=reply.primary_strategy, tone_selection=reply.tone)
        pair |= {"response_strategy": strategy, "target_response": reply.content}
    else:
        pair["target_response"] = None
    return pair | {"training_metadata": _training_metadata(row.conversation)}


def _are_exchanges(turns: Sequence[Turn]) -> bool:
    if not any(turn.primary_strategy or turn.tone for turn in turns):
        return False
    if any(turn.role != ("user", "assistant")[i % 2] for i, turn in enumerate(turns)):
        return False
    # An exchange has one emotion for both of its messages.
    return all(_emotion(turns[i]) == _emotion(turns[i - 1]) for i in range(1, len(turns), 2))


def _opening(row: ReleaseRow, index: int, system: str | None, *, pair_id: str, number: int) -> Record:
    conversation = row.conversation
    return {
        "id": pair_id,
        "conversation_id": conversation.conversation_id,
        "turn_number": number,
        "conversation_metadata": {
            "persona_archetype": conversation.persona_key or "",
            "emotional_arc_key": conversation.emotional_arc_key or "",
            "training_topic_key": conversation.topic_key or "",
            **_named(conversation, "client_persona"),
            "quality_tier": _quality_tier(conversation),
            **_present(notes=conversation.description),
        },
        "system_prompt": system or "",
        "conversation_history": [_history_entry(before) for before in row.turns[:index]],
    }


def _named(conversation: ExportConversation, persona: str) -> Record:
    # The family has no name: an import makes it of persona and topic, or of the topic alone.
    before, colon, after = conversation.conversation_name.partition(": ")
    # A persona's name would give a key to a conversation that has none.
    if colon and before.strip() and after.strip() and (conversation.persona_key or " - The " not in before):
        return {persona: before, "training_topic": after}
    return {"training_topic": conversation.conversation_name}


def _quality_tier(conversation: ExportConversation) -> str:
    original = conversation.extra.get("quality_tier")
    if isinstance(original, str) and tier_of(original) == conversation.tier:
        return original
    return conversation.tier


def _history_entry(turn: Turn) -> Record:
    entry: Record = {"turn": turn.turn_number, "role": turn.role, "content": turn.content}
    if turn.detected_emotion is not None:
        entry["emotional_state"] = _emotion(turn)
    return entry


def _emotional_context(turn: Turn) -> Record:
    return {} if turn.detected_emotion is None else {"detected_emotions": _emotion(turn)}


def _emotion(turn: Turn) -> Mapping[str, Any]:
    return _present(
        primary=turn.detected_emotion,
        primary_confidence=_number(turn.emotion_confidence),
        intensity=_number(turn.emotional_intensity),
    )


def _training_metadata(conversation: ExportConversation) -> Record:
    scores = conversation.scores
    return {
        "quality_score": _number(scores.quality),
        "quality_criteria": {key: _number(getattr(scores, name)) for key, name in _CRITERIA.items()},
        "human_reviewed": conversation.reviewed_at is not None,
    }


def _number(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


def _present(**values: Any) -> Record:
    return {key: value for key, value in values.items() if value is not None}
