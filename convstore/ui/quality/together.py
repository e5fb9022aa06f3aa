"""Scores against each other on the Quality screen: the files' dimensions, and files against people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import streamlit as st

from convstore.model import Filter
from convstore.queries.statistics.scores import DimensionScores
from convstore.statistics import Statistics
from convstore.ui.charts import BLUE, GRAY, card, cells, csv_button, figure, show
from convstore.ui.quality.scores import around
from convstore.ui.quality.standouts import WORDS
from convstore.ui.words import number

__all__ = ["agreeing", "agreement", "together"]


def together(statistics: Statistics, wanted: Filter, opened: Callable[[Filter], None]) -> None:
    """How the files' dimensions move together, and how files and people agree."""
    import plotly.graph_objects as go

    left, right = st.columns(2, gap="small")
    with left, card("Dimensions together", "correlation of the files' scores"):
        pairs = {(one.one, one.other): one.value for one in statistics.correlations(wanted)}
        names = list(WORDS)
        table = [[None if i <= j else pairs[names[j], names[i]] for j in range(4)] for i in range(1, 5)]
        labels = [["" if value is None else f"{value:.2f}" for value in row] for row in table]
        for i in range(4):
            for j in range(i + 1):
                labels[i][j] = "–" if table[i][j] is None else labels[i][j]
        words = [WORDS[name] for name in names]
        made = cells(
            words[1:], words[:4], table, labels, hover="%{customdata[0]} and %{customdata[1]}: %{text}", bounds=(0, 1)
        )
        show(made, "correlations", selectable=False)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption("At 1 they move as one, at 0 each goes its way.", width="content")
            csv_button(
                "correlations", ("one", "other", "correlation"), [(*pair, value) for pair, value in pairs.items()]
            )
    with right, card("Files and people", "quality by both, size is the number"):
        quality = statistics.scores(wanted)["quality"]
        if not quality.both:
            st.caption("No conversation is scored by both yet.")
            return
        bins = agreement(quality)
        made = figure(height=230)
        made.add_shape(type="line", x0=1, y0=1, x1=5, y1=5, line={"color": GRAY, "dash": "dot", "width": 1})
        most = max(bins.values())
        made.add_trace(
            go.Scatter(
                x=[float(x) for x, _ in bins], y=[float(y) for _, y in bins], mode="markers", cliponaxis=False,
                marker={"color": BLUE, "size": [6 + 24 * (n / most) ** 0.5 for n in bins.values()], "opacity": 0.75},
                customdata=list(bins.values()),
                hovertemplate="File %{x:.1f}, people %{y:.1f}: %{customdata:,}<extra></extra>",
            )
        )  # fmt: skip
        made.update_xaxes(range=[0.7, 5.3], tickvals=[1, 2, 3, 4, 5], title_text="File")
        made.update_yaxes(range=[0.7, 5.3], tickvals=[1, 2, 3, 4, 5], title_text="People")
        points = show(made, "agreement")
        agreed = f"correlation {quality.correlation:.2f}" if quality.correlation is not None else "no correlation"
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(f"{number(quality.both)} scored by both, {agreed}; both agree on the line.", width="content")
            csv_button(
                "files-and-people",
                ("file", "people", "conversations"),
                [(file, people, count) for (file, people), count in sorted(quality.pairs.items())],
            )
        if points:
            opened(agreeing(wanted, (Decimal(str(points[0]["x"])), Decimal(str(points[0]["y"])))))


def agreement(quality: DimensionScores) -> dict[tuple[Decimal, Decimal], int]:
    """Conversations that both scored, by both scores to halves."""
    spots: Counter[tuple[Decimal, Decimal]] = Counter()
    for (file, people), count in quality.pairs.items():
        spots[_half(file), _half(people)] += count
    return dict(spots)


def agreeing(wanted: Filter, spot: tuple[Decimal, Decimal]) -> Filter:
    """The conversations of a spot."""
    limits = (around(f"{side}.quality", half, half) for side, half in zip(("file", "people"), spot, strict=True))
    return replace(wanted, scores=(*wanted.scores, *limits))


def _half(score: Decimal) -> Decimal:
    return (score * 2).to_integral_value(ROUND_HALF_UP) / 2
