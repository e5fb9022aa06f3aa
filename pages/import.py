"""Import: files come in, and every one of them is answered for."""

from __future__ import annotations

import streamlit as st

from convstore.rights import may
from convstore.ui import importing, importing_later
from convstore.ui.frame import heading
from convstore.ui.session import current_store

store = current_store()
heading("Import").line.caption("Conversation files in any of the known formats, with one conversation or many in each")
if may(store.actor.role, "import"):
    request = importing.form(store)
    if request is not None:
        importing.run(store, request)
else:
    st.info("Reviewers import. Ask an admin of the workspace for the role.", icon=":material/lock:")
importing_later.under_way(store)
importing.last_report()
if may(store.actor.role, "import"):
    importing.quarantine(store)
importing.recent(store)
