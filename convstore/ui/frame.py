"""What surrounds every screen: title, icon, logo, and the head of a screen. Knows no data."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convstore.tracing import new_request_id, request_as
from convstore.ui import navigation
from convstore.ui.navigation import Screen

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

__all__ = ["Head", "frame", "heading", "require_frame"]

_log = logging.getLogger(__name__)

_ASSETS = Path(__file__).resolve().parent / "assets"
_CONTROL_PX = 36
_is_framed: ContextVar[bool] = ContextVar("is_framed", default=False)


@contextmanager
def frame() -> Iterator[tuple[Screen, Page]]:
    """Set up the page and the bar; the screen that the address names runs inside."""
    _configure("convstore")
    st.logo(str(_ASSETS / "logo.png"), icon_image=str(_ASSETS / "icon.png"))
    screen, page = navigation.choose()
    _configure(f"{screen.title} · convstore")
    token = _is_framed.set(True)
    began = time.monotonic()
    try:
        with request_as(new_request_id()):
            try:
                yield screen, page
            finally:
                duration_ms = round((time.monotonic() - began) * 1000)
                _log.info("screen", extra={"screen": screen.title, "duration_ms": duration_ms})
    finally:
        _is_framed.reset(token)


def require_frame() -> None:
    """Start again inside the frame where a page runs without it.

    A server that has served nothing yet takes a `pages` folder for an app of Streamlit's first kind, and runs an
    address such as /browse without Home.py. Declaring the navigation ends that for the whole server.
    """
    if not _is_framed.get():
        _configure("convstore")
        navigation.choose()
        st.rerun()


def _configure(title: str) -> None:
    # The icon comes before the navigation, which would otherwise fetch one from a server of Google's.
    st.set_page_config(page_title=title, page_icon=str(_ASSETS / "icon.png"), layout="wide", initial_sidebar_state=280)


class Head(NamedTuple):
    """The places in the head of a screen: controls at the right, a line below the title."""

    controls: DeltaGenerator
    line: DeltaGenerator


def heading(title: str) -> Head:
    """Show the title of a screen; the places around it are filled when their content is known."""
    with st.container(gap=None):
        row = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small")
        row.header(title, anchor=False, width="content")
        # As high as a control, so that titles stand at one height with and without controls beside them.
        row.container(width=1).space(_CONTROL_PX)
        line = st.empty()
    controls = row.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall", width="content"
    )
    return Head(controls, line)
