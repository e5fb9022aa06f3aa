"""Import: files come in, and every one of them is answered for."""

from __future__ import annotations

from convstore.ui import importing
from convstore.ui.frame import heading
from convstore.ui.session import current_store

store = current_store()
heading("Import").line.caption("Conversation files in any of the known formats, with one conversation or many in each")
request = importing.form(store)
if request is not None:
    importing.run(store, request)
importing.last_report()
importing.quarantine(store)
importing.recent(store)
