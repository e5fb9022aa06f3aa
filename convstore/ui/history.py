"""What happened to one conversation: decisions, scores and changes, the newest first."""

from __future__ import annotations

import streamlit as st

from convstore.model import ConversationDetail, Review
from convstore.ui.activity import verb_of
from convstore.ui.words import moment, prettified, score

__all__ = ["history"]


def history(detail: ConversationDetail) -> None:
    """Every event with its person, time and note; scores of people who gave some."""
    for review in reversed(detail.reviews):
        _scores(review)
    st.markdown("**History**")
    for event in detail.events:
        verb = "imported" if event.action == "created" else verb_of(event)
        if verb is None:
            continue
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
            st.text(f"{event.actor or 'convstore'} {_of_it(verb)}")
            st.caption(moment(event.at), width="content")
        if event.note and event.action != "created":
            st.text(event.note)


def _of_it(verb: str) -> str:
    """Approved it; asked for revision."""
    return verb.removesuffix(" of") if verb.endswith(" of") else f"{verb} it"


def _scores(review: Review) -> None:
    given = {
        name: value
        for name in ("quality", "empathy", "clarity", "appropriateness", "brand_voice")
        if (value := getattr(review.scores, name)) is not None
    }
    with st.container(border=True, gap="xsmall"):
        st.text(f"{review.reviewer}: " + (", ".join(review.reasons) if review.reasons else "scores"))
        if given:
            st.caption(" · ".join(f"{prettified(name)} {score(value)}" for name, value in given.items()))
        if review.note:
            st.text(review.note)
