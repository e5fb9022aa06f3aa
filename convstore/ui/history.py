"""What happened to one conversation: decisions, scores and changes, before and after, the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

import streamlit as st

from convstore.model import DIMENSIONS, ConversationDetail, Event, Review
from convstore.ui.activity import verb_of
from convstore.ui.status import STATUSES
from convstore.ui.taking_back import ask_to_take_back
from convstore.ui.words import moment, prettified, score

__all__ = ["history"]

_NAMES = {"conversation_name": "Name", "description": "Description"}
_SCORES = {column: prettified(name) for name, column in DIMENSIONS.items()}
_SHOWN_CHARACTERS = 120


def history(detail: ConversationDetail, batches: Mapping[int, UUID] = MappingProxyType({})) -> None:
    """Every event with its person, time, note and what it changed; scores of people who gave some.

    Parameters
    ----------
    batches
        Those that can be taken back, by event; `taking_back.dialog_if_asked` does it.
    """
    for review in reversed(detail.reviews):
        _review(review)
    st.markdown("**History**")
    for event in detail.events:
        verb = "imported" if event.action == "created" else verb_of(event)
        if verb is None:
            continue
        with st.container(gap=None):
            with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
                st.text(f"{event.actor or 'convstore'} {_of_it(verb)}")
                st.caption(moment(event.at), width="content")
            for change in _changes(event):
                st.text(change)
            if event.note and event.action != "created":
                st.text(event.note)
            if event.id in batches:
                st.button("Undo", key=f"undo-event-{event.id}", type="tertiary", icon=":material/undo:",
                          on_click=ask_to_take_back, args=(batches[event.id],))  # fmt: skip


def _of_it(verb: str) -> str:
    """Approved it; asked for revision."""
    return verb.removesuffix(" of") if verb.endswith(" of") else f"{verb} it"


def _changes(event: Event) -> Iterator[str]:
    """To review → Approved; Quality 3.0 → 4.5."""
    before, after = event.before, event.after
    if event.action != "created" and after.get("status") != before.get("status"):
        yield " → ".join(STATUSES[found["status"]].word for found in (before, after) if found.get("status"))
    for column, says in _SCORES.items():
        if before.get(column) != after.get(column) and event.action in ("reviewed", "review withdrawn"):
            yield f"{says} {_score(before.get(column))} → {_score(after.get(column))}"
    for column, says in _NAMES.items():
        if column in after and event.action == "edited":
            yield f"{says}: {_short(before.get(column))} → {_short(after[column])}"


def _score(value: Any) -> str:
    return "not scored" if value is None else score(float(value))


def _short(value: Any) -> str:
    text = "none" if value is None else " ".join(str(value).split())
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _review(review: Review) -> None:
    """What one person said, of the whole and of single turns."""
    given = {
        prettified(name): value for name in DIMENSIONS if (value := getattr(review.scores, name)) is not None
    }  # fmt: skip
    with st.container(border=True, gap="xsmall"):
        st.text(f"{review.reviewer}: " + (", ".join(review.reasons) or ("scores" if given else "no scores")))
        if given:
            st.caption(" · ".join(f"{name} {score(value)}" for name, value in given.items()))
        if review.note:
            st.text(review.note)
        for number, words in sorted(review.turn_notes.items()):
            st.text(f"Turn {number}: {words}")
