"""What became of every file and every conversation of an import: plain values, as `--json` and the audit show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from convstore.model import FormatWarning, Rejection

__all__ = ["ConversationReport", "FileReport", "IngestReport", "Outcome", "rejected_file", "warnings_of"]

Outcome = Literal["stored", "unchanged", "replaced", "conflict", "skipped", "rejected"]


@dataclass(slots=True, kw_only=True)
class ConversationReport:
    """What became of one conversation. `turns` is the number of messages parsed, whatever the outcome."""

    conversation_id: str | None
    outcome: Outcome
    turns: int = 0
    warnings: list[dict[str, str]] = field(default_factory=list)
    code: str | None = None
    reason: str | None = None
    path: str | None = None


@dataclass(slots=True, kw_only=True)
class FileReport:
    """What became of one file. `line`, `column` count from 1, `byte` from 0."""

    file: str
    outcome: Literal["accepted", "rejected"]
    family: str | None = None
    code: str | None = None
    reason: str | None = None
    path: str | None = None
    line: int | None = None
    column: int | None = None
    byte: int | None = None
    warnings: list[dict[str, str]] = field(default_factory=list)
    conversations: list[ConversationReport] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class IngestReport:
    """What became of every file, in the order in which they were read."""

    files: list[FileReport] = field(default_factory=list)

    @property
    def totals(self) -> dict[str, int]:
        """Counts of files and of conversations by outcome."""
        names: tuple[Outcome, ...] = ("stored", "unchanged", "replaced", "conflict", "skipped")
        outcomes = [conversation.outcome for file in self.files for conversation in file.conversations]
        return {
            "files": len(self.files),
            "accepted": sum(file.outcome == "accepted" for file in self.files),
            "rejected": sum(file.outcome == "rejected" for file in self.files),
            **{name: outcomes.count(name) for name in names},
            "conversations_rejected": outcomes.count("rejected"),
        }

    @property
    def is_clean(self) -> bool:
        """True if nothing was rejected and nothing in conflict."""
        totals = self.totals
        return not (totals["rejected"] or totals["conflict"] or totals["conversations_rejected"])


def rejected_file(name: str, why: Rejection) -> FileReport:
    """The report of a file that was refused as a whole."""
    return FileReport(
        file=name,
        outcome="rejected",
        code=why.code,
        reason=why.reason,
        path=why.path,
        line=why.line,
        column=why.column,
        byte=why.byte,
    )


def warnings_of(found: Iterable[FormatWarning]) -> list[dict[str, str]]:
    """Warnings as they are reported."""
    return [{"code": warning.code, "path": warning.path, "message": warning.message} for warning in found]
