"""The question before a decision: what it would do, five of the rows, what stays as it is, and why. Then it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

import pandas as pd
import streamlit as st

from convstore.core import ConvStore
from convstore.model import BatchOutcome, Conversation, Filter
from convstore.review import BulkPreview
from convstore.ui.decisions import Asked, begin, forget_question, remember
from convstore.ui.guard import guard
from convstore.ui.status import ACTIONS, STATUSES, Action
from convstore.ui.table import status_column
from convstore.ui.words import accented, conversations_in, counted, number, plain
from convstore.ui.working import Tell, Work

__all__ = ["dialog_if_asked"]

_NAMED = 100


def dialog_if_asked(store: ConvStore) -> None:
    """Show the open question."""
    asked: Asked | None = st.session_state.get("asked")
    if asked is None:
        return
    action = ACTIONS[asked.status]
    about = counted(len(asked.conversations), "conversation") if asked.everything is None else "all in this list"

    @st.dialog(f"{action.verb}: {about}", icon=action.icon, width="medium", on_dismiss=forget_question)
    def question() -> None:
        with guard(retry=False):
            _question(store, asked)

    question()


def _question(store: ConvStore, asked: Asked) -> None:
    action = ACTIONS[asked.status]
    preview = _preview(store, asked)
    _say(preview, action)
    if asked.everything is None:
        _table(asked.conversations, height=280)
    elif preview.samples:
        st.caption("Five of them, picked at random" if len(preview.samples) == 5 else "These")
        _table(preview.samples, height=280)
    reasons, note = _why(store, asked) if preview.moving else ((), "")
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Cancel" if preview.moving else "Close", key="cancel", type="tertiary"):
            forget_question()
            st.rerun()
        label = f"{action.verb} {number(preview.moving)}"
        if preview.moving and st.button(label, key="decide", type="primary", icon=action.icon):
            forget_question()
            begin(Work(action.verb, _decision(store, asked, reasons, note)), preview.moving)


def _preview(store: ConvStore, asked: Asked) -> BulkPreview:
    """What would happen, found out once for each question."""
    kept: tuple[Asked, BulkPreview] | None = st.session_state.get("preview")
    if kept is None or kept[0] is not asked:
        wanted = asked.everything or Filter(ids=tuple(str(row.id) for row in asked.conversations))
        with st.spinner("Looking at what would happen", show_time=True):
            kept = asked, store.bulk_preview(wanted, asked.status)
        st.session_state["preview"] = kept
    return kept[1]


def _say(preview: BulkPreview, action: Action) -> None:
    left = preview.matched - preview.moving
    words = (
        f"**{number(preview.moving)} will be {action.done}.**" if preview.moving else f"**None can be {action.done}.**"
    )
    if left:
        words += f" {number(left)} {'stays as it is' if left == 1 else 'stay as they are'}:"
    st.markdown(words)
    if left:
        with st.container(gap=None):
            for found in preview.conflicts:
                st.text(f"{number(found.count)} · {found.reason}")
    if preview.released:
        st.caption(
            f"{conversations_in(preview.released, True)} of them went out in a release, which keeps what it has."
        )


def _table(conversations: Sequence[Conversation], *, height: int) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "Name": [row.conversation_name for row in conversations],
                "Status": [[STATUSES[row.status].word] for row in conversations],
                "Quality": [row.effective_quality / 10 if row.effective_quality else None for row in conversations],
            }
        ),
        hide_index=True,
        row_height=31,
        placeholder="–",
        height="content" if len(conversations) <= 8 else height,
        column_config={
            "Name": st.column_config.TextColumn("Name", width=360),
            "Status": status_column(),
            "Quality": st.column_config.NumberColumn("Quality", format="%.1f", width=80),
        },
    )


def _why(store: ConvStore, asked: Asked) -> tuple[tuple[str, ...], str]:
    reasons: Sequence[str] = ()
    if asked.status == "rejected":
        reasons = st.pills(
            "Why",
            store.desk.rules().reject_reasons,
            selection_mode="multi",
            format_func=lambda reason: accented(plain(reason)),
            key="decision-reasons",
        )
    note = st.text_input("Note", key="decision-note", placeholder="Optional, kept in the history", max_chars=2000)
    return tuple(reasons), note


def _decision(
    store: ConvStore, asked: Asked, reasons: tuple[str, ...], note: str
) -> Callable[[Tell], Callable[[], None]]:
    """What the work does; gives back how to say what became of it."""

    def named(_: Tell) -> Callable[[], None]:
        result = store.review(
            [str(row.id) for row in asked.conversations],
            status=asked.status,
            note=note or None,
            reasons=reasons,
            read={str(row.id): row.turns_sha256 for row in asked.conversations},
        )
        others = [item for item in result.items if item.outcome != "done"]
        counts: dict[str, int] = {}
        for item in others:
            why = item.reason or "nothing to change"
            counts[why] = counts.get(why, 0) + 1
        done = len(result.items) - len(others)
        return lambda: _remember(asked, done, result.batch_id, tuple(counts.items()), others)

    def everything(tell: Tell) -> Callable[[], None]:
        assert asked.everything is not None
        result = store.bulk_review(
            asked.everything, status=asked.status, note=note or None, reasons=reasons, progress=tell
        )
        left = tuple((found.reason, found.count) for found in result.left_alone)
        return lambda: _remember(asked, result.moved, result.batch_id, left, result.listed)

    return named if asked.everything is None else everything


def _remember(
    asked: Asked,
    done: int,
    batch_id: UUID,
    left: tuple[tuple[str, int], ...],
    others: Sequence[BatchOutcome],
) -> None:
    words = f"{number(done)} {ACTIONS[asked.status].done}."
    if left:
        words += f" {number(sum(count for _, count in left))} left alone: {plain(left[0][0])}."
    remember(
        words,
        batch_id if done else None,
        rows=done,
        left_alone=left,
        named=[item.conversation_id for item in others[:_NAMED]],
    )
