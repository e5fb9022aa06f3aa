"""Browse: the set as a table, by filter, page by page, with decisions about the selected rows."""

from __future__ import annotations

import streamlit as st

from convstore.model import Conversation
from convstore.ui import decisions, empty
from convstore.ui.address import params_of
from convstore.ui.deciding import dialog_if_asked
from convstore.ui.filters import filter_form, is_empty, vocabulary_of
from convstore.ui.frame import heading
from convstore.ui.listing import page_of, pager, sort_select
from convstore.ui.navigation import go, link
from convstore.ui.queue_saving import save_as_queue
from convstore.ui.session import current_store
from convstore.ui.table import conversation_table, opened_row
from convstore.ui.walk import start
from convstore.ui.words import conversations_in

store = current_store()
vocabulary = vocabulary_of(store)
wanted = filter_form(store, vocabulary)
head = heading("Browse")
with head.controls:
    order = sort_select()
decisions.say_what_happened()
page = page_of(store, wanted, order)

head.line.caption(
    conversations_in(page.total, page.total_is_exact) + (" · no filter" if is_empty(wanted) else " with this filter")
)
selected: list[Conversation] = []
if page.items:
    with head.controls:
        save_as_queue(store, wanted, order)
        link("releases", "Export these", params_of(wanted, vocabulary), key="export", icon=":material/download:")
    selected = conversation_table(page.items, vocabulary)
elif is_empty(wanted):
    empty.nothing_stored()
else:
    empty.no_match()
opened = opened_row()
if opened is not None and opened < len(page.items):
    go("conversation", start(wanted, order, page, opened, at=st.query_params.get("at", "")).params(vocabulary))

if page.items or decisions.is_open():
    with (
        st.bottom,
        st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"),
    ):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            decisions.buttons(store, selected, decisions.Listed(wanted, page.total, page.total_is_exact))
        with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
            pager(page, disabled=decisions.is_asking())
dialog_if_asked(store)
