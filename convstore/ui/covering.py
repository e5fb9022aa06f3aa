"""The blocks of the Coverage screen: cells, targets and holes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.queries.statistics.coverage import Axis, Cell, Target
from convstore.statistics import Statistics
from convstore.ui.address import Vocabulary
from convstore.ui.charts import cells, csv_button, show
from convstore.ui.words import accented, counted, number, prettified

__all__ = ["heat_map", "holes", "set_targets"]

NAMES: Mapping[Axis, str] = {"persona": "Persona", "arc": "Arc", "topic": "Topic", "tier": "Tier"}
_FIELDS: Mapping[Axis, str] = {"persona": "personas", "arc": "arcs", "topic": "topics", "tier": "tiers"}
_VIEWS = ("All", "Approved", "Mean quality", "Against targets")
#: Views whose numbers are of approved conversations alone.
_OF_APPROVED = ("Approved", "Against targets")
_MOST_COLUMNS = 24
_MOST_ROWS = 40


def _word(vocabulary: Vocabulary, axis: Axis, key: str | None) -> str:
    if not key:
        return f"No {axis}"
    return vocabulary.words[axis].get(key) or prettified(key)


def heat_map(
    statistics: Statistics, wanted: Filter, vocabulary: Vocabulary, opened: Callable[[Filter], None]
) -> tuple[Axis, Axis]:
    """Cells of two axes, counted in one of four ways; the axes."""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
                rows = _axis("Rows", tuple(NAMES), "arc", "rows")
                columns = _axis("Columns", tuple(axis for axis in NAMES if axis != rows), "topic", "columns")
            view = st.segmented_control(
                "Show",
                _VIEWS,
                format_func=accented,
                default="All",
                required=True,
                key="coverage-view",
                label_visibility="collapsed",
            )
        counted_cells = {cell.keys: cell for cell in statistics.cells((rows, columns), wanted)}
        targets = _targets_of(statistics.targets(), rows, columns)
        keys = [
            _keys(vocabulary, axis, {pair[place] for pair in (*counted_cells, *targets)})
            for place, axis in enumerate((rows, columns))
        ]
        shown_rows, shown_columns = keys[0][:_MOST_ROWS], keys[1][:_MOST_COLUMNS]
        values = [
            [_value(view, counted_cells.get((row, column)), targets.get((row, column))) for column in shown_columns]
            for row in shown_rows
        ]
        labels = [
            [_text(view, value, targets.get((row, column))) for column, value in zip(shown_columns, line, strict=True)]
            for row, line in zip(shown_rows, values, strict=True)
        ]
        made = cells(
            [_word(vocabulary, rows, key) for key in shown_rows],
            [_word(vocabulary, columns, key) for key in shown_columns],
            values,
            labels,
            hover="%{customdata[0]}<br>%{customdata[1]}: %{text}",
            bounds=(1, 5) if view == "Mean quality" else None,
        )
        points = show(made, f"cells-{rows}-{columns}-{view}")
        cut = len(keys[0]) > _MOST_ROWS or len(keys[1]) > _MOST_COLUMNS
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(
                "Press a cell to see its conversations."
                + (f" The first {len(shown_rows)} of {len(keys[0])} rows and {len(shown_columns)} of {len(keys[1])}"
                   " columns are shown; the CSV has all." if cut else ""),
                width="content",
            )  # fmt: skip
            csv_button(
                f"coverage-{rows}-{columns}",
                (rows, columns, "conversations", "approved", "scored", "mean_quality"),
                [(*cell.keys, cell.conversations, cell.approved, cell.scored, cell.quality)
                 for cell in counted_cells.values()],
            )  # fmt: skip
        if points:
            pressed = shown_rows[int(points[0]["y"])], shown_columns[int(points[0]["x"])]
            chosen: dict[str, Any] = {
                _FIELDS[axis]: (key or "",) for axis, key in zip((rows, columns), pressed, strict=True)
            }
            if view in _OF_APPROVED:
                chosen["statuses"] = ("approved",)
            # Targets are about the whole set.
            opened(replace(Filter() if view == "Against targets" else wanted, **chosen))
    return rows, columns


def _axis(label: str, axes: tuple[Axis, ...], default: Axis, key: str) -> Axis:
    index = axes.index(default) if default in axes else 0
    chosen: Axis = st.selectbox(
        label, axes, index=index, format_func=lambda axis: f"{label}: {NAMES[axis]}", key=key,
        label_visibility="collapsed", width=180,
    )  # fmt: skip
    return chosen


def _keys(vocabulary: Vocabulary, axis: Axis, found: set[str | None]) -> list[str | None]:
    """Every key that is known or found; a persona that nobody has used yet is a hole too."""
    known = {*filter(None, vocabulary.words[axis]), *(key for key in found if key is not None)}
    named: list[str | None] = sorted(known, key=lambda key: _word(vocabulary, axis, key).lower())
    return [*named, None] if None in found else named


def _targets_of(targets: tuple[Target, ...], rows: Axis, columns: Axis) -> dict[tuple[str | None, str | None], Target]:
    others = [axis for axis in NAMES if axis not in (rows, columns)]
    return {
        (getattr(one, rows), getattr(one, columns)): one
        for one in targets
        if getattr(one, rows) is not None
        and getattr(one, columns) is not None
        and all(getattr(one, axis) is None for axis in others)
    }


def _value(view: str, cell: Cell | None, target: Target | None) -> float | None:
    if view == "Mean quality":
        return cell.quality if cell else None
    if view == "Against targets":
        return None if target is None else min(1.0, target.approved / target.wanted) if target.wanted else 1.0
    if cell is None:
        return 0
    return cell.approved if view == "Approved" else cell.conversations


def _text(view: str, value: float | None, target: Target | None) -> str:
    if value is None:
        return ""
    if view == "Mean quality":
        return f"{value:.1f}"
    if view == "Against targets" and target is not None:
        return f"{target.approved} of {target.wanted}"
    return f"{value:,.0f}"


def holes(store: ConvStore, statistics: Statistics, vocabulary: Vocabulary, opened: Callable[[Filter], None]) -> None:
    """Targets that are not reached, and a request for what is missing."""
    import orjson
    import pandas as pd

    targets = statistics.targets()
    missing = [one for one in targets if one.missing]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            lacking = sum(one.missing for one in missing)
            says = (
                f"{counted(len(missing), 'target')} not reached, {counted(lacking, 'conversation')} lacking"
                if missing
                else "every target is reached"
                if targets
                else "no targets yet"
            )
            st.markdown(f"**Holes** :gray[{says}]", width="content")
            if missing:
                st.download_button(
                    "Request to generate",
                    data=lambda: orjson.dumps(_request(store, missing), option=orjson.OPT_INDENT_2),
                    file_name="request-to-generate.json",
                    mime="application/json",
                    icon=":material/download:",
                    on_click="ignore",
                )
        if not missing:
            st.caption("A target says how many approved conversations a lead wants in a cell.")
            return
        shown = st.dataframe(
            pd.DataFrame(
                {
                    **{
                        NAMES[axis]: [
                            "Any" if getattr(one, axis) is None else _word(vocabulary, axis, getattr(one, axis))
                            for one in missing
                        ]
                        for axis in NAMES
                    },
                    "Wanted": [one.wanted for one in missing],
                    "Approved": [one.approved for one in missing],
                    "In all": [one.conversations for one in missing],
                    "Missing": [one.missing for one in missing],
                }
            ),
            hide_index=True,
            row_height=31,
            height="content" if len(missing) <= 15 else 496,
            on_select="rerun",
            selection_mode="single-row",
            key="holes",
        )
        rows: list[int] = shown.selection.rows
        if rows:
            one = missing[rows[0]]
            chosen: dict[str, Any] = {
                _FIELDS[axis]: (getattr(one, axis),) for axis in NAMES if getattr(one, axis) is not None
            }
            if st.button(
                f"See its {counted(one.conversations, 'conversation')}",
                key="open-hole",
                type="tertiary",
                icon=":material/arrow_forward:",
            ):
                opened(Filter(**chosen))


def _request(store: ConvStore, missing: list[Target]) -> dict[str, Any]:
    """What a generator has to make: the cells, and how many of each."""
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "workspace": store.actor.workspace_slug,
        "conversations": sum(one.missing for one in missing),
        "cells": [
            {
                "persona_key": one.persona,
                "emotional_arc_key": one.arc,
                "topic_key": one.topic,
                "tier": one.tier,
                "wanted": one.wanted,
                "approved": one.approved,
                "missing": one.missing,
            }
            for one in missing
        ],
    }


def set_targets(store: ConvStore, statistics: Statistics, vocabulary: Vocabulary, rows: Axis, columns: Axis) -> None:
    """A grid in which a lead writes how many are wanted, for the two axes on screen."""
    import pandas as pd

    if store.actor.role not in ("lead", "admin"):
        return
    label = f"Set targets by {NAMES[rows].lower()} and {NAMES[columns].lower()}"
    with st.expander(label, icon=":material/flag:"):
        targets = _targets_of(statistics.targets(), rows, columns)
        keys = [
            [key for key in _keys(vocabulary, axis, {pair[place] for pair in targets}) if key is not None]
            for place, axis in enumerate((rows, columns))
        ]
        if not keys[0] or not keys[1]:
            st.caption("There is nothing to set targets for yet: import personas, arcs and topics first.")
            return
        before = pd.DataFrame(
            [[targets[row, column].wanted if (row, column) in targets else 0 for column in keys[1]] for row in keys[0]],
            index=[_word(vocabulary, rows, key) for key in keys[0]],
            # By position: two columns may share a name, and the grid wants each once.
            columns=[str(index) for index in range(len(keys[1]))],
        )
        generation = st.session_state.get("targets-saved", 0)
        after = st.data_editor(
            before,
            key=f"targets-{rows}-{columns}-{generation}",
            row_height=31,
            column_config={
                str(index): st.column_config.NumberColumn(
                    _word(vocabulary, columns, key), min_value=0, max_value=1_000_000, step=1, format="%d"
                )
                for index, key in enumerate(keys[1])
            },
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            everywhere = st.number_input("The same in every cell", 0, 1_000_000, 0, step=1, key="everywhere", width=180)
            fill = st.button("Set every cell", key="fill-targets", disabled=not everywhere)
            save = st.button("Save targets", key="save-targets", type="primary", icon=":material/flag:")
        changed: list[dict[str, Any]] = []
        grids = zip(keys[0], before.to_numpy().tolist(), after.fillna(0).to_numpy().tolist(), strict=True)
        for row, old, new in grids:
            for column, was, written in zip(keys[1], old, new, strict=True):
                becomes = int(everywhere if fill else written)
                if becomes != was:
                    changed.append({rows: row, columns: column, "wanted": becomes})
        if (fill or save) and changed:
            store.set_targets(changed)
            st.session_state["targets-saved"] = generation + 1
            st.session_state["news"] = f"{counted(len(changed), 'target')} changed."
            st.rerun()
        if save and not changed:
            st.caption(f"Nothing changed: {number(len(targets))} targets stand.")
