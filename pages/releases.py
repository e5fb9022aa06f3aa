"""Releases: a part of the set becomes files that a trainer reads."""

from __future__ import annotations

import streamlit as st

from convstore.ui.filters import filter_form, vocabulary_of
from convstore.ui.frame import heading
from convstore.ui.session import current_store
from convstore.ui.words import total

store = current_store()
vocabulary = vocabulary_of(store)
wanted = filter_form(vocabulary)
heading("Releases")
st.caption(f"{total(*store.count(wanted))} conversations")
