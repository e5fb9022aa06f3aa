"""Renaming a conversation, putting it into the trash, and taking it out again."""

from __future__ import annotations

import streamlit as st

from convstore.core import ConvStore
from convstore.model import BatchResult, Conversation
from convstore.ui import decisions
from convstore.ui.navigation import go

__all__ = ["edit_form", "restore_button"]


def edit_form(store: ConvStore, conversation: Conversation) -> None:
    """Name and description, and the way into the trash."""
    with st.form("edit", border=False):
        name = st.text_input("Name", conversation.conversation_name, max_chars=255, key="edit-name")
        description = st.text_area("Description", conversation.description or "", height=90, max_chars=5000)
        if st.form_submit_button("Save", key="save", icon=":material/check:"):
            store.edit(str(conversation.id), name=name, description=description)
            decisions.remember("Saved.", None)
            st.rerun()
    if conversation.is_active and st.button(
        "Move to the trash", key="trash", type="tertiary", icon=":material/delete:"
    ):
        _say(store.delete([str(conversation.id)]), "Moved to the trash.")
        st.rerun()


def restore_button(store: ConvStore, conversation: Conversation) -> None:
    """Say that it is in the trash, and offer to take it out."""
    st.caption("This conversation is in the trash.", width="content")
    if st.button("Restore", key="restore", type="primary", icon=":material/restore_from_trash:"):
        _say(store.restore([str(conversation.id)]), "Taken out of the trash.")
        st.rerun()
    if st.button("Back to the list", key="leave", type="tertiary"):
        go("browse")


def _say(result: BatchResult, words: str) -> None:
    outcome = result.items[0]
    decisions.remember(f"Left alone: {outcome.reason}." if outcome.outcome == "refused" else words, None)
