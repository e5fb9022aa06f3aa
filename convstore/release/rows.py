"""What goes out: one conversation as the writers see it, and the options that shape it.

Knows nothing of a file or a format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from convstore.errors import UsageError
from convstore.model import Turn
from convstore.queries.export_rows import ExportConversation
from convstore.queries.turn_columns import TurnColumns

if TYPE_CHECKING:
    from convstore.release.samples import Sample

__all__ = ["FileInfo", "ReleaseOptions", "ReleaseRow", "RowReceipt", "RowShape", "SystemSource"]

SystemSource = Literal["file", "own", "none"]
RowShape = Literal["conversation", "turn", "last"]


@dataclass(slots=True, kw_only=True)
class ReleaseRow:
    """One conversation going out. `excluded_turns` are messages that a reviewer keeps out of training."""

    conversation: ExportConversation
    columns: TurnColumns
    split: str | None = None
    excluded_turns: frozenset[int] = frozenset()
    #: Kept by `convstore.release.samples`: the lint, the weights and the writer ask for the same.
    shaped: tuple[ReleaseOptions, list[Sample]] | None = field(default=None, init=False, repr=False, compare=False)
    _turns: tuple[Turn, ...] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns one by one, for formats that look at more than texts; made when first asked for."""
        if self._turns is None:
            self._turns = self.columns.one_by_one()
        return self._turns

    @property
    def has_blank(self) -> bool:
        """Whether a message has no text."""
        return not all(map(str.strip, self.columns.contents))


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
