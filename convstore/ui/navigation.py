"""Every screen of the app in one list: its address, its place in the bar, its page. Knows no data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from convstore.resources import PAGES_FOLDER

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

__all__ = ["SCREENS", "Params", "Screen", "choose", "go", "link"]

#: Query parameters of an address; several values of one name are alternatives.
Params = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One screen. `kept` says what a fault does not take away; `in_bar` is False where another screen leads to it."""

    name: str
    title: str
    icon: str
    kept: str
    in_bar: bool = True

    def page(self) -> Page:
        """The page as Streamlit wants it, anew in every run."""
        return st.Page(
            PAGES_FOLDER / f"{self.name}.py",
            title=self.title,
            icon=self.icon,
            url_path=self.name,
            default=self is SCREENS[0],
            visibility="visible" if self.in_bar else "hidden",
        )


#: In the order of the bar, the most used first: a narrow window folds the last ones away.
SCREENS: tuple[Screen, ...] = (
    Screen(name="home", title="Home", icon=":material/home:", kept="Nothing was changed."),
    Screen(name="review", title="Review", icon=":material/rate_review:", kept="What you scored is kept as a draft."),
    Screen(name="browse", title="Browse", icon=":material/table_rows:", kept="Your filters are kept."),
    Screen(name="quality", title="Quality", icon=":material/bar_chart:", kept="Your filters are kept."),
    Screen(name="coverage", title="Coverage", icon=":material/grid_on:", kept="Your filters are kept."),
    Screen(name="releases", title="Releases", icon=":material/download:", kept="Your filters are kept."),
    Screen(
        name="import",
        title="Import",
        icon=":material/upload_file:",
        kept="What was stored stays stored; the same import again completes it.",
    ),
    Screen(name="system", title="System", icon=":material/settings:", kept="Nothing was changed."),
    Screen(
        name="duplicates",
        title="Duplicates",
        icon=":material/content_copy:",
        kept="Nothing was changed.",
        in_bar=False,
    ),
    Screen(name="team", title="Team", icon=":material/groups:", kept="Nothing was changed.", in_bar=False),
    Screen(
        name="conversation",
        title="Conversation",
        icon=":material/forum:",
        kept="Nothing was changed.",
        in_bar=False,
    ),
)

_BY_NAME = {screen.name: screen for screen in SCREENS}


def choose() -> tuple[Screen, Page]:
    """Show the bar; the screen that the address names, and its page."""
    pages = {screen.name: screen.page() for screen in SCREENS}
    chosen = st.navigation({"": list(pages.values())}, position="top")
    screen = next((screen for screen in SCREENS if chosen == pages[screen.name]), SCREENS[0])
    return screen, chosen


def go(screen: str, params: Params | None = None) -> NoReturn:
    """Leave for another screen.

    Streamlit refuses parameters that are bound to a widget of the screen that is left: name them otherwise, or use
    `link`, which leaves in the browser.
    """
    st.switch_page(_BY_NAME[screen].page(), query_params=dict(params or {}))


def link(screen: str, label: str, params: Params | None = None, *, key: str, icon: str | None = None) -> None:
    """A link to another screen, with an arrow after its words, or with an icon before them."""
    with st.container(key=key, width="content"):
        st.page_link(
            _BY_NAME[screen].page(),
            label=label,
            icon=icon or ":material/arrow_forward:",
            icon_position="left" if icon else "right",
            query_params=dict(params or {}),
        )
