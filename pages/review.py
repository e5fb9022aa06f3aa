"""Review: one conversation after the other, scored and decided, by keys alone if one likes."""

from __future__ import annotations

import streamlit as st

from convstore.rights import may
from convstore.ui import decisions, review_reading
from convstore.ui.filters import names_of
from convstore.ui.reading import place
from convstore.ui.review_bench import bench_of
from convstore.ui.review_dialogs import dialog_if_asked
from convstore.ui.review_scores import scores_panel
from convstore.ui.session import current_store

st.set_page_config(initial_sidebar_state=384)
store = current_store()
if not may(store.actor.role, "review"):
    st.info("You can read here and not decide. Ask an admin for the role of a reviewer.", icon=":material/lock:")
    st.stop()

bench = bench_of(store)
if (queue := st.query_params.get("queue")) and queue != bench.queue.name:
    bench.choose(store, queue)
bench.act(store)
if bench.reading is None:
    bench.fill(store)
decisions.say_what_happened()
reading = bench.reading
if reading is None:
    review_reading.nothing_left(store, bench)
    review_reading.bar(bench, is_reading=False)
    st.stop()

reading.listen()
if reading.seen_at_s is None:
    reading.tick()
scores_panel(store, bench)
with place(reading.row):
    review_reading.show(store, bench, reading, names_of(store))
review_reading.bar(bench, is_reading=True)
dialog_if_asked(store, bench)
review_reading.heartbeat(store, bench)
# Everything is on screen: now the next ones, so that the next decision waits for nothing.
bench.fill(store)
