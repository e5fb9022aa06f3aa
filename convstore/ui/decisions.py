"""Asking before a decision, saying what became of it, and taking it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import pandas as pd
import streamlit as st

from convstore.core import ConvStore
from convstore.lifecycle import allowed
from convstore.model import BatchResult, Conversation, Status
from convstore.ui.guard import guard
from convstore.ui.status import ACTIONS, STATUSES
from convstore.ui.table import status_column
from convstore.ui.words import counted, number, plain

__all__ = [
    "Done",
    "ask",
    "buttons",
    "dialog_if_asked",
    "is_asking",
    "last_done",
    "remember",
    "say_what_happened",
    "undo_button",
]


_AT_HAND: tuple[Status, ...] = ("approved", "rejected")
_IN_MENU: tuple[Status, ...] = ("needs_revision", "pending_review", "archived")


@dataclass(frozen=True, slots=True)
class Asked:
    """A decision that waits for its confirmation."""

    status: Status
    conversations: tuple[Conversation, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What was decided last; `batch_id` is None where there is nothing to undo."""

    words: str
    batch_id: UUID | None


def ask(status: Status, conversations: Sequence[Conversation]) -> None:
    """Ask before moving conversations to a status; for `on_click`."""
    st.session_state["asked"] = Asked(status, tuple(conversations))


def is_asking() -> bool:
    """True while a question is open: shortcuts of the page behind it must rest."""
    return "asked" in st.session_state


def buttons(store: ConvStore, selected: Sequence[Conversation]) -> None:
    """What can be done about the selected rows; without any, what was done last."""
    if not selected:
        if last_done() is None:
            st.caption("Select rows to decide about them", width="content")
        undo_button(store)
        return
    st.markdown(f"**{number(len(selected))} selected**", width="content")
    for status in _AT_HAND:
        _button(status, selected)
    st.menu_button(
        "More",
        _IN_MENU,
        format_func=lambda status: f"{ACTIONS[status].icon} {ACTIONS[status].verb}",
        key="more",
        disabled=is_asking(),
        on_click=_ask_from_menu,
        args=(selected,),
    )


def _ask_from_menu(selected: Sequence[Conversation]) -> None:
    ask(st.session_state["more"], selected)


def _button(status: Status, selected: Sequence[Conversation]) -> None:
    action = ACTIONS[status]
    st.button(
        action.verb,
        key=f"do-{status}",
        icon=action.icon,
        shortcut=action.shortcut,
        disabled=is_asking(),
        on_click=ask,
        args=(status, selected),
    )


def last_done() -> Done | None:
    """What was decided last and can be undone."""
    return st.session_state.get("done")


def remember(words: str, batch_id: UUID | None) -> None:
    """Keep what happened, to be said in the next run."""
    st.session_state["done"] = Done(words, batch_id)
    st.session_state["news"] = words


def say_what_happened() -> None:
    """Say once what the last run did."""
    news = st.session_state.pop("news", None)
    if news:
        st.toast(news)


def dialog_if_asked(store: ConvStore) -> None:
    """Show the open question."""
    asked: Asked | None = st.session_state.get("asked")
    if asked is None:
        return
    action = ACTIONS[asked.status]
    title = f"{action.verb}: {counted(len(asked.conversations), 'conversation')}"

    @st.dialog(title, icon=action.icon, width="medium", on_dismiss=_forget)
    def question() -> None:
        with guard(retry=False):
            _question(store, asked)

    question()


def _question(store: ConvStore, asked: Asked) -> None:
    action = ACTIONS[asked.status]
    moving = [row for row in asked.conversations if allowed(row.status, asked.status)]
    left = len(asked.conversations) - len(moving)
    words = f"**{number(len(moving))} will be {action.done}.**" if moving else f"**None can be {action.done}.**"
    if left:
        words += f" {number(left)} {'is' if left == 1 else 'are'} left alone: the status does not allow it."
    st.markdown(words)
    st.dataframe(
        pd.DataFrame(
            {
                "Name": [row.conversation_name for row in asked.conversations],
                "Status": [[STATUSES[row.status].word] for row in asked.conversations],
                "Result": [action.verb if row in moving else "Left alone" for row in asked.conversations],
            }
        ),
        hide_index=True,
        row_height=31,
        height="content" if len(asked.conversations) <= 8 else 280,
        column_config={"Name": st.column_config.TextColumn("Name", width=330), "Status": status_column()},
    )
    note = (
        st.text_input("Note", key="decision-note", placeholder="Optional, kept in the history", max_chars=2000)
        if moving
        else ""
    )
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Cancel" if moving else "Close", key="cancel", type="tertiary"):
            _forget()
            st.rerun()
        label = f"{action.verb} {number(len(moving))}"
        if moving and st.button(label, key="decide", type="primary", icon=action.icon):
            result = store.review(
                [str(row.id) for row in asked.conversations],
                status=asked.status,
                note=note or None,
                read={str(row.id): row.turns_sha256 for row in asked.conversations},
            )
            _forget()
            st.session_state["table"] = st.session_state.get("table", 0) + 1
            remember(sentence_of(result), result.batch_id)
            st.rerun()


def _forget() -> None:
    st.session_state.pop("asked", None)


def sentence_of(result: BatchResult) -> str:
    """2 approved, 1 left alone: somebody decided it in the meantime."""
    done = [item for item in result.items if item.outcome == "done"]
    others = [item for item in result.items if item.outcome != "done"]
    status = result.items[0].to_status if result.items else ""
    action = ACTIONS.get(status)  # type: ignore[call-overload]
    words = f"{number(len(done))} {action.done if action else 'changed'}."
    if others:
        reasons = Counter(item.reason or "nothing to change" for item in others)
        words += f" {number(len(others))} left alone: {plain(reasons.most_common(1)[0][0])}."
    return words


def undo_button(store: ConvStore) -> None:
    """What happened last, and a button that takes it back."""
    done = last_done()
    if done is None or done.batch_id is None:
        return
    st.caption(done.words, width="content")
    if st.button("Undo", key="undo", type="tertiary", icon=":material/undo:", shortcut="U", disabled=is_asking()):
        undone = store.undo(done.batch_id)
        words = f"{number(undone.undone)} put back."
        if undone.left_alone:
            words += f" {number(len(undone.left_alone))} left alone: {undone.left_alone[0][1]}."
        st.session_state.pop("done", None)
        st.session_state["news"] = words
        st.session_state["table"] = st.session_state.get("table", 0) + 1
        st.rerun()
