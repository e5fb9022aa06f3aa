"""BrightRun v4 (one document) and v5 (JSON Lines with a header), spelled so that an import gives the same turns.

Totals are recomputed from what is written. v5 has a row for each reply only: a trailing user message and a
conversation without a reply can't be held, which `V5Part.lost_messages` counts.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from convstore.release.formats.brightrun_pairs import conversation_metadata, message_pair, pair_label, pairs_of
from convstore.release.formats.lines import HeadedPart
from convstore.release.rows import ReleaseOptions, ReleaseRow
from convstore.release.samples import system_prompt

__all__ = ["V4Part", "V5Part"]


class V4Part(HeadedPart):
    """`{training_file_metadata, consultant_profile, conversations[]}`, a pair a message or an exchange."""

    separator = b",\n"

    def __init__(self, path: Path, scratch: Path, options: ReleaseOptions, title: str) -> None:
        super().__init__(path, scratch)
        self._options = options
        self._title = title
        self._categories: set[str | None] = set()
        self._totals = _Totals()
        self._profile: Any = None

    def encode(self, row: ReleaseRow) -> tuple[bytes, int]:
        """A conversation as one element of `conversations`."""
        pairs = pairs_of(row, system_prompt(row, self._options))
        self._totals.count(row, len(pairs))
        self._categories.add(row.conversation.category)
        profile = row.conversation.extra.get("consultant_profile")
        if self._totals.conversations == 1:
            self._profile = profile
        elif profile != self._profile:
            self._profile = None
        metadata = conversation_metadata(row, pairs=len(pairs))
        return orjson.dumps({"conversation_metadata": metadata, "training_pairs": pairs}), 1

    def head(self) -> bytes:
        """File metadata with the totals of what was written."""
        head = {
            "training_file_metadata": {
                "file_name": self._title,
                "version": "4.0.0",
                "format_spec": "brightrun-lora-v4",
                **_vertical(self._categories),
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
        self._categories: set[str | None] = set()
        self.lost_messages = 0

    def encode(self, row: ReleaseRow) -> tuple[bytes, int]:
        """The lines of a conversation's replies."""
        conversation = row.conversation
        label, short_id = pair_label(conversation), conversation.id.hex[:8]
        system = system_prompt(row, self._options)
        self._categories.add(conversation.category)
        pairs = [
            message_pair(row, i, system, pair_id=f"{label}_turn{turn.turn_number}_{short_id}")
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
            **_vertical(self._categories),
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

    def count(self, row: ReleaseRow, pairs: int) -> None:
        conversation = row.conversation
        self.conversations += 1
        self._pairs += pairs
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


def _vertical(categories: set[str | None]) -> dict[str, str]:
    # The file has one place for it: said only where all conversations agree.
    only = next(iter(categories)) if len(categories) == 1 else None
    return {"vertical": only} if only else {}
