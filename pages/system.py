"""System: what runs behind the set, and who may do what."""

from __future__ import annotations

import streamlit as st

from convstore.ui.frame import heading
from convstore.ui.session import current_store
from convstore.ui.system import sections_for
from convstore.ui.words import accented

store = current_store()
heading("System")
sections = sections_for(store)
for tab, section in zip(st.tabs([accented(section.title) for section in sections]), sections, strict=True):
    with tab:
        section.show(store)
