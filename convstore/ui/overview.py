"""The blocks of the home screen. Every number leads to its rows."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import streamlit as st

from convstore.core import ConvStore
from convstore.errors import ConvstoreError
from convstore.model import Filter
from convstore.ui.activity import gather
from convstore.ui.address import Vocabulary, params_of
from convstore.ui.navigation import link
from convstore.ui.session import use_workspace
from convstore.ui.status import FINDINGS, STATUSES, badge
from convstore.ui.words import local_zone, moment, number, plain, total

__all__ = ["greeting", "health", "lately", "the_set", "waiting"]

_LATELY_EVENTS = 500
_LATELY_LINES = 6


def greeting(store: ConvStore) -> None:
    """Who is here, when, and in which workspace."""
    memberships = store.memberships()
    here = next(m for m in memberships if m.workspace_id == store.actor.workspace_id)
    now = datetime.now(UTC).astimezone(local_zone())
    part = "morning" if 4 <= now.hour < 12 else "afternoon" if 12 <= now.hour < 18 else "evening"
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header(f"Good {part}, {plain(store.actor.name)}", anchor=False, width="content")
        if len(memberships) > 1:
            slugs = [m.slug for m in memberships]
            names = {m.slug: m.name for m in memberships}
            st.selectbox(
                "Workspace",
                slugs,
                index=slugs.index(here.slug),
                format_func=lambda slug: names[slug],
                key="chosen-workspace",
                label_visibility="collapsed",
                width=200,
                on_change=lambda: use_workspace(st.session_state["chosen-workspace"]),
            )
    article = "an" if here.role == "admin" else "a"
    st.caption(f"{now:%A} {now.day} {now:%B} · you are {article} {here.role} in {plain(here.name)}")


def waiting(store: ConvStore, vocabulary: Vocabulary) -> None:
    """What waits, and what this person decided today."""
    st.subheader("Waiting", anchor=False)
    everything, _ = store.count(Filter())
    to_review = Filter(statuses=("pending_review",))
    todo, exact = store.count(to_review)
    columns = st.columns([2, 1, 1, 1], gap="small")
    with columns[0].container(border=True, gap="xsmall", height="stretch"):
        st.markdown("**To review**")
        if todo:
            decided = everything - todo
            st.progress(decided / everything, text=f"{number(decided)} of {number(everything)} decided · {total(todo, exact)} left")
        else:
            st.caption("Every conversation has been decided.")
        link("browse", f"Open these {total(todo, exact)}", params_of(to_review, vocabulary), key="open-todo")
    cards = (
        ("Needs revision", "sent back", Filter(statuses=("needs_revision",))),
        ("With findings", "not yet decided", Filter(statuses=("pending_review",), findings=tuple(FINDINGS))),
        ("Not scored", "by people or files", Filter(unscored=True)),
    )
    for column, (name, which, wanted) in zip(columns[1:], cards, strict=True):
        with column.container(border=True, gap="xsmall", height="stretch"):
            st.markdown(f"{name} :gray[· {which}]")
            count, is_exact = store.count(wanted)
            st.markdown(f"### {total(count, is_exact)}")
            if count:
                link("browse", f"Open these {total(count, is_exact)}", params_of(wanted, vocabulary), key=f"open-{name}")


def the_set(store: ConvStore, vocabulary: Vocabulary) -> None:
    """The set by status."""
    everything, exact = store.count(Filter())
    with st.container(border=True, gap="xsmall", height="stretch"):
        st.markdown(f"**The set** :gray[{total(everything, exact)} conversations]")
        for status in STATUSES:
            wanted = Filter(statuses=(status,))
            count, is_exact = store.count(wanted)
            name, bar, many = st.columns([2, 6, 1.4], vertical_alignment="center", gap="small")
            with name:
                badge(status)
            with bar:
                st.progress(min(1.0, count / everything))
            with many:
                link("browse", total(count, is_exact), params_of(wanted, vocabulary), key=f"open-{status}")


def health(store: ConvStore) -> None:
    """Whether database and files answer."""
    with st.container(border=True, gap="xsmall", height="stretch"):
        st.markdown("**Health**")
        began = time.perf_counter()
        store.memberships()
        _fact("Database answers", f"{1000 * (time.perf_counter() - began):.0f} ms")
        began = time.perf_counter()
        try:
            facts = store.files.check()
        except ConvstoreError as error:
            _fact("The file store does not answer", error.code, good=False)
            return
        wrong = [fact for fact in facts if fact.status != "ok"]
        if not wrong:
            _fact("File store answers", f"{1000 * (time.perf_counter() - began):.0f} ms")
        for fact in wrong:
            _fact(plain(fact.fact), "", good=False)


def _fact(words: str, value: str, *, good: bool = True) -> None:
    icon = ":green[:material/check_circle:]" if good else ":orange[:material/error:]"
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"{icon} {words}", width="content")
        st.caption(value, width="content")


def lately(store: ConvStore) -> None:
    """Who did what."""
    doings = gather(store.events(limit=_LATELY_EVENTS), fetched=_LATELY_EVENTS)[:_LATELY_LINES]
    if not doings:
        return
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Lately**")
        for doing in doings:
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                st.text(f"{doing.who} {doing.verb} {doing.what}")
                st.caption(moment(doing.at), width="content")
