"""What goes out: one conversation as the writers see it, and the options that shape it.

Knows nothing of a database, a file or a format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import UUID

from convstore.errors import UsageError
from convstore.model import Scores, Turn

__all__ = ["ExportConversation", "FileInfo", "ReleaseOptions", "ReleaseRow", "RowReceipt", "RowShape", "SystemSource"]

SystemSource = Literal["file", "own", "none"]
RowShape = Literal["conversation", "turn", "last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportConversation:
    """The columns of a conversation that leave with it.

    `quality` is the effective score: the human mean if there is one, else the file's. `reviewed_by` is a name.
    """

    id: UUID
    conversation_id: str
    conversation_name: str
    status: str
    tier: str
    turn_count: int
    turns_sha256: str
    content_sha256: str
    created_at: datetime
    description: str | None = None
    category: str | None = None
    persona_key: str | None = None
    emotional_arc_key: str | None = None
    topic_key: str | None = None
    quality: float | None = None
    scores: Scores = field(default_factory=Scores)
    human_scores: Scores = field(default_factory=Scores)
    starting_emotion: str | None = None
    ending_emotion: str | None = None
    emotional_intensity_start: float | None = None
    emotional_intensity_end: float | None = None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    source_name: str | None = None
    system_prompt: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """One conversation going out. `excluded_turns` are messages that a reviewer keeps out of training."""

    conversation: ExportConversation
    turns: tuple[Turn, ...]
    split: str | None = None
    excluded_turns: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOptions:
    """How conversations become rows.

    Attributes
    ----------
    system
        Where the system prompt comes from: the conversation's file, `system_text`, or nowhere.
    rows
        One row a conversation, one a reply with everything before it, or the last reply only.
    keep_trailing_user
        Keep a last user message that nobody answered; trainers refuse it.
    alpaca_history
        Carry earlier exchanges in `history`; without it a trainer sees the last exchange alone.
    """

    system: SystemSource = "file"
    system_text: str | None = None
    rows: RowShape = "conversation"
    keep_trailing_user: bool = False
    alpaca_history: bool = True

    def __post_init__(self) -> None:
        if (self.system == "own") != bool(self.system_text):
            raise UsageError(
                "A system prompt of your own needs its text, and its text needs `system` to be 'own'.",
                hint="Give both, or neither.",
            )


class RowReceipt(NamedTuple):
    """What one conversation became: how many rows, and the SHA-256 that the manifest names for it."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """A written file under its final path."""

    path: Path
    sha256: str
    rows: int
    bytes: int
