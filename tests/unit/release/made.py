"""Makes conversations for tests of releases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from convstore.model import Turn, turns_sha256
from convstore.queries.export_rows import ExportConversation
from convstore.queries.turn_columns import TurnColumns
from convstore.release.rows import ReleaseRow

__all__ = ["MakeRow", "make_row"]

MakeRow = Callable[..., ReleaseRow]

QUESTION = "How do I start? “Quotes”, a \\ and 漢字,\nand a second line"
REPLY = "Start small — then\tgrow. = ok? é 🙂"


def make_row(
    number: int = 1,
    roles: str = "uaua",
    *,
    split: str | None = None,
    excluded: tuple[int, ...] = (),
    texts: tuple[str, ...] = (),
    **columns: object,
) -> ReleaseRow:
    """A conversation; `roles` has a letter a message."""
    names = {"u": "user", "a": "assistant", "x": "tool"}
    turns = tuple(
        Turn(
            turn_number=i + 1,
            role=names[letter],
            content=texts[i] if texts else f"{QUESTION if letter == 'u' else REPLY} {number}.{i + 1}",
            detected_emotion=("worry", "calm")[i % 2],
            emotion_confidence=0.8,
            emotional_intensity=0.7 - i / 100,
            primary_strategy="normalise" if letter == "a" else None,
            tone="warm" if letter == "a" else None,
        )
        for i, letter in enumerate(roles)
    )
    values: dict[str, object] = {
        "id": UUID(int=number),
        "conversation_id": f"conversation-{number}",
        "conversation_name": f"Name {number}",
        "status": "approved",
        "tier": "scenario",
        "turn_count": len(turns),
        "turns_sha256": turns_sha256(turns),
        "content_sha256": "c" * 64,
        "file_path": f"{UUID(int=0)}/{UUID(int=number)}/cccccccccccc/conversation.json.gz",
        "created_at": datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        "description": "What it is about",
        "category": "finance",
        "persona_key": "saver",
        "emotional_arc_key": "worry_to_calm",
        "topic_key": "first_budget",
        "quality_score": 3.1,
        "empathy_score": 2.8,
        "human_quality_score": 4.5,
        "starting_emotion": "worry",
        "ending_emotion": "calm",
        "reviewed_by": "Ada",
        "reviewed_at": datetime(2025, 2, 3, tzinfo=UTC),
        "source_name": "made.json",
        "system_prompt": "You are patient.",
    }
    values |= columns
    if "extra" in values:
        values["extra_json"] = json.dumps(values.pop("extra"))
    conversation = ExportConversation(**values)  # type: ignore[arg-type]
    return ReleaseRow(
        conversation=conversation, columns=TurnColumns.of(turns), split=split, excluded_turns=frozenset(excluded)
    )
