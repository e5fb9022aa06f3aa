"""What stands where there is nothing to show: one sentence, the nearest way out, one button that takes it."""

from __future__ import annotations

import streamlit as st

from convstore.ui.filters import clear
from convstore.ui.navigation import go
from convstore.ui.parts import go_to_part

__all__ = ["no_match", "nothing_released", "nothing_stored"]


def _box(icon: str, words: str, caption: str) -> st.delta_generator.DeltaGenerator:
    box = st.container(horizontal_alignment="center").container(
        border=True, horizontal_alignment="center", gap="small", width=480
    )
    box.space("small")
    box.markdown(f"{icon} **{words}**", width="content")
    box.caption(caption, width="content", text_alignment="center")
    return box


def no_match() -> None:
    """The filter matches no conversation."""
    box = _box(
        ":material/filter_alt_off:", "No conversation matches", "Take a filter away, or start again without any."
    )
    box.button("Clear filters", key="clear-here", type="primary", on_click=clear)
    box.space("small")


def nothing_stored() -> None:
    """The workspace has no conversation yet."""
    box = _box(
        ":material/inbox:",
        "No conversations yet",
        "Import your files, or run `convstore demo` to look around with made-up ones.",
    )
    if box.button("Import files", key="import-here", type="primary", icon=":material/upload_file:"):
        go("import")
    box.space("small")


def nothing_released() -> None:
    """The workspace has made no release yet."""
    box = _box(
        ":material/inventory_2:",
        "Nothing has gone out yet",
        "What you build is kept here: what it held, from what, and by whom.",
    )
    box.button("Build a release", key="build-here", type="primary", on_click=go_to_part, args=("Build",))
    box.space("small")
