"""Undo from the history: a batch is taken back as a whole, so a large one is asked about first."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from convstore.core import ConvStore
from convstore.ui.decisions import take_back
from convstore.ui.guard import guard
from convstore.ui.words import counted, number

__all__ = ["ask_to_take_back", "dialog_if_asked"]

_ASKED = "take-back"


def ask_to_take_back(batch_id: UUID) -> None:
    """Have a batch of decisions taken back by the next run; for `on_click`."""
    st.session_state[_ASKED] = batch_id


def dialog_if_asked(store: ConvStore) -> None:
    """Take the batch back that was asked for; ask first where it is about more than the one on screen."""
    batch_id: UUID | None = st.session_state.get(_ASKED)
    if batch_id is None:
        return
    with guard(retry=False):
        _ask(store, batch_id, store.desk.batch_size(batch_id))


def _ask(store: ConvStore, batch_id: UUID, size: int) -> None:
    if size <= 1:
        _forget()
        take_back(store, batch_id, size)

    @st.dialog(f"Undo: {counted(size, 'conversation')}", icon=":material/undo:", width="medium", on_dismiss=_forget)
    def question() -> None:
        st.markdown(f"**This decision was about {counted(size, 'conversation')} at once.**")
        st.caption("All of them get the status back that they had. What changed since is left alone and listed.")
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button("Cancel", type="tertiary"):
                _forget()
                st.rerun()
            if st.button(f"Undo {number(size)}", key="take-it-back", type="primary", icon=":material/undo:"):
                _forget()
                take_back(store, batch_id, size)

    question()


def _forget() -> None:
    st.session_state.pop(_ASKED, None)
