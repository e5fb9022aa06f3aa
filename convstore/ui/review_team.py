"""The blocks of the team screen: decisions by day, each reviewer beside the team, reviews that disagree."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from convstore.queries.team import Disagreement
from convstore.review.desk import TeamReport
from convstore.ui.navigation import go
from convstore.ui.review_rubric import RUBRIC
from convstore.ui.status import STATUSES
from convstore.ui.table import status_column
from convstore.ui.words import counted

__all__ = ["decisions", "disagreements", "reviewers"]


def decisions(report: TeamReport) -> None:
    """Decisions by reviewer and day, as numbers and no race: people by name, days across."""
    with st.container(border=True, gap="xsmall"):
        total = sum(day.decisions for day in report.decisions)
        st.markdown(f"**Decisions** :gray[{counted(total, 'decision')}, by reviewer and day]")
        if not report.decisions:
            st.caption("Nobody decided anything yet.")
            return
        days = list(dict.fromkeys(found.day for found in report.decisions))
        people = sorted({found.person for found in report.decisions})
        counts = {(found.person, found.day): found.decisions for found in report.decisions}
        table = pd.DataFrame(
            {
                f"{day.day} {day:%b}": pd.Series([counts.get((who, day)) for who in people], dtype="Int64")
                for day in days
            }
        )
        table.insert(0, "Reviewer", people)
        st.dataframe(table, hide_index=True, row_height=31, height="content", placeholder="–")


def reviewers(report: TeamReport) -> None:
    """How each reviewer decides and scores, with the whole team in the first row."""
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Each beside the team** :gray[shares of decisions, means of scores, and quality from 1 to 5]")
        if not report.reviewers:
            st.caption("Nobody scored anything yet.")
            return
        rows = []
        for profile in report.reviewers:
            share = 100 / profile.reviews
            rows.append(
                {
                    "Reviewer": profile.person or "The whole team",
                    "Reviews": profile.reviews,
                    "Approved": profile.approved * share,
                    "Rejected": profile.rejected * share,
                    "Sent back": profile.needs_revision * share,
                    "Scores of quality": list(profile.quality.values()),
                    **{RUBRIC[name].name: mean for name, mean in profile.means.items()},
                }
            )
        column = st.column_config
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            row_height=31,
            height="content",
            placeholder="–",
            column_config={
                **{name: column.NumberColumn(name, format="%.0f %%") for name in ("Approved", "Rejected", "Sent back")},
                **{rubric.name: column.NumberColumn(rubric.name, format="%.1f") for rubric in RUBRIC.values()},
                "Scores of quality": column.BarChartColumn("Quality, 1 to 5", y_min=0, width=130),
            },
        )


def disagreements(report: TeamReport) -> None:
    """Conversations whose reviews differ; a press on a name opens it."""
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Reviews that disagree** :gray[other decisions, or quality 1.5 points apart]")
        if not report.disagreements:
            st.caption("None do.")
            return
        found = report.disagreements
        words = [
            ", ".join(f"{who}: {STATUSES[decision].word.lower()}" for who, decision in sorted(one.decisions.items()))
            for one in found
        ]
        column = st.column_config
        st.dataframe(
            pd.DataFrame(
                {
                    "Name": [one.conversation_name for one in found],
                    "Status": [[STATUSES[one.status].word] for one in found],
                    "Who said what": words,
                    "Quality": [_apart(one) for one in found],
                }
            ),
            hide_index=True,
            row_height=31,
            height="content",
            placeholder="–",
            column_config={
                "Name": column.ButtonColumn(
                    "Name", type="tertiary", alignment="left", key="open-disagreement", on_click=_keep, width=280
                ),
                "Status": status_column(),
                "Who said what": column.TextColumn("Who said what", width=480),
                "Quality": column.TextColumn("Quality", width=90),
            },
        )
        row = st.session_state.pop("disagreement", None)
        if row is not None and row < len(found):
            go("conversation", {"id": found[row].conversation_id})


def _apart(one: Disagreement) -> str | None:
    """1.0 to 5.0; None where nobody scored it."""
    if one.lowest is None or one.highest is None:
        return None
    return f"{one.lowest:.1f}" if one.lowest == one.highest else f"{one.lowest:.1f} to {one.highest:.1f}"


def _keep() -> None:
    st.session_state["disagreement"] = st.session_state["open-disagreement"].row
