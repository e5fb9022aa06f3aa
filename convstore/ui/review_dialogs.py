"""The questions of the review: why rejected, what to revise, a note on a turn, what changed, which keys there are."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Turn
from convstore.ui.guard import guard
from convstore.ui.review_bench import Bench, Reading
from convstore.ui.words import plain

__all__ = ["dialog_if_asked"]

_SHOWN_CHARACTERS = 60
_KEYS = (
    ("1 to 5", "Score the dimension that is marked"),
    ("H", "Half a point more for the last score"),
    ("B · F", "Back to the dimension before · on to the next"),
    ("A", "Approve"),
    ("V", "Ask for revision"),
    ("X", "Reject"),
    ("S", "Skip: it comes back when nothing else is left"),
    ("U", "Undo the last decision, and the one before"),
    ("N", "Note on a turn, or leave it out of training"),
    ("K", "This help"),
    ("Tab", "Leave a text field: keys rest while you type in one"),
    ("Ctrl+Enter", "Send what a question asks · Esc closes it"),
)


def dialog_if_asked(store: ConvStore, bench: Bench) -> None:
    """Show the open question."""
    reading = bench.reading
    if bench.asking is None or reading is None:
        return
    title, icon, body = _QUESTIONS[bench.asking]

    @st.dialog(title, icon=icon, width="medium", on_dismiss=bench.stop_asking)
    def question() -> None:
        with guard(retry=False):
            body(store, bench, reading)

    question()


def _reject(store: ConvStore, bench: Bench, reading: Reading) -> None:
    st.caption("Why? Any number of reasons.")
    for index, reason in enumerate(bench.rules.reject_reasons, start=1):
        chosen = reason in bench.reasons
        st.button(
            plain(reason),
            key=f"reason-{index}",
            type="tertiary",
            icon=":material/check_box:" if chosen else ":material/check_box_outline_blank:",
            shortcut=str(index) if index <= 9 else None,
            on_click=_toggle,
            args=(bench, reason),
        )
    why = st.text_area("In your own words", key=f"why-{bench.edition}", max_chars=2000, height=90)
    if _send(bench, "Reject", ":material/cancel:"):
        reasons = tuple(reason for reason in bench.rules.reject_reasons if reason in bench.reasons)
        bench.decide(store, "rejected", reasons=reasons, why=why or "")
        st.rerun()


def _toggle(bench: Bench, reason: str) -> None:
    bench.reasons ^= {reason}


def _revise(store: ConvStore, bench: Bench, reading: Reading) -> None:
    why = st.text_area("What is wrong?", key=f"wrong-{bench.edition}", max_chars=2000, height=110)
    turn = _turn("On which turn?", reading, key=f"wrong-turn-{bench.edition}")
    is_sent = _send(bench, "Ask for revision", ":material/edit_note:")
    if is_sent and not (why or "").strip():
        st.warning("Say what is wrong: somebody has to mend it.", icon=":material/edit_note:")
    elif is_sent:
        bench.decide(store, "needs_revision", why=why or "", turn=turn)
        st.rerun()


def _note(store: ConvStore, bench: Bench, reading: Reading) -> None:
    turn = _turn("Turn", reading, key=f"note-turn-{bench.edition}", of_whole=False)
    if turn is None:
        return
    text = st.text_area(
        "Note on this turn",
        value=reading.turn_notes.get(turn, ""),
        key=f"turn-note-{bench.edition}-{turn}",
        max_chars=2000,
        height=110,
    )
    left_out = st.checkbox(
        "Leave this message out of training", value=turn in reading.exclusions, key=f"out-{bench.edition}-{turn}"
    )
    if _send(bench, "Keep", ":material/check:"):
        if (text or "").strip():
            reading.turn_notes[turn] = text.strip()
        else:
            reading.turn_notes.pop(turn, None)
        if left_out and turn not in reading.exclusions:
            store.desk.exclude_turn(reading.row, turn, reading.detail.conversation.turns_sha256)
        elif not left_out and turn in reading.exclusions:
            store.desk.include_turn(reading.row, turn)
        reading.exclusions = store.desk.exclusions(reading.row)
        bench.save_draft(store)
        bench.stop_asking()
        st.rerun()


def _changed(store: ConvStore, bench: Bench, reading: Reading) -> None:
    st.markdown("**Nothing was decided: the turns are not those that you read.** Your note is kept.")
    changes = bench.changed.changes if bench.changed else None
    if changes is None:
        st.caption("The turns as you read them are not kept any more.")
    for change in changes or ():
        st.caption(f"Turn {change.turn_number}")
        before, after = st.columns(2, gap="small")
        for column, word, turn in ((before, "You read", change.before), (after, "Now", change.after)):
            with column.container(border=True):
                st.caption(word)
                st.text(turn.content if turn else "This turn is not there.")
    if st.button("Read it again", type="primary", icon=":material/refresh:", shortcut="Ctrl+Enter"):
        bench.stop_asking()
        st.rerun()


def _keys(store: ConvStore, bench: Bench, reading: Reading) -> None:
    for key, says in _KEYS:
        with st.container(horizontal=True, gap="small"):
            st.markdown(f"**{key}**", width=110)
            st.markdown(says, width="stretch")


def _turn(label: str, reading: Reading, *, key: str, of_whole: bool = True) -> int | None:
    """Choose a turn; the last reply stands first in line, because that is where most things break."""
    turns = {turn.turn_number: turn for turn in reading.detail.turns}
    found = [number for finding in reading.detail.findings if (number := finding.turn_number) in turns]
    replies = [turn.turn_number for turn in reading.detail.turns if turn.role == "assistant"]
    options: list[int | None] = [*([None] if of_whole else []), *turns]
    first = next(iter((*found, *reversed(replies))), None)
    return st.selectbox(
        label,
        options,
        index=options.index(first) if first in options and not of_whole else 0,
        format_func=lambda number: "The whole conversation" if number is None else _first_words(turns[number]),
        key=key,
    )


def _first_words(turn: Turn) -> str:
    text = " ".join(turn.content.split())
    text = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return f"{turn.turn_number} · {turn.role}: {text}"


def _send(bench: Bench, label: str, icon: str) -> bool:
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Cancel", type="tertiary"):
            bench.stop_asking()
            st.rerun()
        return st.button(label, type="primary", icon=icon, shortcut="Ctrl+Enter")


_QUESTIONS: dict[str, tuple[str, str, Callable[[ConvStore, Bench, Reading], None]]] = {
    "reject": ("Reject", ":material/cancel:", _reject),
    "revise": ("Ask for revision", ":material/edit_note:", _revise),
    "note": ("Note on a turn", ":material/sticky_note_2:", _note),
    "changed": ("The turns changed", ":material/difference:", _changed),
    "keys": ("Keys", ":material/keyboard:", _keys),
}
