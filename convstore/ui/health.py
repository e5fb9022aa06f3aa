"""Whether all is well: the database and the files answer, and what the last import left behind."""

from __future__ import annotations

import time

import streamlit as st

from convstore.core import ConvStore
from convstore.errors import ConvstoreError
from convstore.ui.navigation import link
from convstore.ui.words import counted, moment, plain, sentence

__all__ = ["health"]

_MOST_COUNTED = 100
_LAST_IMPORT = {
    "finished": "Last import finished",
    "queued": "An import waits",
    "running": "An import is on its way",
    "failed": "The last import failed",
    "cancelled": "The last import was cancelled",
    "interrupted": "The last import has not finished",
}


def health(store: ConvStore) -> None:
    """One line a part, a fault with its next step."""
    with st.container(border=True, gap="xsmall", height="stretch"):
        st.markdown("**Health**")
        began = time.perf_counter()
        store.memberships()
        _line("Database answers", _since(began))
        _files(store)
        _imports(store)
        _stuck(store)


def _stuck(store: ConvStore) -> None:
    for line in store.health():
        if line.status != "ok":
            _line(f"{plain(sentence(line.fact))} {plain(line.next_action)}", "", good=False)


def _files(store: ConvStore) -> None:
    began = time.perf_counter()
    try:
        facts = store.files.check()
    except ConvstoreError as error:
        _line("The file store does not answer", error.code, good=False)
        return
    wrong = [fact for fact in facts if fact.status != "ok"]
    for fact in wrong:
        _line(f"{plain(fact.fact)} {plain(fact.next_action)}", "", good=False)
    if not wrong:
        _line("File store answers", _since(began))


def _imports(store: ConvStore) -> None:
    unread = len(store.quarantined(limit=_MOST_COUNTED))
    if unread:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            more = " or more" if unread == _MOST_COUNTED else ""
            st.markdown(_with_icon(f"{counted(unread, 'file')}{more} could not be read", good=False), width="content")
            link("import", "See them" if unread > 1 else "See it", key="see-unread")
    for run in store.imports(limit=1):
        words = _LAST_IMPORT[run.state]
        _line(words, moment(run.finished_at or run.started_at), good=run.state in ("finished", "queued", "running"))


def _line(words: str, value: str, *, good: bool = True) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(_with_icon(words, good=good), width="content")
        if value:
            st.caption(value, width="content")


def _with_icon(words: str, *, good: bool) -> str:
    return f":green[:material/check_circle:] {words}" if good else f":orange[:material/error:] {words}"


def _since(began_s: float) -> str:
    return f"{1000 * (time.perf_counter() - began_s):.0f} ms"
