"""Home: what waits for whom, what the set looks like, what happened lately, and whether all is well."""

from __future__ import annotations

import streamlit as st

from convstore.model import Filter
from convstore.ui import empty, overview
from convstore.ui.filters import vocabulary_of
from convstore.ui.health import health
from convstore.ui.session import current_store

store = current_store()
vocabulary = vocabulary_of(store)
overview.greeting(store)
stored, _ = store.count(Filter())
if not stored:
    empty.nothing_stored()
    # An import that is on its way, or went wrong.
    if store.imports(limit=1):
        health(store)
    st.stop()
overview.waiting(store, vocabulary)
left, right = st.columns([3, 2], gap="small")
with left:
    overview.the_set(store, vocabulary)
with right:
    health(store)
overview.lately(store)
