"""Doing something that may be refused, with the refusal said where it was asked for."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from convstore.errors import RefusedError
from convstore.ui.words import plain, sentence

__all__ = ["done"]


def done(act: Callable[[], object]) -> bool:
    """Do something; True if it was granted, else the reason is on the screen."""
    try:
        act()
    except RefusedError as error:
        st.warning(f"**{plain(sentence(error.message))}** {plain(sentence(error.hint))}", icon=":material/block:")
        return False
    return True
