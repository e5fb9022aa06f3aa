"""Deciding about rows: the buttons, what was decided last, and the way back. The question has a module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Conversation, Filter, Status, UndoResult
from convstore.rights import may
from convstore.ui.filters import clear
from convstore.ui.status import ACTIONS
from convstore.ui.words import number, plain, total
from convstore.ui.working import Tell, Work

__all__ = [
    "Asked",
    "Done",
    "Listed",
    "ask",
    "begin",
    "buttons",
    "forget_question",
    "is_asking",
    "is_open",
    "last_done",
    "remember",
    "running",
    "say_what_happened",
    "take_back",
    "undo_button",
]

_AT_HAND: tuple[Status, ...] = ("approved", "rejected")
_IN_MENU: tuple[Status, ...] = ("needs_revision", "pending_review", "archived")
#: Work is waited for so long, on no more rows than these a little longer; then it shows how far it is.
_FEW_ROWS = 1000
_FEW_S = 5.0
_AT_ONCE_S = 1.5
_LOOK_S = 0.7


@dataclass(frozen=True, slots=True)
class Listed:
    """All rows of the list that is on screen, seen or not."""

    wanted: Filter
    total: int
    is_exact: bool

    @property
    def words(self) -> str:
        """All 1,284, or all of more than 10,000."""
        return f"All {number(self.total)}" if self.is_exact else f"All, {total(self.total, False)},"


@dataclass(slots=True)
class Asked:
    """A decision that waits for its confirmation: about rows, or about everything that a filter means."""

    status: Status
    conversations: tuple[Conversation, ...]
    everything: Filter | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What was decided last; `batch_id` is None where there is nothing to undo.

    `rows` were changed; `left_alone` are reasons with their counts, `named` the ids of the first of those rows.
    """

    words: str
    batch_id: UUID | None
    rows: int = 1
    left_alone: tuple[tuple[str, int], ...] = ()
    named: tuple[str, ...] = ()


def ask(status: Status, conversations: Sequence[Conversation], everything: Filter | None = None) -> None:
    """Ask before moving conversations to a status; for `on_click`."""
    st.session_state["asked"] = Asked(status, tuple(conversations), everything)


def is_asking() -> bool:
    """True while a question is open: shortcuts of the page behind it must rest."""
    return "asked" in st.session_state


def forget_question() -> None:
    """Close the question; for `on_dismiss`."""
    st.session_state.pop("asked", None)


def buttons(store: ConvStore, selected: Sequence[Conversation], listed: Listed) -> None:
    """What can be done about the selected rows, or about all that there are; what was done last."""
    work: Work | None = st.session_state.get("work")
    if work is not None:
        running()
        return
    if not may(store.actor.role, "review"):
        return
    everything = st.session_state.get("everything") == listed.wanted
    if everything:
        st.markdown(f"**{listed.words} selected**", width="content")
        _moves(store, (), listed.wanted)
        st.button("Select none", key="select-none", type="tertiary", on_click=_select_none, disabled=is_asking())
        return
    if selected:
        st.markdown(f"**{number(len(selected))} selected**", width="content")
        _moves(store, selected, None)
    elif _is_told(last_done()):
        st.caption("Select rows to decide about them", width="content")
    else:
        undo_button(store)
        if done := last_done():
            _left_alone(done)
    if listed.total > len(selected):
        words = f"Select {listed.words[:1].lower()}{listed.words[1:]}".rstrip(",")
        st.button(words, key="select-all", type="tertiary", on_click=_select_all, args=(listed.wanted,),
                  icon=":material/select_all:", disabled=is_asking())  # fmt: skip


def _select_all(wanted: Filter) -> None:
    st.session_state["everything"] = wanted
    st.session_state["table"] = st.session_state.get("table", 0) + 1


def _select_none() -> None:
    st.session_state.pop("everything", None)


def _moves(store: ConvStore, selected: Sequence[Conversation], everything: Filter | None) -> None:
    for status in _AT_HAND:
        action = ACTIONS[status]
        st.button(
            action.verb,
            key=f"do-{status}",
            icon=action.icon,
            shortcut=action.shortcut,
            disabled=is_asking(),
            on_click=ask,
            args=(status, selected, everything),
        )
    st.menu_button(
        "More",
        [status for status in _IN_MENU if status != "archived" or may(store.actor.role, "archive")],
        format_func=lambda status: f"{ACTIONS[status].icon} {ACTIONS[status].verb}",
        key="more",
        disabled=is_asking(),
        on_click=_ask_from_menu,
        args=(selected, everything),
    )


def _ask_from_menu(selected: Sequence[Conversation], everything: Filter | None) -> None:
    ask(st.session_state["more"], selected, everything)


def begin(work: Work, rows: int) -> None:
    """Let work on so many rows run beside the screen; what is done in a moment is shown at once."""
    st.session_state["work"] = work
    work.wait(_FEW_S if rows <= _FEW_ROWS else _AT_ONCE_S)
    st.rerun()


@st.fragment(run_every=_LOOK_S)
def running() -> None:
    """How far the work is. The page may be left; it says the outcome when somebody is back."""
    work: Work | None = st.session_state.get("work")
    if work is None or not work.is_running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width=560):
        of = f"{number(work.done)} of {number(work.total)}" if work.total else "counting"
        st.progress(work.done / work.total if work.total else 0.0, text=f"{work.words}: {of}", width=420)
        st.button("Stopping" if work.is_stopping else "Stop", key="stop-work", type="tertiary", icon=":material/stop:",
                  disabled=work.is_stopping, on_click=work.stop)  # fmt: skip


def is_open() -> bool:
    """True if work runs or something can be taken back: the bar is needed even where no row is left on screen."""
    return "work" in st.session_state or not _is_told(last_done())


def last_done() -> Done | None:
    """What was decided last."""
    return st.session_state.get("done")


def remember(
    words: str,
    batch_id: UUID | None,
    *,
    rows: int = 1,
    left_alone: Sequence[tuple[str, int]] = (),
    named: Sequence[str] = (),
) -> None:
    """Keep what happened, to be said in the next run; the table's selection is used up."""
    st.session_state["done"] = Done(words, batch_id, rows, tuple(left_alone), tuple(named))
    st.session_state["news"] = words
    st.session_state["table"] = st.session_state.get("table", 0) + 1
    _select_none()


def say_what_happened() -> None:
    """Say once what the last run did, or what ended since."""
    work: Work | None = st.session_state.get("work")
    if work is not None and not work.is_running:
        del st.session_state["work"]
        if not work.settle():
            st.session_state["news"] = "Stopped. Nothing was changed."
    news = st.session_state.pop("news", None)
    if news:
        st.toast(news)


def undo_button(store: ConvStore) -> None:
    """What happened last, what was left alone, and a button that takes it back."""
    done = last_done()
    if done is None or _is_told(done) or "work" in st.session_state:
        return
    st.caption(done.words, width="content")
    if done.batch_id is not None and st.button(
        "Undo", key="undo", type="tertiary", icon=":material/undo:", shortcut="U", disabled=is_asking()
    ):
        take_back(store, done.batch_id, done.rows)


def take_back(store: ConvStore, batch_id: UUID, rows: int) -> None:
    """Take a batch of so many decisions back, beside the screen."""

    def undo(tell: Tell) -> _Outcome:
        return _Outcome(store.undo(batch_id, progress=tell))

    begin(Work("Undoing", undo), rows)


def _is_told(done: Done | None) -> bool:
    """True if there is nothing to take back and nobody to name."""
    return done is None or (done.batch_id is None and not done.left_alone)


def _left_alone(done: Done) -> None:
    if not done.left_alone:
        return
    count = sum(times for _, times in done.left_alone)
    with st.popover("Left alone", icon=":material/rule:", type="tertiary"), st.container(width=420, gap="xsmall"):
        for reason, times in done.left_alone:
            st.text(f"{number(times)}: {reason}")
        words = "Show them" if count == len(done.named) else f"Show the first {number(len(done.named))}"
        st.button(words, key="show-left-alone", type="tertiary", icon=":material/arrow_forward:", on_click=_show,
                  args=(done.named,))  # fmt: skip


def _show(identifiers: Sequence[str]) -> None:
    clear()
    st.query_params["id"] = list(identifiers)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What an undo did."""

    undone: UndoResult

    def __call__(self) -> None:
        """Say it; what was left alone stays at hand."""
        reasons: dict[str, int] = {}
        for _, reason in self.undone.left_alone:
            reasons[reason] = reasons.get(reason, 0) + 1
        words = f"{number(self.undone.undone)} put back."
        if reasons:
            why = max(reasons, key=lambda reason: reasons[reason])
            words += f" {number(len(self.undone.left_alone))} left alone: {plain(why)}."
        named = [identifier for identifier, _ in self.undone.left_alone[:100]]
        remember(words, None, left_alone=tuple(reasons.items()), named=named)
