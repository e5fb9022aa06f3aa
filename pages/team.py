"""Team: what reviewers decided, how each scores beside the others, and where they disagree. For leads."""

from __future__ import annotations

import streamlit as st

from convstore.ui import review_team
from convstore.ui.frame import heading
from convstore.ui.session import current_store

store = current_store()
report = store.desk.team()
heading("Team")
st.caption(f"Since {report.since.day} {report.since:%B}. Days are counted in UTC.")
review_team.decisions(report)
review_team.reviewers(report)
review_team.disagreements(report)
