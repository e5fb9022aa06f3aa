"""Coverage: where the set is thick and where it is thin, against what a lead wants."""

from __future__ import annotations

import streamlit as st

from convstore.model import Filter
from convstore.ui import covering, empty
from convstore.ui.decisions import say_what_happened
from convstore.ui.filters import filter_form, is_empty, show_conversations, vocabulary_of
from convstore.ui.frame import heading
from convstore.ui.session import current_store
from convstore.ui.words import counted, moment

store = current_store()
vocabulary = vocabulary_of(store)
wanted = filter_form(store, vocabulary)
statistics = store.statistics
say_what_happened()


def opened(chosen: Filter) -> None:
    """Leave for the conversations of a filter."""
    show_conversations(chosen, vocabulary)


head = heading("Coverage")
total = sum(cell.conversations for cell in statistics.cells(("tier",), wanted))
if not total:
    empty.nothing_stored() if is_empty(wanted) else empty.no_match()
    st.stop()
head.line.caption(f"{counted(total, 'conversation')} · {'no filter' if is_empty(wanted) else 'with this filter'}")
rows, columns = covering.heat_map(statistics, wanted, vocabulary, opened)
covering.holes(store, statistics, vocabulary, opened)
covering.set_targets(store, statistics, vocabulary, rows, columns)
with head.controls:
    st.caption(f"As of {moment(statistics.as_of)}", width="content")
    st.button("Refresh", key="refresh", type="tertiary", icon=":material/refresh:", on_click=store.refresh)
