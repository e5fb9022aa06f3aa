"""Quality: how good the set is, what it feels like and how long it is. Every number leads to its conversations."""

from __future__ import annotations

import streamlit as st

from convstore.model import Filter
from convstore.ui import empty
from convstore.ui.address import params_of
from convstore.ui.decisions import say_what_happened
from convstore.ui.filters import filter_form, is_empty, show_conversations, vocabulary_of
from convstore.ui.frame import heading
from convstore.ui.navigation import link
from convstore.ui.parts import choose_part
from convstore.ui.quality import feelings, scores, text, together
from convstore.ui.quality.standouts import standouts
from convstore.ui.session import current_store
from convstore.ui.words import counted, moment, number

store = current_store()
vocabulary = vocabulary_of(store)
wanted = filter_form(store, vocabulary)
statistics = store.statistics
say_what_happened()


def opened(chosen: Filter) -> None:
    """Leave for the conversations of a filter."""
    show_conversations(chosen, vocabulary)


head = heading("Quality")
total = statistics.scores(wanted)["quality"].file.total
if not total:
    empty.nothing_stored() if is_empty(wanted) else empty.no_match()
    st.stop()
head.line.caption(f"{counted(total, 'conversation')} · {'no filter' if is_empty(wanted) else 'with this filter'}")
view = choose_part(["Scores", "Feelings", "Text"])
if view == "Scores":
    found = standouts(
        wanted,
        statistics.scores(wanted),
        statistics.findings(wanted),
        statistics.correlations(wanted),
        statistics.breakdown("month", "quality", wanted),
    )
    groups, copies = statistics.duplicate_counts()
    with st.container(border=True, gap="xsmall"):
        st.markdown("**What stands out**")
        for place, one in enumerate(found):
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                st.markdown(f"{one.icon} {one.sentence}", width="content")
                if one.link and one.wanted:
                    link("browse", one.link, params_of(one.wanted, vocabulary), key=f"standout-{place}")
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(
                f":gray[:material/content_copy:] {counted(copies, 'conversation')} in {counted(groups, 'group')} of"
                " copies."
                if groups
                else ":gray[:material/content_copy:] No copies are known.",
                width="content",
            )
            link("duplicates", f"{number(groups)} to look at" if groups else "Look for copies", key="to-duplicates")
    scores.distributions(statistics, wanted, opened)
    scores.groups(statistics, wanted, vocabulary, opened)
    together.together(statistics, wanted, opened)
elif view == "Feelings":
    feelings.flow(statistics, wanted, opened)
    feelings.intensity(statistics, wanted, vocabulary, opened)
else:
    text.search(store, statistics, wanted, opened)
    text.lengths(statistics, wanted)
    text.phrases(store, statistics, opened)
with head.controls:
    st.caption(f"As of {moment(statistics.as_of)}", width="content")
    st.button("Refresh", key="refresh", type="tertiary", icon=":material/refresh:", on_click=store.refresh)
