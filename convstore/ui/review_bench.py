"""The reviewer's desk in one session: what is read now, what waits behind it, what was decided. Shows nothing.

Buttons and keys only leave a word in `pressed`; the next run carries it out, because there errors have a place.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import streamlit as st

from convstore.core import ConvStore
from convstore.model import BatchOutcome, ConversationDetail, Status
from convstore.review.changes import TurnChange
from convstore.review.desk import ReviewRules
from convstore.review.drafts import Persona
from convstore.review.queues import DEFAULT_QUEUE, Progress, Queue
from convstore.ui.status import ACTIONS
from convstore.ui.words import counted, plain, sentence

__all__ = ["Bench", "Changed", "Reading", "bench_of"]

#: The conversation on screen and the next three.
_STOCK = 4
_MOST_UNDO = 50
#: Longer without a sign of life, and the reviewer was elsewhere: that time is not counted as reading.
_IDLE_S = 600.0
_HOLD_S = 60.0
#: What others decide shows on the bar after at most so long; what this person decides is there at once.
_COUNT_S = 10.0
#: A control that is given another value is another control: a browser that lags behind can't send the old one back.
_editions = count()


@dataclass(slots=True)
class Reading:
    """One conversation on the desk, with what this reviewer has said of it so far."""

    detail: ConversationDetail
    exclusions: frozenset[int]
    persona: Persona | None
    scores: dict[str, float]
    note: str
    turn_notes: dict[int, str]
    seconds: float
    seen_at_s: float | None = None
    controls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, store: ConvStore, row: UUID, said: Mapping[str, Any] | None = None) -> Reading:
        """Read a conversation with its draft, or with what was said before it was decided."""
        detail = store.get(str(row))
        beside = store.desk.beside(row)
        draft = said if said is not None else beside.draft or {}
        is_same = draft.get("turns_sha256", detail.conversation.turns_sha256) == detail.conversation.turns_sha256
        return cls(
            detail=detail,
            exclusions=beside.exclusions,
            persona=beside.persona,
            # Scores of turns that are gone are no scores of these.
            scores={name: float(value) for name, value in draft.get("scores", {}).items()} if is_same else {},
            note=draft.get("note", ""),
            turn_notes={int(n): text for n, text in draft.get("turn_notes", {}).items()} if is_same else {},
            seconds=float(draft.get("seconds", 0)),
        )

    @property
    def row(self) -> UUID:
        """The row id."""
        return self.detail.conversation.id

    def as_draft(self) -> dict[str, Any]:
        """What was said, as the database keeps it."""
        return {
            "scores": self.scores,
            "note": self.note,
            "turn_notes": {str(number): text for number, text in self.turn_notes.items()},
            "seconds": round(self.seconds),
            "turns_sha256": self.detail.conversation.turns_sha256,
        }

    def tick(self) -> None:
        """Count the time since the last sign of life."""
        now = time.monotonic()
        if self.seen_at_s is not None:
            self.seconds += min(now - self.seen_at_s, _IDLE_S)
        self.seen_at_s = now

    def control(self, name: str) -> str:
        """The key of the control of a score or the note: a new one whenever its value comes from elsewhere."""
        return self.controls.setdefault(name, f"{name}-{self.row}-{next(_editions)}")

    def give(self, name: str, value: float) -> None:
        """Score by a key or a button; the control follows."""
        self.scores[name] = value
        self.controls.pop(name, None)

    def chose(self, name: str, control: str) -> None:
        """Take over what was chosen in the control of a score."""
        value = st.session_state.get(control)
        if value is None:
            self.scores.pop(name, None)
        else:
            self.scores[name] = value

    def listen(self) -> None:
        """Take over what the note says."""
        self.note = st.session_state.get(self.control("note"), self.note)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of this session that can be taken back."""

    batch_id: UUID
    row: UUID
    said: Mapping[str, Any]
    words: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What is different from what was read; `changes` is None where the old turns are not kept."""

    changes: tuple[TurnChange, ...] | None


@dataclass(slots=True)
class Bench:
    """Everything that a session keeps about reviewing."""

    queue: Queue
    rules: ReviewRules
    stock: list[Reading] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    progress: Progress | None = None
    counted_at_s: float = 0.0
    queues: tuple[str, ...] = ()
    held_at_s: float = 0.0
    asking: str | None = None
    changed: Changed | None = None
    pressed: str | None = None
    shown: str | None = None
    reasons: set[str] = field(default_factory=set)
    edition: int = 0

    @property
    def reading(self) -> Reading | None:
        """What is on screen."""
        return self.stock[0] if self.stock else None

    @property
    def is_waiting(self) -> bool:
        """True if no run of the page has carried out what was pressed: keys may arrive in a fragment's run."""
        return self.pressed is not None or self.asking != self.shown

    def press(self, what: str) -> None:
        """Remember a button or key; for `on_click`."""
        self.pressed = what

    def ask(self, what: str) -> None:
        """Open a question; for `on_click`."""
        self.asking = what
        self.reasons = set()
        self.edition = next(_editions)

    def stop_asking(self) -> None:
        """Close the question; for `on_dismiss`."""
        self.asking = None
        self.changed = None

    def act(self, store: ConvStore) -> None:
        """Carry out what was pressed."""
        pressed, self.pressed = self.pressed, None
        if self.reading is not None:
            self.reading.listen()
            self.reading.tick()
        if pressed == "approve" and self.reading is not None:
            self.decide(store, "approved")
        elif pressed == "skip" and self.reading is not None:
            store.desk.skip(self.stock.pop(0).row)
        elif pressed == "undo" and self.decided:
            self._undo(store)
        self.shown = self.asking

    def decide(
        self, store: ConvStore, status: Status, *, reasons: tuple[str, ...] = (), why: str = "", turn: int | None = None
    ) -> None:
        """Send the decision about what is on screen; the next one takes its place."""
        reading = self.stock[0]
        if why and turn is not None:
            reading.turn_notes[turn] = why
        elif why:
            reading.note = f"{reading.note}\n{why}".strip()
        row = str(reading.row)
        result = store.review(
            [row],
            status=status,
            scores=reading.scores,
            note=reading.note or None,
            reasons=reasons,
            turn_notes=reading.turn_notes,
            seconds=round(reading.seconds),
            read={row: reading.detail.conversation.turns_sha256},
            as_review=True,
        )
        self.asking = None
        (outcome,) = result.items
        if _is_changed(outcome):
            self._show_changes(store, reading)
            return
        self.stock.pop(0)
        done = outcome.outcome == "done"
        words = f"{plain(reading.detail.conversation.conversation_name)}: " + (
            ACTIONS[status].done if done else plain(outcome.reason or "nothing to change")
        )
        if done or "your review is kept" in (outcome.reason or ""):
            self.decided = [
                *self.decided[-_MOST_UNDO:],
                Decided(result.batch_id, reading.row, reading.as_draft(), words),
            ]
        st.session_state["news"] = sentence(words)
        self._count(1 if done else 0)

    def _show_changes(self, store: ConvStore, reading: Reading) -> None:
        before = reading.detail
        fresh = Reading.open(store, reading.row, {"note": reading.note, "seconds": reading.seconds})
        changes = store.desk.changes(
            fresh.detail, before.conversation.turns_sha256, read_turns=before.turns
        )  # fmt: skip
        self.stock[0] = fresh
        self.asking, self.changed = "changed", Changed(changes)

    def _undo(self, store: ConvStore) -> None:
        last = self.decided.pop()
        undone = store.undo(last.batch_id)
        if not undone.undone:
            why = undone.left_alone[0][1] if undone.left_alone else "there is nothing to undo"
            st.session_state["news"] = f"Left as it is: {plain(why)}."
            return
        st.session_state["news"] = "Taken back. Your scores are as they were."
        store.desk.take(last.row)
        reading = Reading.open(store, last.row, last.said)
        store.desk.save_draft(last.row, reading.as_draft())
        self.stock = [reading, *(other for other in self.stock if other.row != last.row)]
        self._count(-1)

    def _count(self, done: int) -> None:
        # Until the database is asked again: what this person did is on screen at once.
        if self.progress is not None:
            self.progress = Progress(
                left=max(0, self.progress.left - done),
                left_is_exact=self.progress.left_is_exact,
                done_today=max(0, self.progress.done_today + done),
                done_today_by_me=max(0, self.progress.done_today_by_me + done),
                held_by_others=self.progress.held_by_others,
            )

    def fill(self, store: ConvStore) -> None:
        """Have the next ones ready, and drop what is no longer this reviewer's to read."""
        rows = store.desk.next(self.queue, count=_STOCK)
        self.held_at_s = time.monotonic()
        ready = {reading.row: reading for reading in self.stock}
        first = self.reading
        if first is not None:
            # What is being read stays on screen whatever happens to it; the decision tells.
            rows = (first.row, *(row for row in rows if row != first.row))[:_STOCK]
        self.stock = [ready[row] if row in ready else Reading.open(store, row) for row in rows]
        if self.progress is None or not rows or time.monotonic() - self.counted_at_s > _COUNT_S:
            self.count(store)

    def count(self, store: ConvStore) -> None:
        """Ask how far the queue is and which others there are: seldom, because every decision would wait for it."""
        self.progress = store.desk.progress(self.queue)
        self.queues = tuple(queue.name for queue in store.desk.queues())
        self.counted_at_s = time.monotonic()

    def stay(self, store: ConvStore) -> None:
        """Keep what is read in this reviewer's hands, unless that was done a moment ago."""
        if time.monotonic() - self.held_at_s > _HOLD_S:
            store.desk.keep_alive()
            self.held_at_s = time.monotonic()

    def choose(self, store: ConvStore, name: str) -> None:
        """Work on another queue."""
        if name != self.queue.name:
            store.desk.give_back()
            self.queue, self.stock, self.progress = store.desk.queue(name), [], None

    def save_draft(self, store: ConvStore) -> None:
        """Keep what was said so far, beyond this session."""
        if self.reading is not None:
            self.reading.listen()
            store.desk.save_draft(self.reading.row, self.reading.as_draft())

    def position(self) -> str:
        """12 by you today · 37 by everybody · 63 left."""
        if self.progress is None:
            return ""
        found = self.progress
        left = f"{found.left:,}" if found.left_is_exact else f"more than {found.left:,}"
        return f"{counted(found.done_today, 'decision')} today, {found.done_today_by_me:,} by you · {left} left"


def _is_changed(outcome: BatchOutcome) -> bool:
    return outcome.reason == "its turns changed after they were read"


def bench_of(store: ConvStore) -> Bench:
    """The desk of this session's person in this workspace."""
    key = f"bench-{store.actor.workspace_id}-{store.actor.user_id}"
    if key not in st.session_state:
        st.session_state[key] = Bench(queue=DEFAULT_QUEUE, rules=store.desk.rules())
    bench: Bench = st.session_state[key]
    return bench
