"""The blocks of the home screen. Every number leads to its rows."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from convstore.core import ConvStore
from convstore.lifecycle import STATUSES
from convstore.model import Filter
from convstore.ui.activity import latest
from convstore.ui.address import Vocabulary, params_of
from convstore.ui.frame import heading
from convstore.ui.listing import NEWEST
from convstore.ui.navigation import go, link
from convstore.ui.status import FINDINGS, badge
from convstore.ui.walk import start
from convstore.ui.words import counted, local_zone, moment, number, plain, total

__all__ = ["greeting", "lately", "the_set", "waiting"]

_LATELY_EVENTS = 500
_LATELY_LINES = 6
#: More ids than this make an address too long to send to anybody.
_LINKED_IDS = 60
_TO_REVIEW = Filter(statuses=("pending_review",))
#: Room for the longest status, and for a count of millions with its arrow: what is between them is the bar.
_BADGE_PX = 124
_NUMBER_PX = 96


def greeting(store: ConvStore) -> None:
    """Who is here, when, and in which workspace."""
    memberships = store.memberships()
    here = next(m for m in memberships if m.workspace_id == store.actor.workspace_id)
    now = datetime.now(UTC).astimezone(local_zone())
    part = "morning" if 4 <= now.hour < 12 else "afternoon" if 12 <= now.hour < 18 else "evening"
    head = heading(f"Good {part}, {plain(store.actor.name)}")
    article = "an" if here.role == "admin" else "a"
    head.line.caption(f"{now:%A} {now.day} {now:%B} · you are {article} {here.role} in {plain(here.name)}")


def waiting(store: ConvStore, vocabulary: Vocabulary) -> None:
    """What waits, and what this person decided today."""
    st.subheader("Waiting", anchor=False)
    columns = st.columns([2, 1, 1, 1], gap="small")
    with columns[0].container(border=True, gap="xsmall", height="stretch"):
        _to_review(store, vocabulary)
    cards = (
        ("Needs revision", "sent back", Filter(statuses=("needs_revision",))),
        ("With findings", "not yet decided", Filter(statuses=("pending_review",), findings=tuple(FINDINGS))),
        ("Not scored", "by people or files", Filter(unscored=True)),
    )
    for column, (name, which, wanted) in zip(columns[1:], cards, strict=True):
        with column.container(border=True, gap="xsmall", height="stretch"):
            st.markdown(f"{name} :gray[· {which}]")
            count = total(*store.count(wanted))
            st.markdown(f"### {count}")
            if count != "0":
                link("browse", "Open these", params_of(wanted, vocabulary), key=f"open-{name}")


def _to_review(store: ConvStore, vocabulary: Vocabulary) -> None:
    statuses = store.facets().counts["status"]
    everything, todo = sum(statuses.values()), statuses.get("pending_review", 0)
    st.markdown("**To review**")
    if not todo:
        st.caption("Every conversation has been decided.")
    else:
        decided = everything - todo
        st.progress(
            decided / everything, text=f"{number(decided)} of {number(everything)} decided · {number(todo)} left"
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if todo:
            if st.button("Start reading", key="read", type="primary", icon=":material/play_arrow:"):
                page = store.search(_TO_REVIEW)
                go("conversation", start(_TO_REVIEW, NEWEST, page, 0).params(vocabulary))
            link("browse", f"Open these {number(todo)}", params_of(_TO_REVIEW, vocabulary), key="open-todo")
        _by_me_today(store, vocabulary)


def _by_me_today(store: ConvStore, vocabulary: Vocabulary) -> None:
    zone = local_zone()
    today = datetime.now(UTC).astimezone(zone).date()
    events = store.events(actor_id=store.actor.user_id, action="status", limit=_LATELY_EVENTS)
    mine = {event.conversation_id for event in events if event.at.astimezone(zone).date() == today}
    ids = tuple(sorted(identifier for identifier in mine if identifier))
    if not ids:
        return
    if len(ids) <= _LINKED_IDS:
        link("browse", f"{number(len(ids))} by you today", params_of(Filter(ids=ids), vocabulary), key="open-mine")
    else:
        more = " or more" if len(events) == _LATELY_EVENTS else ""
        link("browse", f"{number(len(ids))}{more} by you today", {"sort": ["Recently changed"]}, key="open-mine")


def the_set(store: ConvStore, vocabulary: Vocabulary) -> None:
    """The set by status."""
    statuses = store.facets().counts["status"]
    everything = sum(statuses.values())
    with st.container(border=True, gap="xsmall", height="stretch"):
        st.markdown(f"**The set** :gray[{counted(everything, 'conversation')}]")
        for status in STATUSES:
            wanted = Filter(statuses=(status,))
            count = statuses.get(status, 0)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                with st.container(width=_BADGE_PX):
                    badge(status)
                with st.container():
                    st.progress(count / everything)
                with st.container(width=_NUMBER_PX):
                    link("browse", number(count), params_of(wanted, vocabulary), key=f"open-{status}")


def lately(store: ConvStore) -> None:
    """Who did what."""
    doings = latest(store.events(limit=_LATELY_EVENTS), store.imports(), fetched=_LATELY_EVENTS)[:_LATELY_LINES]
    if not doings:
        return
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Lately**")
        for doing in doings:
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                st.text(f"{doing.who} {doing.verb} {doing.what}")
                st.caption(moment(doing.at), width="content")
