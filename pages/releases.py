"""Releases: a part of the set becomes a file that a trainer reads, and what went out is accounted for."""

from __future__ import annotations

import streamlit as st

from convstore.ui import decisions, empty, release_history, releasing
from convstore.ui.filters import filter_form, is_empty, vocabulary_of
from convstore.ui.frame import heading
from convstore.ui.parts import choose_part
from convstore.ui.release_form import request_form
from convstore.ui.session import current_store
from convstore.ui.words import conversations_in

_FORM_PX = 380

store = current_store()
wanted = filter_form(store, vocabulary_of(store))
head = heading("Releases")
count, is_exact = store.count(wanted)
head.line.caption(conversations_in(count, is_exact) + (" · no filter" if is_empty(wanted) else " with this filter"))
decisions.say_what_happened()
releasing.last_release(store)
release_history.being_made(store)
with head.controls:
    part = choose_part(["Build", "History"])
if part == "History":
    release_history.history(store)
elif count:
    # A narrow window has the one below the other.
    with st.container(horizontal=True, gap="medium"):
        left, right = st.container(width=_FORM_PX), st.container(width="stretch")
    with left:
        request = request_form(wanted)
    if request is not None:
        with right:
            found = releasing.preview(store, request, count)
        with left:
            releasing.build(store, request, found)
elif is_empty(wanted):
    empty.nothing_stored()
else:
    empty.no_match()
