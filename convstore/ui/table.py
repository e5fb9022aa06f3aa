"""Conversations as a table: names first, states as words. Everything in it is shown as text and loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from convstore.checks import CHECKS
from convstore.model import Conversation
from convstore.ui.address import Vocabulary
from convstore.ui.status import FINDINGS, SEVERITY_COLORS, STATUSES, TIERS
from convstore.ui.words import local_zone, prettified

if TYPE_CHECKING:
    from streamlit.elements.lib.column_types import ColumnConfig

__all__ = ["conversation_table", "opened_row", "status_column"]


def conversation_table(conversations: Sequence[Conversation], vocabulary: Vocabulary) -> list[Conversation]:
    """Show the rows; those that are selected. A press on a name is kept for `opened_row`."""
    column = st.column_config
    shown = st.dataframe(
        frame_of(conversations, vocabulary),
        key=f"conversations-{st.session_state.get('table', 0)}",
        height="content",
        row_height=31,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        alt="Conversations",
        column_config={
            "Name": column.ButtonColumn(
                "Name", type="tertiary", alignment="left", key="open", on_click=_keep_opened, width=300
            ),
            "Status": status_column(),
            "Quality": column.ProgressColumn(
                "Quality", min_value=1, max_value=5, format="%.1f", color="gray", width=100
            ),
            "Findings": column.MultiselectColumn(
                "Findings",
                options=list(FINDINGS.values()),
                color=[SEVERITY_COLORS[check.severity] for check in CHECKS.values()],
                width=115,
            ),
            "Persona": column.TextColumn("Persona", width=125),
            "Arc": column.TextColumn("Arc", width=150),
            "Topic": column.TextColumn("Topic", width=150),
            "Updated": column.DatetimeColumn("Updated", format="D MMM, HH:mm", width=110),
            "Tier": column.TextColumn("Tier", width=90),
            "Turns": column.NumberColumn("Turns", width=60),
        },
    )
    return [conversations[row] for row in shown.selection.rows if row < len(conversations)]


def opened_row() -> int | None:
    """The row whose name was pressed, once."""
    row: int | None = st.session_state.pop("opened", None)
    return row


def _keep_opened() -> None:
    # Leaving for another page is for the run itself, where errors have a place.
    st.session_state["opened"] = st.session_state["open"].row


def status_column(width: int = 118) -> ColumnConfig:
    """The column of a status: one word in its colour."""
    return st.column_config.MultiselectColumn(
        "Status",
        options=[look.word for look in STATUSES.values()],
        color=[look.color for look in STATUSES.values()],
        width=width,
    )


def frame_of(conversations: Sequence[Conversation], vocabulary: Vocabulary) -> pd.DataFrame:
    """The rows as the table shows them."""
    zone = local_zone()
    return pd.DataFrame(
        {
            "Name": [row.conversation_name for row in conversations],
            "Status": [[STATUSES[row.status].word] for row in conversations],
            "Quality": pd.Series(
                [row.effective_quality / 10 if row.effective_quality else None for row in conversations],
                dtype="Float64",
            ),
            "Findings": [[FINDINGS[code] for code in FINDINGS if code in row.finding_codes] for row in conversations],
            "Persona": [_name(vocabulary, "persona", row.persona_key) for row in conversations],
            "Arc": [_name(vocabulary, "arc", row.emotional_arc_key) for row in conversations],
            "Topic": [_name(vocabulary, "topic", row.topic_key) for row in conversations],
            "Updated": [pd.Timestamp(row.updated_at.astimezone(zone)) for row in conversations],
            "Tier": [TIERS.get(row.tier, row.tier) for row in conversations],
            "Turns": [row.turn_count for row in conversations],
        }
    )


def _name(vocabulary: Vocabulary, kind: str, key: str | None) -> str | None:
    if key is None:
        return None
    return vocabulary.words[kind].get(key) or prettified(key)
