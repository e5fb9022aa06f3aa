"""The audit as sentences: who did what, lately and to one conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from convstore.model import Event
from convstore.ui.status import ACTIONS
from convstore.ui.words import counted

__all__ = ["Doing", "gather", "verb_of"]

#: Deeds of one person in one kind are told as one while they are no further apart than this.
_APART = timedelta(hours=1)

_VERBS: Mapping[str, str] = {
    "created": "imported",
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

    @property
    def what(self) -> str:
        """The one conversation's name, or how many."""
        if len(self.names) == 1 and not self.is_cut:
            return next(iter(self.names.values()))
        return counted(len(self.names), "conversation") + (" or more" if self.is_cut else "")


def verb_of(event: Event) -> str | None:
    """What somebody did to a conversation; None for what is no deed on a conversation."""
    if event.action == "status":
        return _STATUS_VERBS.get(str(event.after.get("status")))  # type: ignore[call-overload,no-any-return]
    return _VERBS.get(event.action)


def gather(events: Iterable[Event], *, fetched: int) -> list[Doing]:
    """Events, newest first, as deeds, newest first; `fetched` is how many were asked for."""
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
