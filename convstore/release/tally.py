"""Counts of what goes out: length, composition, tokens. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from convstore.queries.turn_columns import merged
from convstore.release.rows import ReleaseRow

__all__ = ["COMPOSED", "Tally", "estimated_tokens", "top"]

#: What a composition counts, and where a conversation has it.
COMPOSED = {
    "persona": "persona_key",
    "arc": "emotional_arc_key",
    "topic": "topic_key",
    "tier": "tier",
    "status": "status",
    "source": "source_name",
}

_MOST_VALUES = 50
# English text in the vocabularies of present models: between 3.5 and 4.5.
_CHARACTERS_A_TOKEN = 4


class Tally:
    """Counts conversations, a batch at a time."""

    def __init__(self) -> None:
        self.conversations = 0
        self.turns = 0
        self.characters = 0
        self._by: dict[str, Counter[str]] = {name: Counter() for name in COMPOSED}
        self._splits: Counter[str] = Counter()

    def count(self, rows: Sequence[ReleaseRow]) -> None:
        """Count conversations that go out."""
        self.conversations += len(rows)
        for turns in merged(row.columns for row in rows):
            self.turns += len(turns)
            self.characters += sum(map(len, turns.contents))
        for name, attribute in COMPOSED.items():
            read = attrgetter(attribute)
            self._by[name].update([read(row.conversation) or "" for row in rows])
        self._splits.update([row.split for row in rows if row.split is not None])

    def sources(self) -> dict[str, int]:
        """Conversations by source, the most frequent ones."""
        return top(self._by["source"])

    def report(self) -> dict[str, Any]:
        """The counts as JSON values."""
        return {
            "turns": self.turns,
            "characters": self.characters,
            "estimated_tokens": estimated_tokens(self.characters),
            "composition": {name: top(counts) for name, counts in self._by.items()},
            "splits": dict(self._splits),
        }


def estimated_tokens(characters: int) -> int:
    """Tokens that a text of so many characters has, roughly."""
    return round(characters / _CHARACTERS_A_TOKEN)


def top(counts: Counter[str]) -> dict[str, int]:
    """The most frequent values; what is beyond them is counted together."""
    found = dict(counts.most_common(_MOST_VALUES))
    rest = counts.total() - sum(found.values())
    if rest:
        found["(others)"] = rest
    return found
