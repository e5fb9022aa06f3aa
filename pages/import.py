"""Import: files come in, and every one of them is answered for."""

from __future__ import annotations

import streamlit as st

from convstore.ui.frame import heading
from convstore.ui.session import current_store

store = current_store()
heading("Import")
st.file_uploader("Conversation files", accept_multiple_files=True)
