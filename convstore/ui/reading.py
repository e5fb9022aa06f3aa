"""The blocks of the conversation screen: head, folded extras, the bar below. The turns have a module of their own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Container, Iterable
from typing import TYPE_CHECKING, Any

import streamlit as st

from convstore.core import ConvStore
from convstore.lifecycle import MOVES
from convstore.model import DIMENSIONS, Conversation, ConversationDetail, Turn
from convstore.review.undoing import undoable
from convstore.ui import decisions, trash
from convstore.ui.address import Vocabulary
from convstore.ui.dismissing import dismissed
from convstore.ui.history import history
from convstore.ui.navigation import go, link
from convstore.ui.status import ACTIONS, TIERS, badge, finding_badge
from convstore.ui.walk import Walk
from convstore.ui.words import bytes_of, counted, local_zone, plain, prettified, score

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

__all__ = ["back", "bar", "extras", "head", "place", "said"]

#: Longest text that the browser is asked to show at once.
_SHOWN_CHARACTERS = 200_000


def place(identifier: object) -> DeltaGenerator:
    """The centred column for one conversation, from its top when another one comes."""
    if st.session_state.get("read") == identifier:
        # Emptied and filled again, a slow browser would show the gap and close what is open inside.
        outer = st.container(horizontal_alignment="center")
    else:
        # A page keeps its scroll position unless what it shows goes away for a moment.
        st.session_state["read"] = identifier
        slot = st.empty()
        time.sleep(0.05)
        outer = slot.container(horizontal_alignment="center")
    return outer.container(width=820)


def back(walk: Walk | None, vocabulary: Vocabulary) -> None:
    """The way back to the list."""
    params = walk.list_params(vocabulary) if walk else {}
    link("browse", "Back to the list", params, key="back", icon=":material/arrow_back:")


def head(detail: ConversationDetail, vocabulary: Vocabulary, *, below: Callable[[], None] | None = None) -> None:
    """Name, badges, persona, tier, turns, and what `below` shows; the arc at the right."""
    conversation = detail.conversation
    left, right = st.columns([520, 270], gap="medium")
    with left:
        st.header(plain(conversation.conversation_name), anchor=False)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            badge(conversation.status)
            for finding in {f.code: f for f in detail.findings if not f.dismissed_reason}.values():
                finding_badge(finding.code, finding.severity)
            st.caption(plain(" · ".join(_facts(conversation, vocabulary))), width="content")
        if below is not None:
            below()
    with right:
        _arc(conversation, detail.turns, vocabulary)


def _facts(conversation: Conversation, vocabulary: Vocabulary) -> Iterable[str]:
    for kind, key in (("persona", conversation.persona_key), ("topic", conversation.topic_key)):
        if key:
            yield vocabulary.words[kind].get(key) or prettified(key)
    yield TIERS.get(conversation.tier, prettified(conversation.tier))
    yield counted(conversation.turn_count, "turn")


def _arc(conversation: Conversation, turns: Iterable[Turn], vocabulary: Vocabulary) -> None:
    levels = [turn.emotional_intensity for turn in turns if turn.emotional_intensity is not None]
    key = conversation.emotional_arc_key
    name = (vocabulary.words["arc"].get(key) or prettified(key)) if key else None
    if len(levels) > 1:
        st.metric(
            f"Arc: {plain(name)}" if name else "Intensity",
            f"{levels[0]:.2f} to {levels[-1]:.2f}",
            chart_data=levels,
            chart_type="line",
        )
        if promise := _promise(conversation):
            st.caption(promise)
    elif name:
        st.metric("Arc", plain(name))


def _promise(conversation: Conversation) -> str:
    """What the file says the arc is: promised dread 0.80 to relief 0.30."""
    ends = [
        " ".join(part for part in (prettified(feeling or "").lower(), "" if level is None else f"{level:.2f}") if part)
        for feeling, level in (
            (conversation.starting_emotion, conversation.emotional_intensity_start),
            (conversation.ending_emotion, conversation.emotional_intensity_end),
        )
    ]
    return plain(f"Promised: {' to '.join(ends)}") if all(ends) else ""


def extras(store: ConvStore, detail: ConversationDetail) -> None:
    """What is folded away, in one row."""
    conversation = detail.conversation
    with st.container(horizontal=True, gap="xsmall"):
        if detail.system_prompt:
            with st.popover("System prompt", icon=":material/terminal:", type="tertiary"):
                st.text(detail.system_prompt, width=480)
        with st.popover("Details", icon=":material/info:", type="tertiary"):
            _details(store, detail)
        with st.popover("History", icon=":material/history:", type="tertiary"), st.container(width=480):
            history(detail, undoable(detail.events, store.actor))
        with st.popover("File", icon=":material/data_object:", type="tertiary"), st.container(width=560):
            _file(store, conversation)
        with st.popover("Edit", icon=":material/edit:", type="tertiary"), st.container(width=420):
            trash.edit_form(store, conversation)
        dismissed(store, detail.findings)


def _details(store: ConvStore, detail: ConversationDetail) -> None:
    conversation = detail.conversation
    st.markdown("**Scores** :gray[File · People]")
    with st.container(gap=None):
        for name, column in DIMENSIONS.items():
            _pair(
                prettified(name),
                f"{score(getattr(conversation, column))} · {score(getattr(conversation, f'human_{column}'))}",
            )
    st.markdown("**About**")
    with st.container(gap=None):
        _about(store, detail)


def _about(store: ConvStore, detail: ConversationDetail) -> None:
    conversation = detail.conversation
    if conversation.description:
        st.text(conversation.description, width=440)
    zone = local_zone()
    for label, value in (
        ("Id", conversation.conversation_id),
        ("Category", conversation.category),
        ("Starts with", conversation.starting_emotion and prettified(conversation.starting_emotion)),
        ("Ends with", conversation.ending_emotion and prettified(conversation.ending_emotion)),
        ("Imported", f"{conversation.created_at.astimezone(zone):%d %b %Y, %H:%M}"),
        ("From", conversation.source_name),
        ("Format", conversation.format),
        ("Released", _releases(store, conversation)),
        *((prettified(key), _short(value)) for key, value in detail.extra.items()),
    ):
        if value:
            _pair(label, str(value))


def _releases(store: ConvStore, conversation: Conversation) -> str:
    """In which releases it went out: 2 times: spring, 3 Nov 2026."""
    if not conversation.export_count:
        return "never"
    uses = store.releases_of(str(conversation.id))
    names = (use.name or f"{use.sealed_at.astimezone(local_zone()):%d %b %Y, %H:%M}" for use in uses)
    return f"{counted(conversation.export_count, 'time')}: {', '.join(names)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:119] + "…"


def _pair(label: str, value: str) -> None:
    with st.container(horizontal=True, gap="small", width=440):
        st.text(label, width=130)
        st.text(value, width=295)


def _file(store: ConvStore, conversation: Conversation) -> None:
    """The stored document, read when it is asked for."""
    st.markdown(f"**conversation.json** :gray[{bytes_of(conversation.content_bytes)}]")
    st.download_button(
        "Download",
        data=lambda: store.document(str(conversation.id)),
        file_name=f"{conversation.conversation_id}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        key="download",
    )
    if st.toggle("Show it here", key=f"raw-{conversation.id}"):
        text = store.document(str(conversation.id)).decode("utf-8", "replace")
        st.code(text[:_SHOWN_CHARACTERS], language=None, height=420, wrap_lines=True)
        if len(text) > _SHOWN_CHARACTERS:
            st.caption(f"The first {_SHOWN_CHARACTERS:,} of {len(text):,} characters. The download has all of it.")


def said(detail: ConversationDetail, exclusions: Container[int]) -> Callable[[Turn], None]:
    """Shows beside a message what reviewers noted on it, and whether it is left out of training."""

    def beside(turn: Turn) -> None:
        if turn.turn_number in exclusions:
            st.badge("Not for training", icon=":material/block:", color="gray")
        for review in detail.reviews:
            words = review.turn_notes.get(turn.turn_number)
            if words and review.turns_sha256 == detail.conversation.turns_sha256:
                with st.container(horizontal=True, gap="xsmall"):
                    st.markdown(":material/sticky_note_2:", width="content")
                    st.text(f"{review.reviewer}: {words}", width=230)

    return beside


def bar(store: ConvStore, detail: ConversationDetail, walk: Walk | None, vocabulary: Vocabulary) -> None:
    """What can be done now: decisions that the status allows, and the way through the list."""
    conversation = detail.conversation
    asking = decisions.is_asking()
    with st.container(
        border=True,
        width=820,
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
    ):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            if not conversation.is_active:
                trash.restore_button(store, conversation)
            else:
                _moves(conversation, asking=asking)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            decisions.undo_button(store)
            if walk is not None:
                _steps(store, walk, vocabulary, asking=asking)


def _moves(conversation: Conversation, *, asking: bool) -> None:
    for status in MOVES[conversation.status]:
        action = ACTIONS[status]
        st.button(
            "Restore" if conversation.status == "archived" else action.verb,
            key=f"do-{status}",
            icon=action.icon,
            shortcut=action.shortcut,
            type="primary" if status == "approved" else "secondary",
            disabled=asking,
            on_click=decisions.ask,
            args=(status, [conversation]),
        )


def _steps(store: ConvStore, walk: Walk, vocabulary: Vocabulary, *, asking: bool) -> None:
    st.caption(walk.position, width="content")
    for key, says, icon, by, possible in (
        ("back", "Previous", ":material/chevron_left:", -1, walk.has_previous),
        ("on", "Next", ":material/chevron_right:", 1, walk.has_next),
    ):
        if st.button(
            says, key=f"walk-{key}", type="tertiary", icon=icon, shortcut="P" if by < 0 else "N",
            disabled=asking or not possible,
        ):  # fmt: skip
            there = walk.step(store, by)
            st.session_state["walk"] = there
            go("conversation", there.params(vocabulary))
