"""Charts with one look for light and dark, and what was pressed in them. Knows no data.

Streamlit exchanges the placeholder colours below for the theme's in the browser, so one figure serves both themes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = [
    "AMBER",
    "BLUE",
    "FAINT",
    "GRAY",
    "PAGE",
    "PLUM",
    "TEAL",
    "card",
    "cells",
    "csv_button",
    "figure",
    "hatched",
    "show",
]

BLUE, AMBER, TEAL, PLUM, GRAY = "#000001", "#000002", "#000003", "#000004", "#000005"
PAGE, FAINT = "#000038", "#000036"
#: So many characters of names stand beside each other on the narrowest chart.
_LEVEL_CHARACTERS = 30


def hatched(color: str, shape: str = "/") -> dict[str, Any]:
    """The marker of a second series: told apart by more than its colour."""
    pattern = {"shape": shape, "size": 5, "solidity": 0.3, "fgcolor": PAGE, "fillmode": "overlay"}
    return {"color": color, "pattern": pattern}


def figure(*, height: int = 190, legend: bool = False) -> go.Figure:
    """An empty figure in the app's layout."""
    import plotly.graph_objects as go

    made = go.Figure()
    made.update_layout(
        margin={"l": 0, "r": 0, "t": 26 if legend else 10, "b": 0},
        height=height,
        bargap=0.18,
        showlegend=legend,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        dragmode=False,
        # Without this a press is told and nothing is selected by it.
        clickmode="event+select",
        hoverlabel={"align": "left"},
    )
    made.update_xaxes(showgrid=False, ticks="", fixedrange=True, zeroline=False)
    made.update_yaxes(nticks=4, ticks="", fixedrange=True, zeroline=False, rangemode="tozero")
    return made


def cells(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    labels: Sequence[Sequence[str]],
    *,
    hover: str,
    bounds: tuple[float, float] | None = None,
) -> go.Figure:
    """A heat map: a number in every cell, the darker the more."""
    import plotly.graph_objects as go

    made = figure(height=max(120, 29 * len(rows) + 60))
    made.add_trace(
        go.Heatmap(
            # By position, because two rows may have the same name.
            x=list(range(len(columns))),
            y=list(range(len(rows))),
            z=[list(row) for row in values],
            text=[list(row) for row in labels],
            texttemplate="%{text}",
            hoverinfo="skip",
            xgap=2,
            ygap=2,
            showscale=False,
            zmin=bounds[0] if bounds else None,
            zmax=bounds[1] if bounds else None,
        )
    )
    # A press on a heat map selects nothing; what is pressed is the nearest of these points, that is, the cell's own.
    places = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    unseen = {"marker": {"opacity": 0}}
    made.add_trace(
        go.Scatter(
            x=[column for _, column in places],
            y=[row for row, _ in places],
            mode="markers",
            marker={"size": 24, "symbol": "square", "opacity": 0},
            selected=unseen,
            unselected=unseen,
            customdata=[[rows[row], columns[column]] for row, column in places],
            text=[labels[row][column] for row, column in places],
            hovertemplate=hover + "<extra></extra>",
        )
    )
    made.update_layout(hovermode="closest", hoverdistance=-1)
    made.update_xaxes(
        tickvals=list(range(len(columns))),
        ticktext=[_short(name) for name in columns],
        side="bottom",
        # Slanted names end at their column: those that begin there would run over the right edge.
        tickangle=-35 if len(columns) * max(map(len, columns), default=0) > _LEVEL_CHARACTERS else 0,
        range=[-0.5, len(columns) - 0.5],
    )
    made.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[_short(name) for name in rows],
        showgrid=False,
        range=[len(rows) - 0.5, -0.5],
    )
    return made


def _short(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"


@contextmanager
def card(title: str, says: str = "") -> Iterator[None]:
    """A bordered card with a title and what it shows; both are our own words."""
    with st.container(border=True, gap="xsmall", height="stretch"):
        st.markdown(f"**{title}** :gray[{says}]" if says else f"**{title}**")
        yield


def show(made: go.Figure, key: str, *, selectable: bool = True, brush: bool = False) -> list[Mapping[str, Any]]:
    """Draw a figure; the points that were pressed just now, or drawn across where it can be brushed."""
    # A tool for it, because plotly takes no press while a stroke is what it waits for.
    buttons = ["select2d", "toImage"] if brush else ["toImage"]
    config = {"displayModeBar": "hover", "displaylogo": False, "modeBarButtons": [buttons]}
    if not selectable:
        st.plotly_chart(made, key=key, config=config)
        return []
    if brush:
        line = {"color": GRAY, "width": 1, "dash": "dot"}
        made.update_layout(selectdirection="h", newselection={"line": line})
    # A fresh key after every press: otherwise the way back would press it again.
    presses = st.session_state.get(f"{key}-presses", 0)
    event: Any = st.plotly_chart(
        made,
        key=f"{key}-{presses}",
        on_select="rerun",
        selection_mode=("points", "box") if brush else "points",
        config=config,
    )
    points = list(event.selection.points)
    if points:
        st.session_state[f"{key}-presses"] = presses + 1
    return points


def csv_button(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The numbers behind a chart, as a file; `rows` are asked for at the press."""

    def data() -> str:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(columns)
        # A spreadsheet takes a cell that begins like a formula for one; these are names from strangers.
        writer.writerows([[f"'{v}" if isinstance(v, str) and v[:1] in "=+-@\t\r" else v for v in row] for row in rows])
        return text.getvalue()

    st.download_button(
        "CSV",
        data=data,
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv-{name}",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )
