"""Going from one conversation to the next within a filter.

A walk keeps the page it started from, so that a decision which takes a row out of the filter does not shift the
others. A fresh session finds the page again from the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from convstore.core import ConvStore
from convstore.errors import UsageError
from convstore.model import Conversation, Filter, Page
from convstore.ui.address import Vocabulary, filter_of, params_of
from convstore.ui.filters import address
from convstore.ui.listing import SORTS
from convstore.ui.words import number

__all__ = ["Walk", "current_walk", "start"]

#: Before the names of the list's own parameters in the address of a conversation.
_OF_LIST = "in-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A page of a filtered list, and the place in it. `at` is the cursor of the page, empty for the first."""

    wanted: Filter
    order: str
    at: str
    page: Page[Conversation]
    index: int

    @property
    def here(self) -> str:
        """The conversation id at this place."""
        return self.page.items[self.index].conversation_id

    @property
    def position(self) -> str:
        """38 of 1,284."""
        of = number(self.page.total) if self.page.total_is_exact else f"more than {number(self.page.total)}"
        return of if self.page.first is None else f"{number(self.page.first + self.index)} of {of}"

    @property
    def has_next(self) -> bool:
        """True if a conversation follows."""
        return self.index + 1 < len(self.page.items) or self.page.next is not None

    @property
    def has_previous(self) -> bool:
        """True if a conversation comes before."""
        return self.index > 0 or self.page.previous is not None

    def step(self, store: ConvStore, by: int) -> Walk:
        """The place one further or one back."""
        index = self.index + by
        if 0 <= index < len(self.page.items):
            return Walk(wanted=self.wanted, order=self.order, at=self.at, page=self.page, index=index)
        cursor = self.page.next if by > 0 else self.page.previous
        sort, direction = SORTS[self.order]
        page = store.search(self.wanted, sort=sort, order=direction, cursor=cursor)
        if not page.items:
            return self
        return Walk(
            wanted=self.wanted, order=self.order, at=cursor or "", page=page, index=0 if by > 0 else len(page.items) - 1
        )

    def list_params(self, vocabulary: Vocabulary) -> dict[str, list[str]]:
        """The address of the list, at this page."""
        at = {"at": [self.at]} if self.at else {}
        return {**params_of(self.wanted, vocabulary), "sort": [self.order], **at}

    def params(self, vocabulary: Vocabulary) -> dict[str, list[str]]:
        """The address of this place: the conversation's, and the list's under names that no filter widget holds."""
        params = self.list_params(vocabulary)
        return {"id": [self.here], **{f"{_OF_LIST}{name}": values for name, values in params.items()}}


def start(wanted: Filter, order: str, page: Page[Conversation], index: int, *, at: str = "") -> Walk:
    """Begin at a row of a page; `at` is the page's cursor, empty for the first."""
    walk = Walk(wanted=wanted, order=order, at=at, page=page, index=index)
    st.session_state["walk"] = walk
    return walk


def current_walk(store: ConvStore, vocabulary: Vocabulary, conversation_id: str) -> Walk | None:
    """The walk that led here, else the one that the address describes; None where the list lacks the conversation."""
    walk: Walk | None = st.session_state.get("walk")
    if walk is not None and walk.here == conversation_id:
        return walk
    params = {name.removeprefix(_OF_LIST): values for name, values in address().items() if name.startswith(_OF_LIST)}
    order = next(iter(params.get("sort", [])), "")
    if order not in SORTS:
        return None
    wanted = filter_of(params, vocabulary)
    at = next(iter(params.get("at", [])), "")
    sort, direction = SORTS[order]
    try:
        page = store.search(wanted, sort=sort, order=direction, cursor=at or None)
    except UsageError:
        # Somebody typed the address: the conversation can be read without its list.
        return None
    index = _index(page.items, conversation_id)
    return None if index is None else start(wanted, order, page, index, at=at)


def _index(rows: Sequence[Conversation], conversation_id: str) -> int | None:
    return next((index for index, row in enumerate(rows) if row.conversation_id == conversation_id), None)
