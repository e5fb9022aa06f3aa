"""Releases: a part of the set becomes a file that a trainer reads."""

from __future__ import annotations

from convstore.ui import decisions, empty, releasing
from convstore.ui.filters import filter_form, is_empty, vocabulary_of
from convstore.ui.frame import heading
from convstore.ui.session import current_store
from convstore.ui.words import conversations_in

store = current_store()
wanted = filter_form(vocabulary_of(store))
head = heading("Releases")
count, is_exact = store.count(wanted)
head.line.caption(conversations_in(count, is_exact) + (" · no filter" if is_empty(wanted) else " with this filter"))
decisions.say_what_happened()
releasing.last_release()
if count:
    request = releasing.form(store, wanted, count, is_exact)
    if request is not None:
        releasing.run(store, request)
elif is_empty(wanted):
    empty.nothing_stored()
else:
    empty.no_match()
