"""Conversation: one of them, turn by turn, with what is known of it and what can be done with it."""

from __future__ import annotations

import streamlit as st

from convstore.ui import decisions, dismissing, reading, taking_back
from convstore.ui.deciding import dialog_if_asked
from convstore.ui.filters import vocabulary_of
from convstore.ui.navigation import go
from convstore.ui.session import current_store
from convstore.ui.turns import turns_beside_notes
from convstore.ui.walk import current_walk

store = current_store()
vocabulary = vocabulary_of(store)
identifier = st.query_params.get("id")
if not identifier:
    go("browse")
detail = store.get(identifier)
walk = current_walk(store, vocabulary, detail.conversation.conversation_id)

decisions.say_what_happened()
with reading.place(identifier):
    reading.back(walk, vocabulary)
    reading.head(detail, vocabulary)
    reading.extras(store, detail)
    turns_beside_notes(
        detail.turns,
        detail.findings,
        beside=reading.said(detail, store.desk.exclusions(detail.conversation.id)),
        behind=dismissing.dismisser(store),
    )
with st.bottom, st.container(horizontal_alignment="center"):
    reading.bar(store, detail, walk, vocabulary)
dialog_if_asked(store)
taking_back.dialog_if_asked(store)
