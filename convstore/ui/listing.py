"""One page of the set: how it is sorted, where it starts, and how people move on. The place is in the address."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from convstore.core import ConvStore
from convstore.errors import UsageError
from convstore.model import Conversation, Filter, Order, Page, Sort
from convstore.queries.cursors import LAST
from convstore.ui.words import number

__all__ = ["NEWEST", "SORTS", "page_of", "pager", "position", "sort_select"]

NEWEST = "Newest first"
#: Orders by the word in the address.
SORTS: Mapping[str, tuple[Sort, Order]] = {
    NEWEST: ("created", "desc"),
    "Recently changed": ("updated", "desc"),
    "Best first": ("quality", "desc"),
    "Weakest first": ("quality", "asc"),
    "By name": ("name", "asc"),
}


def sort_select() -> str:
    """The select box of orders."""
    return st.selectbox("Order", list(SORTS), key="sort", label_visibility="collapsed", bind="query-params", width=190)


def page_of(store: ConvStore, wanted: Filter, order: str) -> Page[Conversation]:
    """The page that the address names; the first one where the filter or the order changed since."""
    this_list = (store.actor.workspace_id, wanted, order)
    before = st.session_state.get("list")
    st.session_state["list"] = this_list
    cursor = st.query_params.get("at")
    if cursor and before not in (None, this_list):
        del st.query_params["at"]
        cursor = None
    sort, direction = SORTS[order]
    try:
        page = store.search(wanted, sort=sort, order=direction, cursor=cursor)
    except UsageError:
        if not cursor:
            raise
        # A cursor of another list, or one that somebody typed.
        del st.query_params["at"]
        page = store.search(wanted, sort=sort, order=direction)
    store.prefetch(page, wanted, sort=sort, order=direction)
    return page


def position(page: Page[Conversation]) -> str:
    """51 to 75 of 1,284."""
    of = number(page.total) if page.total_is_exact else f"more than {number(page.total)}"
    if page.first is None:
        return f"{len(page.items)} of {of}"
    return f"{number(page.first)} to {number(page.first + len(page.items) - 1)} of {of}"


def pager(page: Page[Conversation], *, disabled: bool = False) -> None:
    """First, previous, next, last; on a single page only where it stands, on none nothing."""
    if not page.items:
        return
    st.caption(position(page), width="content")
    if page.next is None and page.previous is None:
        return
    for name, icon, says, at, possible in (
        ("first", ":material/first_page:", "First page", "", page.previous),
        ("previous", ":material/chevron_left:", "Previous page", page.previous, page.previous),
        ("next", ":material/chevron_right:", "Next page", page.next, page.next),
        ("last", ":material/last_page:", "Last page", LAST, page.next),
    ):
        st.button(
            icon,
            key=f"page-{name}",
            type="tertiary",
            help=says,
            on_click=_turn_to,
            args=(at,),
            disabled=disabled or possible is None,
        )


def _turn_to(cursor: str) -> None:
    st.session_state["table"] = st.session_state.get("table", 0) + 1
    if cursor:
        st.query_params["at"] = cursor
    elif "at" in st.query_params:
        del st.query_params["at"]
