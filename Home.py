"""The frame of the app: its name, its navigation, the sign-in. Every screen runs inside it."""

from __future__ import annotations

import streamlit as st

from convstore.ui import frame, navigation
from convstore.ui.guard import guard
from convstore.ui.session import current_store

frame.configure()
screen, page = navigation.choose()
with guard(kept=screen.kept):
    current_store()
    st.session_state["screen"] = screen.name
    page.run()
