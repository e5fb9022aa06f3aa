"""What became of imported files and conversations, as words and as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from convstore.ingest import IngestReport
from convstore.ui.status import Color
from convstore.ui.words import counted

__all__ = ["OUTCOMES", "conversations_frame", "files_frame", "outcome_column", "problem_config"]


@dataclass(frozen=True, slots=True)
class OutcomeLook:
    """How an outcome shows; `total` is its name among the totals where that differs."""

    word: str
    icon: str
    color: Color
    total: str | None = None


OUTCOMES: Mapping[str, OutcomeLook] = {
    "stored": OutcomeLook("Stored", ":material/check_circle:", "green"),
    "replaced": OutcomeLook("Replaced", ":material/published_with_changes:", "green"),
    "unchanged": OutcomeLook("Unchanged", ":material/equal:", "gray"),
    "skipped": OutcomeLook("Kept the stored one", ":material/skip_next:", "gray"),
    "conflict": OutcomeLook("In conflict", ":material/call_split:", "orange"),
    "rejected": OutcomeLook("Refused", ":material/cancel:", "red", "conversations_rejected"),
}
_FILE_WORDS = {"accepted": "Read", "rejected": "Could not be read"}


def files_frame(report: IngestReport) -> pd.DataFrame:
    """One row a file."""
    files = report.files
    return pd.DataFrame(
        {
            "File": [file.file for file in files],
            "Result": [[_FILE_WORDS[file.outcome]] for file in files],
            "Format": [file.family for file in files],
            "Conversations": [counted(len(file.conversations), "conversation") if file.conversations else None
                              for file in files],
            "Reason": [file.reason for file in files],
            "Path": [file.path for file in files],
            "Line": pd.Series([file.line for file in files], dtype="Int64"),
            "Column": pd.Series([file.column for file in files], dtype="Int64"),
            "Byte": pd.Series([file.byte for file in files], dtype="Int64"),
        }
    ).dropna(axis="columns", how="all")  # fmt: skip


def conversations_frame(report: IngestReport) -> pd.DataFrame:
    """One row for each conversation that was refused, is in conflict, or was stored with a warning."""
    rows: list[dict[str, Any]] = []
    for file in report.files:
        for found in file.conversations:
            if found.outcome in ("rejected", "conflict"):
                rows.append(_row(file.file, found.conversation_id, found.outcome, found.reason, found.path))
            rows += [
                _row(file.file, found.conversation_id, found.outcome, warning["message"], warning["path"])
                for warning in found.warnings
            ]
    return pd.DataFrame(rows)


def _row(file: str, conversation_id: str | None, outcome: str, reason: str | None, path: str | None) -> dict[str, Any]:
    return {
        "Conversation": conversation_id,
        "Outcome": [OUTCOMES[outcome].word],
        "Reason": reason,
        "Path": path,
        "File": file,
    }


def outcome_column() -> Any:
    """The column of an outcome: its word in its colour."""
    looks = OUTCOMES.values()
    return st.column_config.MultiselectColumn(
        "Outcome", options=[look.word for look in looks], color=[look.color for look in looks], width=140
    )


def problem_config() -> dict[str, Any]:
    """Columns of files and the places of faults in them."""
    column = st.column_config
    return {
        "File": column.TextColumn("File", width=260),
        "Result": column.MultiselectColumn(
            "Result", options=list(_FILE_WORDS.values()), color=["green", "red"], width=140
        ),
        "Reason": column.TextColumn("Reason", width=380),
        "Path": column.TextColumn("Path", width=180),
        "Line": column.NumberColumn("Line", width=60, format="%d"),
        "Column": column.NumberColumn("Column", width=70, format="%d"),
        "Byte": column.NumberColumn("Byte", width=80, format="%d"),
    }
