"""What surrounds every screen: title, icon, logo, and what happened lately. Knows no data."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

__all__ = ["configure", "heading"]

_ASSETS = Path(__file__).resolve().parent / "assets"


def configure() -> None:
    """Set up the page; first call of every run."""
    st.set_page_config(
        page_title="convstore",
        page_icon=str(_ASSETS / "icon.png"),
        layout="wide",
        initial_sidebar_state=280,
    )
    st.logo(str(_ASSETS / "logo.png"), icon_image=str(_ASSETS / "icon.png"))


def heading(title: str) -> st.delta_generator.DeltaGenerator:
    """The head of a screen: its title, and the returned place for controls at the right."""
    row = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small")
    row.header(title, anchor=False, width="content")
    return row.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall")
