"""The sidebar of the review: five scores in halves, what they mean, their keys, and the note.

It is a fragment: scoring reruns the sidebar alone, however long the conversation beside it is.
"""

from __future__ import annotations

import streamlit as st

from convstore.core import ConvStore
from convstore.ui.guard import guard
from convstore.ui.review_bench import Bench, Reading
from convstore.ui.review_rubric import RUBRIC

__all__ = ["scores_panel"]

_HALVES = tuple(half / 2 for half in range(2, 11))
_NAMES = tuple(RUBRIC)
_ACTIVE = "scoring"
#: A picture of a dot: unlike the character it has a name of its own, and the name takes no room.
_DOT = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='3' height='12' viewBox='0 0 3 12'%3E"
    "%3Ccircle cx='1.5' cy='6' r='1.5' fill='%237C8894'/%3E%3C/svg%3E"
).replace(" ", "%20")


def scores_panel(store: ConvStore, bench: Bench) -> None:
    """Show the scores of what is being read."""
    with st.sidebar:
        _panel(store, bench)


@st.fragment
def _panel(store: ConvStore, bench: Bench) -> None:
    if bench.is_waiting:
        st.rerun()
    reading = bench.reading
    if reading is None:
        return
    with guard(kept="What you scored is on screen.", retry=False):
        if st.session_state.pop("unsaved", False):
            bench.save_draft(store)
    active = _active(reading)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Your scores", anchor=False, width="content")
        st.caption(f"{len(reading.scores)} of {len(_NAMES)}", width="content")
    for name in _NAMES:
        _control(reading, name, is_active=name == active)
    _rubric(reading, active, asking=bench.asking is not None)
    st.text_area(
        "Note",
        value=reading.note,
        key=reading.control("note"),
        placeholder="What should the next reader know?",
        max_chars=2000,
        height=90,
        on_change=_unsaved,
    )


def _active(reading: Reading) -> str:
    """The dimension that the keys score: the one last chosen, else the first without a score."""
    row, chosen = st.session_state.get(_ACTIVE, (None, None))
    if row == reading.row and chosen in RUBRIC:
        return str(chosen)
    unscored = [name for name in _NAMES if name not in reading.scores]
    return unscored[0] if unscored else _NAMES[-1]


def _control(reading: Reading, name: str, *, is_active: bool) -> None:
    key = reading.control(name)
    value = reading.scores.get(name)
    says = RUBRIC[name].name
    words = f":primary[**{says}**]" if is_active else says
    if value is not None:
        words += f" · **{_said(value)}**"
    elif is_active:
        words += " · :gray[keys 1 to 5]"
    with st.container(gap="xxsmall"):
        st.markdown(words)
        # The words above are for the eye; who listens hears the plain name.
        st.segmented_control(
            says,
            _HALVES,
            default=value,
            format_func=_mark,
            key=key,
            label_visibility="collapsed",
            # Who comes from another screen keeps its narrow sidebar: two lines rather than a 5 nobody can press.
            wrap=True,
            width="stretch",
            on_change=_chose,
            args=(reading, name, key),
        )


def _mark(value: float) -> str:
    """4, or a dot whose name is 4½: nine numbers do not fit into one line."""
    return _said(value) if value == int(value) else f"![{_said(value)}]({_DOT})"


def _said(value: float) -> str:
    """4 or 4½; a score in tenths, from elsewhere, as it is."""
    return f"{int(value)}½" if value % 1 == 0.5 else f"{value:g}"


def _rubric(reading: Reading, name: str, *, asking: bool) -> None:
    rubric = RUBRIC[name]
    with st.container(border=True, gap=None):
        st.markdown(f"**{rubric.name}** :gray[{rubric.question}]")
        for index, step in enumerate(rubric.steps, start=1):
            st.button(
                step,
                key=f"give-{index}",
                type="tertiary",
                shortcut=str(index),
                disabled=asking,
                on_click=_give,
                args=(reading, name, float(index)),
            )
        with st.container(horizontal=True, gap="small"):
            for says, key, does in (("Half more", "H", _half_more), ("Back", "B", _back), ("On", "F", _on)):
                st.button(
                    says, key=f"score-{key}", type="tertiary", shortcut=key, disabled=asking,
                    on_click=does, args=(reading, name),
                )  # fmt: skip


def _give(reading: Reading, name: str, value: float) -> None:
    reading.give(name, value)
    _scored(reading, name)


def _chose(reading: Reading, name: str, control: str) -> None:
    reading.chose(name, control)
    _scored(reading, name)


def _scored(reading: Reading, name: str) -> None:
    _unsaved()
    # The next one in order that has no score yet; the same one again where all have one.
    after = [*_NAMES[_NAMES.index(name) + 1 :], *_NAMES[: _NAMES.index(name)]]
    unscored = [other for other in after if other not in reading.scores]
    st.session_state[_ACTIVE] = (reading.row, unscored[0] if unscored else name)
    st.session_state["scored-last"] = (reading.row, name)


def _half_more(reading: Reading, name: str) -> None:
    """Half a point more for what was scored last: 4 and H is 4.5."""
    row, last = st.session_state.get("scored-last", (None, None))
    target = last if row == reading.row else name
    value = reading.scores.get(target)
    if value is not None:
        reading.give(target, min(_HALVES[-1], value + 0.5))
        _unsaved()


def _back(reading: Reading, name: str) -> None:
    st.session_state[_ACTIVE] = (reading.row, _NAMES[max(0, _NAMES.index(name) - 1)])


def _on(reading: Reading, name: str) -> None:
    st.session_state[_ACTIVE] = (reading.row, _NAMES[min(len(_NAMES) - 1, _NAMES.index(name) + 1)])


def _unsaved() -> None:
    st.session_state["unsaved"] = True
