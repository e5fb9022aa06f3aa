"""The audit as sentences: who did what, lately and to one conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from convstore.model import Event
from convstore.queries.imports import ImportRun
from convstore.ui.status import ACTIONS, FINDINGS
from convstore.ui.words import counted

__all__ = ["Doing", "latest", "verb_of"]

#: Deeds of one person in one kind are told as one while they are no further apart than this.
_APART = timedelta(hours=1)

_VERBS: Mapping[str, str] = {
    "replaced": "replaced",
    "edited": "edited",
    "trashed": "moved to the trash",
    "restored": "took out of the trash",
    "deleted": "deleted for good",
    "undone": "put back",
    "reviewed": "scored",
    "review withdrawn": "took a review back of",
}
_STATUS_VERBS = {
    **{status: action.done for status, action in ACTIONS.items()},
    "needs_revision": "asked for revision of",
}


@dataclass(slots=True)
class Doing:
    """One kind of deed by one person within an hour. `at` is the newest."""

    who: str
    verb: str
    at: datetime
    names: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    count: int | None = None

    @property
    def what(self) -> str:
        """The one conversation's name, or how many."""
        if self.count is not None:
            return counted(self.count, "conversation")
        if len(self.names) == 1 and not self.is_cut:
            return next(iter(self.names.values()))
        return counted(len(self.names), "conversation") + (" or more" if self.is_cut else "")


def latest(events: Iterable[Event], imports: Iterable[ImportRun], *, fetched: int) -> list[Doing]:
    """Deeds and imports, newest first; `fetched` is how many events were asked for."""
    stored = [
        Doing(run.person or "convstore", "imported", run.finished_at, count=count)
        for run in imports
        if run.finished_at and (count := run.totals.get("stored", 0) + run.totals.get("replaced", 0))
    ]
    return sorted([*_gather(events, fetched=fetched), *stored], key=lambda doing: doing.at, reverse=True)


def verb_of(event: Event) -> str | None:
    """What somebody did to a conversation; None for what is no deed on a conversation."""
    if event.action == "status":
        return _STATUS_VERBS.get(str(event.after.get("status")))  # type: ignore[call-overload,no-any-return]
    if event.action == "findings update":
        name = FINDINGS.get(event.subject or "", "a finding").lower()
        return f"dismissed {name} of" if event.after.get("dismissed_reason") else f"let {name} stand again of"
    return _VERBS.get(event.action)


def _gather(events: Iterable[Event], *, fetched: int) -> list[Doing]:
    """Events, newest first, as deeds, newest first. Imports tell of what was created themselves."""
    events = list(events)
    decided = {(event.batch_id, event.conversation_id) for event in events if event.action == "status"}
    doings: list[Doing] = []
    open_doings: dict[tuple[str, str], Doing] = {}
    for event in events:
        verb = verb_of(event)
        # A decision with scores is one deed, not two.
        if verb is None or (event.action == "reviewed" and (event.batch_id, event.conversation_id) in decided):
            continue
        who = event.actor or "convstore"
        doing = open_doings.get((who, verb))
        if doing is None or doing.at - event.at > _APART:
            doing = open_doings[who, verb] = Doing(who, verb, event.at)
            doings.append(doing)
        identifier = event.conversation_id or str(event.conversation_row_id)
        doing.names[identifier] = event.conversation_name or identifier
    if len(events) == fetched and events:
        last = open_doings.get((events[-1].actor or "convstore", verb_of(events[-1]) or ""))
        if last is not None:
            last.is_cut = True
    return doings
