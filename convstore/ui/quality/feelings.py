"""Feelings on the Quality screen: from the first to the last, and how strong they are turn by turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import streamlit as st

from convstore.model import Filter
from convstore.statistics import Statistics
from convstore.ui.address import Vocabulary
from convstore.ui.charts import AMBER, BLUE, GRAY, PLUM, TEAL, card, csv_button, figure, show
from convstore.ui.words import counted, number, plain, prettified

__all__ = ["flow", "intensity"]

_MOST_FEELINGS = 8
_COLORS = (BLUE, AMBER, TEAL, PLUM, GRAY)
_OTHERS = "Others"
_MOST_ROWS = 12


def flow(statistics: Statistics, wanted: Filter, opened: Callable[[Filter], None]) -> None:
    """Where conversations start and where they end."""
    import plotly.graph_objects as go

    found = statistics.emotion_flow(wanted)
    named = {pair: n for pair, n in found.flows.items() if None not in pair}
    with card("From the first feeling to the last", "the wider, the more conversations"):
        if not named:
            st.caption("The files name no first and last feeling.")
            return
        sides: list[list[str]] = []
        for side in (0, 1):
            totals: Counter[str] = Counter()
            for pair, count in named.items():
                totals[str(pair[side])] += count
            sides.append([name for name, _ in totals.most_common(_MOST_FEELINGS)])
        drawn: Counter[tuple[str, str]] = Counter()
        for (start, end), count in named.items():
            drawn[start if start in sides[0] else _OTHERS, end if end in sides[1] else _OTHERS] += count
        nodes = [(side, name) for side in (0, 1) for name in dict.fromkeys([*sides[side], _OTHERS])]
        nodes = [node for node in nodes if any(pair[node[0]] == node[1] for pair in drawn)]
        place = {node: index for index, node in enumerate(nodes)}
        # A feeling has one colour, on whichever side it stands.
        order = list(dict.fromkeys(name for _, name in nodes))
        made = figure(height=max(240, 34 * max(len(side) for side in sides)))
        made.add_trace(
            go.Sankey(
                node={
                    "label": [prettified(name).replace("<", "‹") for _, name in nodes],
                    "color": [_COLORS[order.index(name) % 4] if name != _OTHERS else GRAY for _, name in nodes],
                    "pad": 14,
                    "thickness": 12,
                    "line": {"width": 0},
                    "hovertemplate": "%{label}: %{value:,}<extra></extra>",
                },
                link={
                    "source": [place[0, start] for start, _ in drawn],
                    "target": [place[1, end] for _, end in drawn],
                    "value": list(drawn.values()),
                    "color": "rgba(127, 140, 153, 0.28)",
                    "hovertemplate": "%{source.label} to %{target.label}: %{value:,}<extra></extra>",
                },
            )
        )
        show(made, "flow", selectable=False)
        missing = sum(found.flows.values()) - sum(named.values())
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(
                f"{counted(missing, 'conversation')} without a first or a last feeling."
                if missing
                else "Every conversation has a first and a last feeling.",
                width="content",
            )
            csv_button(
                "feelings",
                ("first", "last", "conversations"),
                [(start, end, count) for (start, end), count in found.flows.items()],
            )
        _pairs(named, wanted, opened)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            chosen = st.selectbox(
                "Feeling", list(found.spellings), index=None, placeholder="Open one feeling", key="feeling",
                format_func=lambda name: f"{prettified(name)} ({number(sum(found.spellings[name].values()))})",
                label_visibility="collapsed", width=260,
            )  # fmt: skip
            if chosen:
                if st.button("See conversations", key="open-feeling", icon=":material/arrow_forward:", type="tertiary"):
                    opened(replace(wanted, emotions=(chosen,)))
                labels = ", ".join(f"{plain(label)} {number(n)}" for label, n in found.spellings[chosen].items())
                st.caption(f"Spelled {labels}", width="content")


def _pairs(
    named: Mapping[tuple[str | None, str | None], int], wanted: Filter, opened: Callable[[Filter], None]
) -> None:
    """Every flow as a row that opens its conversations: nothing in plotly's own flow can be selected."""
    import pandas as pd

    pairs = list(named)
    with st.expander(f"{counted(len(pairs), 'way')} from first to last", icon=":material/table_rows:"):
        shown = st.dataframe(
            pd.DataFrame(
                {
                    "First": [prettified(str(start)) for start, _ in pairs],
                    "Last": [prettified(str(end)) for _, end in pairs],
                    "Conversations": list(named.values()),
                }
            ),
            hide_index=True,
            row_height=31,
            height="content" if len(pairs) <= _MOST_ROWS else 31 * (_MOST_ROWS + 1),
            on_select="rerun",
            selection_mode="single-row",
            key="flows",
        )
        rows: list[int] = shown.selection.rows
        if rows:
            start, end = pairs[rows[0]]
            if st.button(
                f"See its {counted(named[start, end], 'conversation')}",
                key="open-flow",
                type="tertiary",
                icon=":material/arrow_forward:",
            ):
                opened(replace(wanted, emotions=(f"{start}>{end}",)))


def intensity(statistics: Statistics, wanted: Filter, vocabulary: Vocabulary, opened: Callable[[Filter], None]) -> None:
    """How strong feelings are from turn to turn, on one arc."""
    import plotly.graph_objects as go

    with card("Intensity over the turns", "mean, and where the middle half lies"):
        cells = sorted(statistics.cells(("arc",), wanted), key=lambda cell: -cell.conversations)
        arcs = [cell.keys[0] for cell in cells]
        chosen = st.selectbox(
            "Arc", range(len(arcs)), format_func=[_arc(arc, vocabulary) for arc in arcs].__getitem__,
            key="intensity-arc", label_visibility="collapsed", width=320,
        )  # fmt: skip
        turns = statistics.intensity(arcs[chosen], wanted).turns
        if not turns:
            st.caption("No turn of this arc carries an intensity.")
            return
        x = list(turns)
        low = [one.percentile(0.25) for one in turns.values()]
        high = [one.percentile(0.75) for one in turns.values()]
        made = figure(height=250)
        made.add_trace(
            go.Scatter(x=[*x, *reversed(x)], y=[*low, *reversed(high)], fill="toself", line={"width": 0},
                       fillcolor="rgba(127, 140, 153, 0.25)", hoverinfo="skip", mode="lines")
        )  # fmt: skip
        made.add_trace(
            go.Scatter(
                x=x, y=[one.mean for one in turns.values()], mode="lines+markers",
                line={"color": BLUE, "width": 2.5}, marker={"size": 7},
                customdata=[one.present for one in turns.values()],
                hovertemplate="Turn %{x}: %{y:.2f} in the mean of %{customdata:,}<extra></extra>",
            )
        )  # fmt: skip
        made.update_yaxes(range=[0, 1.05], tickvals=[0, 0.5, 1])
        made.update_xaxes(title_text="Turn", dtick=1 if len(x) <= 24 else None)
        show(made, "intensity", selectable=False)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            if st.button(
                f"See its {counted(cells[chosen].conversations, 'conversation')}",
                key="open-arc",
                type="tertiary",
                icon=":material/arrow_forward:",
            ):
                opened(replace(wanted, arcs=(arcs[chosen] or "",)))
            csv_button(
                "intensity",
                ("arc", "turn", "conversations", "mean", "p25", "median", "p75"),
                [
                    (arcs[chosen], n, d.present, d.mean, d.percentile(0.25), d.percentile(0.5), d.percentile(0.75))
                    for n, d in turns.items()
                ],
            )


def _arc(key: str | None, vocabulary: Vocabulary) -> str:
    return "No arc" if key is None else vocabulary.words["arc"].get(key) or prettified(key)
