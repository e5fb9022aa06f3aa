"""The parts of a screen, of which one is shown: chosen above, and named in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from convstore.ui.words import accented

__all__ = ["choose_part", "go_to_part"]

_CONTROL = "part"
_SEEN = "seen-part"


def choose_part(names: Sequence[str]) -> str:
    """Show the control; the part that is chosen, the first one where the address names none."""
    named = st.query_params.get("part")
    here = named if named in names else names[0]
    # Not bound to the address by Streamlit: that would write the colour of its words there as well.
    if _CONTROL not in st.session_state or st.session_state.get(_SEEN) != here:
        st.session_state[_CONTROL] = here
    st.session_state[_SEEN] = here
    chosen = st.segmented_control(
        "Part",
        names,
        required=True,
        key=_CONTROL,
        format_func=accented,
        label_visibility="collapsed",
        on_change=lambda: _name(st.session_state[_CONTROL]),
    )
    return str(chosen)


def go_to_part(name: str) -> None:
    """Show this part from the next run on."""
    st.query_params["part"] = name


def _name(part: str) -> None:
    st.query_params["part"] = part
    st.session_state[_SEEN] = part
