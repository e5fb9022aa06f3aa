"""The middle and the bottom of the review: the conversation, what is folded away, and what can be done now."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Turn
from convstore.review.queues import DEFAULT_QUEUE
from convstore.rights import is_at_least
from convstore.ui import reading as blocks
from convstore.ui.address import Vocabulary
from convstore.ui.dismissing import dismissed, dismisser
from convstore.ui.history import history
from convstore.ui.navigation import go
from convstore.ui.review_bench import Bench, Reading
from convstore.ui.turns import turns_beside_notes

__all__ = ["bar", "heartbeat", "nothing_left", "show"]

_HEARTBEAT_S = 120


def show(store: ConvStore, bench: Bench, reading: Reading, vocabulary: Vocabulary) -> None:
    """The conversation."""
    blocks.head(reading.detail, vocabulary, below=lambda: _extras(store, bench, reading))
    turns_beside_notes(
        reading.detail.turns,
        reading.detail.findings,
        beside=lambda turn: _said(reading, turn),
        behind=dismisser(store, lambda: _read_again(store, reading)),
    )


def _read_again(store: ConvStore, reading: Reading) -> None:
    """After a dismissal; what was said about the conversation stays."""
    reading.detail = replace(reading.detail, findings=store.get(str(reading.row)).findings)


def _said(reading: Reading, turn: Turn) -> None:
    """What this reviewer noted beside a turn."""
    if turn.turn_number in reading.exclusions:
        st.badge("Not for training", icon=":material/block:", color="gray")
    if note := reading.turn_notes.get(turn.turn_number):
        with st.container(horizontal=True, gap="xsmall"):
            st.markdown(":material/sticky_note_2:", width="content")
            st.text(note, width=230)


def _extras(store: ConvStore, bench: Bench, reading: Reading) -> None:
    asking = bench.asking is not None
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        if reading.detail.system_prompt:
            with st.popover("Prompt", icon=":material/terminal:", type="tertiary"):
                st.text(reading.detail.system_prompt, width=480)
        if reading.persona is not None:
            with (
                st.popover("Persona", icon=":material/person:", type="tertiary"),
                st.container(width=420, gap="xsmall"),
            ):
                st.text(" · ".join(part for part in (reading.persona.name, reading.persona.archetype) if part))
                if reading.persona.description:
                    st.text(reading.persona.description)
        with st.popover("Guidelines", icon=":material/menu_book:", type="tertiary"):
            st.text(bench.rules.guidelines or "This workspace has no guidelines yet.", width=480)
        with st.popover("History", icon=":material/history:", type="tertiary"), st.container(width=480):
            history(reading.detail)
        st.button("Note", key="ask-note", type="tertiary", icon=":material/sticky_note_2:", shortcut="N",
                  disabled=asking, on_click=bench.ask, args=("note",))  # fmt: skip
        st.button("Keys", key="ask-keys", type="tertiary", icon=":material/keyboard:", shortcut="K",
                  disabled=asking, on_click=bench.ask, args=("keys",))  # fmt: skip
        with st.popover("Queue", icon=":material/inbox:", type="tertiary"):
            choose_queue(store, bench)
        dismissed(store, reading.detail.findings, lambda: _read_again(store, reading))


def choose_queue(store: ConvStore, bench: Bench) -> None:
    """Which queue, and what a lead does about queues."""
    names = list(bench.queues) or [bench.queue.name]
    here = bench.queue.name
    chosen = st.radio("Work on", names, index=names.index(here) if here in names else 0, key=f"queue-instead-of-{here}")
    if chosen and chosen != here and here in names:
        _change_queue(store, bench, chosen)
    if is_at_least(store.actor, "lead"):
        st.caption("Any filter in Browse becomes a queue: Save as queue.", width="content")
        if here != DEFAULT_QUEUE.name and st.button(
            "Delete this queue", key="delete-queue", type="tertiary", icon=":material/delete:"
        ):
            # Its conversations stay where they are.
            store.desk.delete_queue(here)
            _change_queue(store, bench, DEFAULT_QUEUE.name)
        if st.button("What the team did", key="to-team", type="tertiary", icon=":material/groups:"):
            go("team")


def _change_queue(store: ConvStore, bench: Bench, name: str) -> None:
    bench.choose(store, name)
    # The address names the queue as well, and would bring the one before back.
    if name != DEFAULT_QUEUE.name:
        st.query_params["queue"] = name
    elif "queue" in st.query_params:
        del st.query_params["queue"]
    st.rerun()


def bar(bench: Bench, *, is_reading: bool) -> None:
    """Decide, skip, take back; how far the queue is."""
    resting = bench.asking is not None or not is_reading
    with (
        st.bottom,
        st.container(horizontal_alignment="center"),
        st.container(
            border=True,
            width=820,
            horizontal=True,
            horizontal_alignment="distribute",
            vertical_alignment="center",
            gap="xsmall",
        ),
    ):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            st.button("Approve", key="approve", type="primary", icon=":material/check_circle:", shortcut="A",
                      disabled=resting, on_click=bench.press, args=("approve",))  # fmt: skip
            st.button("Ask for revision", key="revise", icon=":material/edit_note:", shortcut="V",
                      disabled=resting, on_click=bench.ask, args=("revise",))  # fmt: skip
            st.button("Reject", key="reject", icon=":material/cancel:", shortcut="X",
                      disabled=resting, on_click=bench.ask, args=("reject",))  # fmt: skip
            st.button("Skip", key="skip", type="tertiary", icon=":material/skip_next:", shortcut="S",
                      disabled=resting, on_click=bench.press, args=("skip",))  # fmt: skip
            st.button("Undo", key="undo", type="tertiary", icon=":material/undo:", shortcut="U",
                      disabled=bench.asking is not None or not bench.decided,
                      on_click=bench.press, args=("undo",))  # fmt: skip
        _progress(bench)


def _progress(bench: Bench) -> None:
    found = bench.progress
    if found is None:
        return
    everything = found.done_today + found.left
    with st.container(width=190, gap=None):
        left = f"{found.left:,}" if found.left_is_exact else f"over {found.left:,}"
        st.caption(f"{found.done_today_by_me:,} by you · {found.done_today:,} today · {left} left")
        st.progress(found.done_today / everything if everything else 1.0)


def nothing_left(store: ConvStore, bench: Bench) -> None:
    """The queue is empty, or others hold the rest of it."""
    held = bench.progress.held_by_others if bench.progress else 0
    box = st.container(horizontal_alignment="center").container(
        border=True, horizontal_alignment="center", gap="small", width=480
    )
    box.space("small")
    if bench.progress is not None and bench.progress.left:
        box.markdown(":material/group: **Others are reading the rest**", width="content")
        box.caption(f"{held:,} are in somebody's hands. They come back if nobody decides.", width="content")
    else:
        box.markdown(":material/task_alt: **This queue is done**", width="content")
        box.caption("New conversations show up here as they are imported.", width="content")
    box.button("Look again", key="look-again", type="primary", icon=":material/refresh:")
    with box:
        choose_queue(store, bench)


@st.fragment(run_every=_HEARTBEAT_S)
def heartbeat(store: ConvStore, bench: Bench) -> None:
    """Keep what is read in this reviewer's hands while the page is open."""
    if bench.is_waiting:
        st.rerun()
    bench.stay(store)
