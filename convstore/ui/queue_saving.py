"""Keeping a filter and its order as a queue that reviewers work on. For leads."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.review.queues import DEFAULT_QUEUE, Queue
from convstore.rights import may
from convstore.ui.guard import guard
from convstore.ui.listing import SORTS
from convstore.ui.navigation import link

__all__ = ["save_as_queue"]


def save_as_queue(store: ConvStore, wanted: Filter, order: str) -> None:
    """A name for what is on screen, and the way to its review."""
    if not may(store.actor.role, "assign"):
        return
    with st.popover("Save as queue", icon=":material/inbox:", type="tertiary"), st.container(width=340):
        name = st.text_input("Name of the queue", key="queue-name", max_chars=80, placeholder="Weak ones first")
        if not wanted.statuses:
            # A queue whose conversations stay in it when they are decided would never end.
            wanted = replace(wanted, statuses=DEFAULT_QUEUE.wanted.statuses)
            st.caption("This filter in this order; of it what is to review, as no status is chosen.")
        else:
            st.caption("This filter in this order. A queue of the same name is changed.")
        if st.button("Save", key="save-queue", type="primary", disabled=not (name or "").strip()):
            sort, direction = SORTS[order]
            queue = Queue(name=(name or "").strip(), wanted=wanted, sort=sort, descending=direction == "desc")
            with guard(retry=False):
                store.desk.save_queue(queue)
                st.session_state["saved-queue"] = queue.name
        saved = st.session_state.get("saved-queue")
        if saved is not None and saved == (name or "").strip():
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                st.caption("Saved.", width="content")
                link("review", "Review it", {"queue": saved}, key="review-queue")
