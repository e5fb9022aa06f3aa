"""The Audit part of the System screen: who did what to what, filtered, and as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pandas as pd
import streamlit as st

from convstore.core import ConvStore
from convstore.model import Event
from convstore.ui.charts import csv_button
from convstore.ui.status import STATUSES
from convstore.ui.words import local_zone, prettified

__all__ = ["audit_section"]

_PAGE = 50
#: Rows of a file; who needs more asks the database.
_MOST_ROWS = 10_000
_ACTIONS = (
    "created", "replaced", "edited", "status", "undone", "reviewed", "review withdrawn", "trashed", "restored",
    "deleted", "archived", "unarchived", "workspace_members insert", "workspace_members update",
    "workspace_members delete", "releases insert", "releases update", "retention_policies insert",
    "retention_policies update", "retention_policies delete", "workspaces update", "uploads discarded",
)  # fmt: skip
_COLUMNS = ("When", "Who", "What", "Of", "Before", "After", "Note", "Batch")
#: What tells people nothing; the file has it.
_TECHNICAL = re.compile(r"(^|_)(id|sha256|paths?)$")
#: A value that is longer than this is cut on the screen; the file has it whole.
_MOST_CHARS = 40


def audit_section(store: ConvStore) -> None:
    """Show the newest events; filters narrow them, older ones follow by page."""
    people = {member.user_id: member.name for member in store.members()[0] if member.user_id is not None}
    which, who, file = st.columns([2, 2, 1], vertical_alignment="bottom")
    action = which.selectbox(
        "What", _ACTIONS, index=None, placeholder="Everything", format_func=prettified, key="audit-action"
    )
    person = who.selectbox(
        "Who", list(people), index=None, placeholder="Everybody", format_func=people.__getitem__, key="audit-person"
    )
    # Pages belong to the filters that they were turned under.
    filters = (action, person)
    if st.session_state.get("audit-filters") != filters:
        st.session_state["audit-filters"], st.session_state["audit-pages"] = filters, []
    pages: list[int] = st.session_state["audit-pages"]
    events = store.events(action=action, actor_id=person, before_id=pages[-1] if pages else None, limit=_PAGE + 1)
    if not events:
        st.caption("Nothing like that has happened.")
        return
    with file:
        csv_button("audit", _COLUMNS, _Rows(store, action, person))
    shown = events[:_PAGE]
    st.dataframe(
        pd.DataFrame([_shown(event) for event in shown]),
        hide_index=True,
        row_height=31,
        height="content",
        alt="Events",
        column_config={
            "When": st.column_config.TextColumn("When", width=140),
            "Of": st.column_config.TextColumn("Of", width=300),
            "Change": st.column_config.TextColumn("Change", width=360),
        },
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("Newer", key="audit-newer", disabled=not pages):
            pages.pop()
            st.rerun()
        if st.button("Older", key="audit-older", disabled=len(events) <= _PAGE):
            pages.append(shown[-1].id)
            st.rerun()


class _Rows:
    """The rows of the file, fetched when somebody asks for it."""

    def __init__(self, store: ConvStore, action: str | None, person: UUID | None) -> None:
        self._store, self._action, self._person = store, action, person

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        before, rows = None, 0
        while rows < _MOST_ROWS:
            page = self._store.events(action=self._action, actor_id=self._person, before_id=before, limit=500)
            yield from map(_row, page)
            if not page:
                return
            rows, before = rows + len(page), page[-1].id


def _shown(event: Event) -> dict[str, str]:
    when, who, what, subject, *_ = map(str, _row(event))
    return {
        "When": when,
        "Who": who,
        "What": prettified(what),
        "Of": subject,
        "Change": _change(event),
        "Note": event.note or "",
    }


def _change(event: Event) -> str:
    """What differs, in few words: Approved to To review."""
    words: Mapping[Any, str] = {status: look.word for status, look in STATUSES.items()}
    before, after = event.before.get("status"), event.after.get("status")
    if before in words and after in words:
        return f"{words[before]} → {words[after]}"
    names = [
        name
        for name in {**event.before, **event.after}
        if event.before.get(name) != event.after.get(name) and not _TECHNICAL.search(name)
    ]
    return " · ".join(f"{prettified(name)} {_from_to(event, name)}" for name in names)


def _from_to(event: Event, name: str) -> str:
    if name in event.before and name in event.after:
        return f"{_cut(event.before[name])} → {_cut(event.after[name])}"
    return _cut(event.after.get(name, event.before.get(name)))


def _cut(value: object) -> str:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return words if len(words) <= _MOST_CHARS else f"{words[:_MOST_CHARS]}…"


def _row(event: Event) -> tuple[object, ...]:
    subject = event.conversation_name or event.subject or event.before.get("conversation_id") or ""
    return (
        f"{event.at.astimezone(local_zone()):%Y-%m-%d %H:%M:%S}",
        event.actor or "somebody",
        event.action,
        str(subject),
        json.dumps(dict(event.before), ensure_ascii=False) if event.before else "",
        json.dumps(dict(event.after), ensure_ascii=False) if event.after else "",
        event.note or "",
        str(event.batch_id or ""),
    )
