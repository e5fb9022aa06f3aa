"""Browse: the set as a table, by filter, page by page, with decisions about the selected rows."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from convstore.model import Conversation
from convstore.ui import decisions, empty
from convstore.ui.filters import filter_form, is_empty, vocabulary_of
from convstore.ui.frame import heading
from convstore.ui.listing import page_of, pager, sort_select
from convstore.ui.navigation import go, link
from convstore.ui.session import current_store
from convstore.ui.status import ACTIONS
from convstore.ui.table import conversation_table
from convstore.ui.walk import start
from convstore.ui.words import counted, total

store = current_store()
vocabulary = vocabulary_of(store)
wanted = filter_form(vocabulary)
with heading("Browse"):
    order = sort_select()
    releases = st.container()
page = page_of(store, wanted, order)


def open_row(rows: Sequence[Conversation]) -> None:
    """Remember which row was pressed; the page is left in the run itself, where errors have a place."""
    st.session_state["opened"] = st.session_state["open"].row


def actions(selected: list[Conversation]) -> None:
    """Buttons for what is selected."""
    st.markdown(f"**{counted(len(selected), 'selected', 'selected')}**", width="content")
    asking = decisions.is_asking()
    for status in ("approved", "rejected"):
        action = ACTIONS[status]
        st.button(
            action.verb,
            key=f"do-{status}",
            icon=action.icon,
            shortcut=action.shortcut,
            disabled=asking,
            on_click=decisions.ask,
            args=(status, selected),
        )
    with st.popover("More", disabled=asking):
        for status in ("needs_revision", "pending_review", "archived"):
            action = ACTIONS[status]
            st.button(
                action.verb,
                key=f"do-{status}",
                icon=action.icon,
                type="tertiary",
                on_click=decisions.ask,
                args=(status, selected),
            )


decisions.say_what_happened()
st.caption(
    f"{total(page.total, page.total_is_exact)} {'conversation' if page.total == 1 else 'conversations'}"
    + (" · no filter" if is_empty(wanted) else " with this filter")
)
if not page.items:
    empty.no_match() if not is_empty(wanted) else empty.nothing_stored()
    st.stop()

selected = conversation_table(page.items, vocabulary, on_open=open_row)
opened = st.session_state.pop("opened", None)
if opened is not None and opened < len(page.items):
    go("conversation", start(wanted, order, page, opened).params(vocabulary))

with st.bottom, st.container(
    border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
):
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        if selected:
            actions(selected)
        else:
            decisions.undo_button(store)
    with st.container(horizontal=True, vertical_alignment="center", gap=None, width="content"):
        pager(page, disabled=decisions.is_asking())
decisions.dialog_if_asked(store)
