"""Scores on the Quality screen: distributions, findings and groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from convstore.checks import CHECKS, CONVERSATIONS_READ
from convstore.model import Filter, ScoreRange
from convstore.queries.statistics.distribution import Distribution, halves
from convstore.queries.statistics.scores import By, DimensionScores, Group
from convstore.statistics import Statistics
from convstore.ui.address import Vocabulary
from convstore.ui.charts import AMBER, BLUE, TEAL, card, csv_button, figure, hatched, show
from convstore.ui.quality.standouts import WORDS
from convstore.ui.status import FINDINGS
from convstore.ui.words import accented, number, prettified

__all__ = ["around", "distributions", "groups"]

#: What opens the conversations of a filter.
Open = Callable[[Filter], None]

_BY: dict[By, str] = {
    "persona": "Persona",
    "arc": "Arc",
    "topic": "Topic",
    "tier": "Tier",
    "source": "Source",
    "month": "Month",
    "reviewer": "Reviewer",
}
#: The field of `Filter` that a group goes into.
_FIELDS = {
    "persona": "personas", "arc": "arcs", "topic": "topics", "tier": "tiers", "source": "sources",
    "reviewer": "reviewers",
}  # fmt: skip


def distributions(statistics: Statistics, wanted: Filter, opened: Open) -> None:
    """One histogram a dimension, files and people side by side."""
    scores = statistics.scores(wanted)
    st.caption(
        "Press a bar to see its conversations. For a range of scores point at the chart, take :material/select: from"
        " its corner and draw across the bars."
    )
    places = [place for _ in range(3) for place in st.columns(2, gap="small")]
    for place, name in zip(places, WORDS, strict=False):
        with place:
            _histogram(name, scores[name], wanted, opened)
    with places[-1]:
        _findings(statistics, wanted, opened)


def _findings(statistics: Statistics, wanted: Filter, opened: Open) -> None:
    import plotly.graph_objects as go

    found = [one for one in statistics.findings(wanted) if one.conversations]
    dismissed = sum(one.dismissed for one in found)
    with card("Findings", "conversations with each"):
        if not found:
            st.caption("The checks noticed nothing.")
            return
        made = figure(height=214)
        made.add_trace(
            go.Bar(
                orientation="h",
                x=[one.conversations for one in found],
                y=[FINDINGS.get(one.code, prettified(one.code)) for one in found],
                text=[number(one.conversations) for one in found],
                textposition="outside",
                cliponaxis=False,
                marker={"color": TEAL},
                customdata=[[one.code, _measured(one.code)] for one in found],
                hovertemplate="%{y}: %{x:,}<br>%{customdata[1]}<extra></extra>",
            )
        )
        made.update_yaxes(autorange="reversed", showgrid=False, nticks=len(found), dtick=1)
        # The numbers stand behind the bars.
        made.update_xaxes(visible=False, range=[0, 1.2 * max(one.conversations for one in found)])
        points = show(made, "findings")
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(f"{number(dismissed)} dismissed by reviewers", width="content")
            csv_button(
                "findings",
                ("finding", "conversations", "findings", "dismissed"),
                [(one.code, one.conversations, one.findings, one.dismissed) for one in found],
            )
        if points:
            opened(replace(wanted, findings=(str(points[0]["customdata"][0]),)))


def _measured(code: str) -> str:
    measured = CHECKS[code].measured if code in CHECKS else None
    if measured is None:
        return "False alarms were not measured"
    return f"False alarms in {measured.false_conversations} of {CONVERSATIONS_READ} real conversations"


def _histogram(name: str, scores: DimensionScores, wanted: Filter, opened: Open) -> None:
    import plotly.graph_objects as go

    with card(WORDS[name], _summary(scores)):
        made = figure(legend=True)
        for label, side, marker in (
            ("File", scores.file, {"color": BLUE}),
            ("People", scores.people, hatched(AMBER)),
        ):
            bars = halves(side)
            made.add_trace(
                go.Bar(
                    name=label,
                    x=[float(half) for half in bars],
                    y=list(bars.values()),
                    customdata=[str(half) for half in bars],
                    marker=marker,
                    hovertemplate=f"{label} %{{x:.1f}}: %{{y:,}}<extra></extra>",
                )
            )
        made.update_xaxes(tickvals=[1, 2, 3, 4, 5], range=[0.6, 5.4])
        points = show(made, f"histogram-{name}", brush=True)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(_unscored(scores), width="content")
            csv_button(
                f"{name}-scores",
                ("score", "file", "people"),
                [
                    (str(value), scores.file.counts.get(value, 0), scores.people.counts.get(value, 0))
                    for value in sorted({*scores.file.counts, *scores.people.counts})
                ],
            )
        if points:
            _open_bars(name, points, wanted, opened)


def _open_bars(name: str, points: list[Any], wanted: Filter, opened: Open) -> None:
    # A stroke crosses bars of no height too.
    pressed = [point for point in points if point["y"]]
    if not pressed:
        return
    sides = {"people." if point["curve_number"] == 1 else "file." for point in pressed}
    # Not the point's x, which is the middle of its bar: two series stand beside each other.
    bars = [Decimal(str(point["customdata"])) for point in pressed]
    limits = around(f"{sides.pop() if len(sides) == 1 else ''}{name}", min(bars), max(bars))
    opened(replace(wanted, scores=(*wanted.scores, limits)))


def around(dimension: str, low: Decimal, high: Decimal) -> ScoreRange:
    """The scores that round to these halves."""
    return ScoreRange(dimension, low - Decimal("0.25"), high + Decimal("0.24"))


def _summary(scores: DimensionScores) -> str:
    if scores.file.only_value is not None:
        return f"File says {scores.file.only_value:.1f} for every one"
    means = [
        f"{label} {side.mean:.2f}"
        for label, side in (("file", scores.file), ("people", scores.people))
        if side.mean is not None
    ]
    return f"Mean: {', '.join(means)}" if means else "Nobody scored it"


def _unscored(scores: DimensionScores) -> str:
    total = scores.file.total or 1
    return f"Not scored: {scores.file.missing / total:.0%} of files, {scores.people.missing / total:.0%} by people"


def groups(statistics: Statistics, wanted: Filter, vocabulary: Vocabulary, opened: Open) -> None:
    """One dimension by a grouping: middle half and median of every group; months are drift."""
    with st.container(border=True, gap="xsmall"):
        head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
        title = head.container(width="content")
        with head.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            dimension = st.selectbox(
                "Score", list(WORDS), format_func=WORDS.__getitem__, key="by-dimension", label_visibility="collapsed",
                width=160,
            )  # fmt: skip
            by = st.segmented_control(
                "By",
                list(_BY),
                format_func=lambda axis: accented(_BY[axis]),
                default="persona",
                required=True,
                key="by",
                label_visibility="collapsed",
            )
        found = statistics.breakdown(by, dimension, wanted)
        what = (
            "how reviewers score"
            if by == "reviewer"
            else "drift over time"
            if by == "month"
            else "medians, and the middle half as bars"
        )
        title.markdown(f"**{WORDS[dimension]} by {_BY[by].lower()}** :gray[{what}]", width="content")
        shown = [group for group in found.groups if group.total]
        if not any(group.file.present or group.people.present for group in shown):
            st.caption("Nothing is scored here.")
            return
        labels = [_label(group, by, vocabulary) for group in shown]
        points = show(_boxes(shown, labels, by), f"groups-{by}-{dimension}")
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            more = f" {number(found.left_out)} smaller groups are not shown." if found.left_out else ""
            st.caption(f"Press a group to see its conversations.{more}", width="content")
            csv_button(f"{dimension}-by-{by}", *_table(shown, labels))
        if points:
            chosen = _filter_of(shown[int(points[0]["customdata"])], by, wanted)
            if chosen is not None:
                opened(chosen)


def _boxes(shown: list[Group], labels: list[str], by: By) -> Any:
    import plotly.graph_objects as go

    made = figure(height=max(190, 44 + 34 * len(shown)) if by != "month" else 240, legend=True)
    across = by != "month"
    for name, sides, color, shape, shift in (
        ("File", [group.file for group in shown], BLUE, "circle", -0.16),
        ("People", [group.people for group in shown], AMBER, "diamond", 0.16),
    ):
        drawn = [(index, one) for index, one in enumerate(sides) if one.present]
        if not drawn:
            continue
        place = [index + shift for index, _ in drawn]
        middle = [one.percentile(0.5) for _, one in drawn]
        spread = {
            "type": "data",
            "symmetric": False,
            "array": [(one.percentile(0.75) or 0) - (one.percentile(0.5) or 0) for _, one in drawn],
            "arrayminus": [(one.percentile(0.5) or 0) - (one.percentile(0.25) or 0) for _, one in drawn],
            "thickness": 6,
            "width": 0,
            "color": color,
        }
        made.add_trace(
            go.Scatter(
                name=name,
                mode="markers",
                x=middle if across else place,
                y=place if across else middle,
                customdata=[index for index, _ in drawn],
                text=[_hover(labels[index], name, one) for index, one in drawn],
                hovertemplate="%{text}<extra></extra>",
                marker={"color": color, "size": 11, "symbol": shape, "line": {"width": 1.5, "color": "#000038"}},
                **({"error_x": spread} if across else {"error_y": spread}),
            )
        )
    ticks = {"tickvals": list(range(len(labels))), "ticktext": [_cut(label) for label in labels]}
    if across:
        made.update_xaxes(range=[0.9, 5.1], tickvals=[1, 2, 3, 4, 5], showgrid=True)
        made.update_yaxes(range=[len(labels) - 0.5, -0.5], showgrid=False, **ticks)
    else:
        made.update_yaxes(range=[0.9, 5.1], tickvals=[1, 2, 3, 4, 5])
        made.update_xaxes(range=[-0.5, len(labels) - 0.5], **ticks)
    return made


def _cut(label: str) -> str:
    return label if len(label) <= 28 else f"{label[:27]}…"


def _hover(label: str, name: str, one: Distribution) -> str:
    low, middle, high = (one.percentile(share) for share in (0.25, 0.5, 0.75))
    # Plotly reads a little HTML in its texts; names from strangers lose theirs.
    plain = label.replace("<", "‹").replace(">", "›")
    return (
        f"{plain}<br>{name}: median {middle:.1f}, middle half {low:.1f} to {high:.1f}"
        f"<br>{one.present:,} scored, {one.missing:,} not"
    )


def _label(group: Group, by: By, vocabulary: Vocabulary) -> str:
    if group.key is None:
        return f"No {_BY[by].lower()}"
    if isinstance(group.key, datetime):
        return f"{group.key:%b %Y}"
    if by in ("persona", "arc", "topic", "tier"):
        return vocabulary.words[by].get(group.key) or prettified(group.key)
    return group.key


def _filter_of(group: Group, by: By, wanted: Filter) -> Filter | None:
    if isinstance(group.key, datetime):
        year, month = divmod(group.key.year * 12 + group.key.month, 12)
        return replace(wanted, since=group.key, until=datetime(year, month + 1, 1, tzinfo=UTC))
    if by not in _FIELDS:
        return None
    chosen: dict[str, Any] = {_FIELDS[by]: (group.key or "",)}
    return replace(wanted, **chosen)


def _table(shown: list[Group], labels: list[str]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    columns = ("group", "conversations", "file_scored", "file_mean", "file_median", "people_scored", "people_mean",
               "people_median")  # fmt: skip
    return columns, [
        (
            label, group.total, group.file.present, group.file.mean, group.file.percentile(0.5),
            group.people.present, group.people.mean, group.people.percentile(0.5),
        )
        for label, group in zip(labels, shown, strict=True)
    ]  # fmt: skip
