"""BrightRun v4 (one document) and v5 (JSON Lines with a header), spelled so that an import gives the same turns.

Totals are recomputed from what is written. v5 has a row for each reply only: a trailing user message and a
conversation without a reply can't be held, which `V5Part.lost_messages` counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from convstore.model import Turn
from convstore.release.formats.lines import HeadedPart
from convstore.release.rows import ExportConversation, ReleaseOptions, ReleaseRow
from convstore.release.samples import system_prompt

__all__ = ["V4Part", "V5Part"]

_CRITERIA = {
    "empathy_score": "empathy",
    "clarity_score": "clarity",
    "appropriateness_score": "appropriateness",
    "brand_voice_alignment": "brand_voice",
}


class V4Part(HeadedPart):
    """`{training_file_metadata, consultant_profile, conversations[]}`, one pair a message."""

    separator = b",\n"

    def __init__(self, path: Path, scratch: Path, options: ReleaseOptions, title: str) -> None:
        super().__init__(path, scratch)
        self._options = options
        self._title = title
        self._totals = _Totals()
        self._profile: Any = None

    def encode(self, row: ReleaseRow) -> tuple[bytes, int]:
        """A conversation as one element of `conversations`."""
        self._totals.count(row)
        profile = row.conversation.extra.get("consultant_profile")
        if self._totals.conversations == 1:
            self._profile = profile
        elif profile != self._profile:
            self._profile = None
        document = {"conversation_metadata": _conversation_metadata(row), "training_pairs": _pairs(row, self._options)}
        return orjson.dumps(document), 1

    def head(self) -> bytes:
        """File metadata with the totals of what was written."""
        head = {
            "training_file_metadata": {
                "file_name": self._title,
                "version": "4.0.0",
                "format_spec": "brightrun-lora-v4",
                **self._totals.as_metadata(),
            },
            "consultant_profile": self._profile or {},
        }
        return orjson.dumps(head)[:-1] + b',"conversations":[\n'

    def tail(self) -> bytes:
        """Closes the document."""
        return b"\n]}\n"


class V5Part(HeadedPart):
    """A `_meta` line, then one line a reply with everything before it as history."""

    def __init__(self, path: Path, scratch: Path, options: ReleaseOptions, title: str) -> None:
        super().__init__(path, scratch)
        self._options = options
        self._title = title
        self.lost_messages = 0

    def encode(self, row: ReleaseRow) -> tuple[bytes, int]:
        """The lines of a conversation's replies."""
        conversation = row.conversation
        label, short_id = _label(conversation), conversation.id.hex[:8]
        pairs = [
            _pair(row, i, self._options, pair_id=f"{label}_turn{turn.turn_number}_{short_id}")
            for i, turn in enumerate(row.turns)
            if turn.role == "assistant"
        ]
        last_held = max((i for i, turn in enumerate(row.turns) if turn.role == "assistant"), default=-1)
        self.lost_messages += len(row.turns) - last_held - 1
        return b"".join([orjson.dumps(pair, option=orjson.OPT_APPEND_NEWLINE) for pair in pairs]), len(pairs)

    def head(self) -> bytes:
        """The `_meta` line."""
        meta = {
            "file_name": self._title,
            "total_pairs": self._rows,
            "version": "5.0.0",
            "format_spec": "brightrun-lora-v5",
            "description": f"One line a reply; {self.lost_messages} user messages without a reply are not held.",
        }
        return orjson.dumps({"_meta": meta}, option=orjson.OPT_APPEND_NEWLINE)


class _Totals:
    """Running totals of a v4 file."""

    def __init__(self) -> None:
        self.conversations = 0
        self._pairs = 0
        self._reviewed = 0
        self._qualities: list[float] = []
        self._keys: dict[str, Counter[str]] = {
            name: Counter() for name in ("personas", "emotional_arcs", "training_topics")
        }

    def count(self, row: ReleaseRow) -> None:
        conversation = row.conversation
        self.conversations += 1
        self._pairs += len(row.turns)
        self._reviewed += conversation.reviewed_at is not None
        if conversation.scores.quality is not None:
            self._qualities.append(float(conversation.scores.quality))
        keys = (conversation.persona_key, conversation.emotional_arc_key, conversation.topic_key)
        for counter, key in zip(self._keys.values(), keys, strict=True):
            if key:
                counter[key] += 1

    def as_metadata(self) -> dict[str, Any]:
        qualities = self._qualities
        return {
            "total_conversations": self.conversations,
            "total_training_pairs": self._pairs,
            "quality_summary": {
                "avg_quality_score": round(sum(qualities) / len(qualities), 2) if qualities else None,
                "min_quality_score": min(qualities, default=None),
                "max_quality_score": max(qualities, default=None),
                "human_reviewed_count": self._reviewed,
                "human_reviewed_percentage": round(100 * self._reviewed / max(self.conversations, 1), 1),
            },
            "scaffolding_distribution": {name: dict(sorted(keys.items())) for name, keys in self._keys.items()},
        }


def _conversation_metadata(row: ReleaseRow) -> dict[str, Any]:
    conversation = row.conversation
    return {
        "conversation_id": conversation.conversation_id,
        "conversation_name": conversation.conversation_name,
        "source_file": f"{conversation.conversation_name}.json",
        "created_date": conversation.created_at.date().isoformat(),
        "total_turns": len(row.turns),
        "quality_tier": conversation.tier,
        "description": conversation.description,
        "category": conversation.category,
        "scaffolding": {
            "persona_key": conversation.persona_key or "",
            "emotional_arc_key": conversation.emotional_arc_key or "",
            "training_topic_key": conversation.topic_key or "",
        },
        "original_metadata": {k: v for k, v in conversation.extra.items() if k != "consultant_profile"},
    }


def _pairs(row: ReleaseRow, options: ReleaseOptions) -> list[dict[str, Any]]:
    label = _label(row.conversation)
    return [_pair(row, i, options, pair_id=f"{label}_turn{turn.turn_number}") for i, turn in enumerate(row.turns)]


def _pair(row: ReleaseRow, index: int, options: ReleaseOptions, *, pair_id: str) -> dict[str, Any]:
    conversation = row.conversation
    turn = row.turns[index]
    is_reply = turn.role == "assistant"
    asked = next((before.content for before in reversed(row.turns[:index]) if before.role == "user"), "")
    return {
        "id": pair_id,
        "conversation_id": conversation.conversation_id,
        "turn_number": turn.turn_number,
        "conversation_metadata": _pair_metadata(conversation),
        "system_prompt": system_prompt(row, options) or "",
        "conversation_history": [_history_entry(before) for before in row.turns[:index]],
        "current_user_input": asked if is_reply else turn.content,
        "emotional_context": _emotional_context(turn),
        "target_response": turn.content if is_reply else None,
        "training_metadata": _training_metadata(conversation, turn),
    }


def _pair_metadata(conversation: ExportConversation) -> dict[str, Any]:
    return {
        "persona_archetype": conversation.persona_key or "",
        "emotional_arc_key": conversation.emotional_arc_key or "",
        "training_topic_key": conversation.topic_key or "",
        "session_context": conversation.description or "",
    }


def _history_entry(turn: Turn) -> dict[str, Any]:
    entry: dict[str, Any] = {"turn": turn.turn_number, "role": turn.role, "content": turn.content}
    if turn.detected_emotion is not None:
        entry["emotional_state"] = _present(primary=turn.detected_emotion, intensity=_number(turn.emotional_intensity))
    return entry


def _emotional_context(turn: Turn) -> dict[str, Any]:
    if turn.detected_emotion is None:
        return {}
    return {
        "detected_emotions": _present(
            primary=turn.detected_emotion,
            primary_confidence=_number(turn.emotion_confidence),
            intensity=_number(turn.emotional_intensity),
        )
    }


def _training_metadata(conversation: ExportConversation, turn: Turn) -> dict[str, Any]:
    scores = conversation.scores
    metadata: dict[str, Any] = {
        "quality_score": _number(scores.quality),
        "quality_criteria": {key: _number(getattr(scores, name)) for key, name in _CRITERIA.items()},
        "human_reviewed": conversation.reviewed_at is not None,
    }
    if turn.role == "assistant":
        # Not `response_strategy` on the pair itself: that key would make an exchange of every pair.
        metadata |= _present(primary_strategy=turn.primary_strategy, tone=turn.tone)
    return metadata


def _label(conversation: ExportConversation) -> str:
    return conversation.category or conversation.conversation_id


def _number(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


def _present(**values: Any) -> Mapping[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
