"""Text on the Quality screen: lengths, stock phrases, and a search that shows where the words stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.queries.statistics.distribution import Distribution
from convstore.statistics import Statistics
from convstore.ui.charts import TEAL, card, csv_button, figure, show
from convstore.ui.words import counted, moment, number, spaced

__all__ = ["lengths", "phrases", "search"]

_BINS = 24
_HITS = 8


def lengths(statistics: Statistics, wanted: Filter) -> None:
    """How long conversations are."""
    found = statistics.texts(wanted)
    left, right = st.columns(2, gap="small")
    tokens = found.estimated_tokens
    with left, card("Words", f"{number(found.total_words)} in all, about {_big(tokens)} tokens"):
        _bars(found.words, "words")
    with right, card("Turns", f"a conversation has {found.turns.percentile(0.5):.0f} in the median"):
        _bars(found.turns, "turns")


def _big(value: int) -> str:
    return f"{value / 1e6:,.1f} million" if value >= 1_000_000 else number(value)


def _bars(distribution: Distribution, name: str) -> None:
    import plotly.graph_objects as go

    low, high = int(min(distribution.counts)), int(max(distribution.counts))
    width = max(1, -(-(high - low + 1) // _BINS))
    bins: dict[int, int] = {}
    for value, count in distribution.counts.items():
        start = low + (int(value) - low) // width * width
        bins[start] = bins.get(start, 0) + count
    made = figure()
    labels = [f"{start:,}" if width == 1 else f"{start:,} to {start + width - 1:,}" for start in bins]
    made.add_trace(
        go.Bar(
            x=[start + (width - 1) / 2 for start in bins],
            y=list(bins.values()),
            width=width * 0.82,
            marker={"color": TEAL},
            customdata=labels,
            hovertemplate=f"%{{customdata}} {name}: %{{y:,}}<extra></extra>",
        )
    )
    show(made, f"lengths-{name}", selectable=False)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(
            f"Half of them have {distribution.percentile(0.25):,.0f} to {distribution.percentile(0.75):,.0f} {name}.",
            width="content",
        )
        csv_button(name, (name, "conversations"), [(str(value), n) for value, n in distribution.counts.items()])


def phrases(store: ConvStore, statistics: Statistics, opened: Callable[[Filter], None]) -> None:
    """What replies open and close with, over the whole set."""
    import pandas as pd

    found = statistics.stock_phrases()
    with card("Stock phrases", "how replies open and close most often, in the whole set"):
        if found.counted_at is None:
            st.caption("Openings and closings have not been counted yet.")
        elif not found.phrases:
            st.caption("No five words open or close the replies of five conversations.")
        else:
            shown = st.dataframe(
                pd.DataFrame(
                    {
                        "Words": [one.phrase for one in found.phrases],
                        "Where": ["Opens" if one.edge == "opening" else "Closes" for one in found.phrases],
                        "Conversations": [one.conversations for one in found.phrases],
                    }
                ),
                hide_index=True,
                row_height=31,
                height="content",
                on_select="rerun",
                selection_mode="single-row",
                key="phrases",
                column_config={"Words": st.column_config.TextColumn("Words", width=320)},
            )
            rows: list[int] = shown.selection.rows
            if rows:
                phrase = found.phrases[rows[0]].phrase.replace('"', " ")
                if st.button("Find these words", key="open-phrase", type="tertiary", icon=":material/arrow_forward:"):
                    opened(Filter(text=f'"{phrase}"'))
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            if found.counted_at is not None:
                st.caption(f"Counted {moment(found.counted_at)}", width="content")
            if store.actor.role in ("lead", "admin") and st.button(
                "Count anew and run checks", key="recheck", type="tertiary", icon=":material/refresh:"
            ):
                with st.spinner("Counting the set and running checks …"):
                    checked = store.recheck()
                st.session_state["news"] = f"Checks ran over {counted(checked, 'conversation')}."
                st.rerun()


def search(store: ConvStore, statistics: Statistics, wanted: Filter, opened: Callable[[Filter], None]) -> None:
    """Words in all turns, shown where they stand."""
    with card("Find words", 'in all turns; "a phrase" in quotation marks, a minus before what must not be there'):
        text = st.text_input(
            "Words", key="find", placeholder='"I understand" -unfortunately', label_visibility="collapsed",
            icon=":material/search:", max_chars=500,
        )  # fmt: skip
        if not (text or "").strip():
            return
        looked = replace(wanted, text=text.strip())
        page = store.search(looked, limit=_HITS)
        if not page.items:
            st.caption("No conversation holds these words.")
            return
        total = number(page.total) if page.total_is_exact else f"more than {number(page.total)}"
        if st.button(
            f"See all {total} conversations", key="open-found", type="tertiary", icon=":material/arrow_forward:"
        ):
            opened(looked)
        snippets = statistics.snippets(looked.text or "", [row.id for row in page.items])
        for row in page.items:
            snippet = snippets.get(row.id)
            with st.container(gap=None):
                st.text(row.conversation_name)
                if snippet is not None:
                    speaker = {"user": "Client", "assistant": "Reply"}.get(snippet.role, "System")
                    st.caption(f"{speaker} in turn {snippet.turn_number}")
                    _pieces(snippet.pieces)


def _pieces(pieces: tuple[tuple[str, bool], ...]) -> None:
    """The cutting, with its hits marked; strangers' words are escaped, so that no mark but ours is read."""
    st.markdown(
        "".join(f":orange-background[**{spaced(text)}**]" if is_hit else spaced(text) for text, is_hit in pieces)
    )
