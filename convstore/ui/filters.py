"""The filter form in the sidebar: the same block on every screen that shows a part of the set.

The values live in the address, so a filter can be sent to somebody and survives a reload.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.ui.address import EXTRAS, WIDGETS, Vocabulary, extra_params, params_of
from convstore.ui.navigation import go
from convstore.ui.words import moment, number, plain, prettified

__all__ = ["address", "clear", "filter_form", "is_empty", "names_of", "show_conversations", "vocabulary_of"]

_LOWEST, _HIGHEST = 1.0, 5.0
_AWAITED = "awaited-filter"
_SCAFFOLDING = {"persona": "personas", "arc": "emotional_arcs", "topic": "training_topics"}
_EMPTY: dict[str, Any] = {
    "text": "",
    "status": [],
    "persona": [],
    "arc": [],
    "topic": [],
    "tier": [],
    "finding": [],
    "quality": (_LOWEST, _HIGHEST),
}


def names_of(store: ConvStore) -> Vocabulary:
    """The words of this workspace's codes, for who only reads them."""
    named = store.scaffolding()
    return Vocabulary.of({axis: named.get(kind, {}) for axis, kind in _SCAFFOLDING.items()})


def vocabulary_of(store: ConvStore) -> Vocabulary:
    """`names_of`, and the keys that conversations carry without a name: a filter can mean each of them."""
    named, used = store.scaffolding(), store.facets().counts
    return Vocabulary.of(
        {
            axis: {**{key: prettified(key) for key in used.get(axis, ())}, **named.get(kind, {})}
            for axis, kind in _SCAFFOLDING.items()
        }
    )


def filter_form(store: ConvStore, vocabulary: Vocabulary) -> Filter:
    """Show the form; the filter that it says."""
    for name, value in st.session_state.pop(_AWAITED, {}).items():
        st.session_state[name] = value
    with st.sidebar:
        text = st.text_input(
            "Search",
            key="text",
            placeholder="Words in any turn",
            icon=":material/search:",
            bind="query-params",
            max_chars=500,
        )
        statuses = _pills("Status", "status", vocabulary)
        personas = _choices("Persona", "persona", vocabulary)
        arcs = _choices("Arc", "arc", vocabulary)
        topics = _choices("Topic", "topic", vocabulary)
        tiers = _pills("Tier", "tier", vocabulary)
        findings = _choices("Finding", "finding", vocabulary)
        found = st.container()
        low, high = st.slider(
            "Quality",
            _LOWEST,
            _HIGHEST,
            (_LOWEST, _HIGHEST),
            step=0.1,
            format="%.1f",
            key="quality",
            bind="query-params",
        )
        extras = address()
        _also(extras)
        wanted = Filter(
            text=(text or "").strip() or None,
            statuses=statuses,
            personas=personas,
            arcs=arcs,
            topics=topics,
            tiers=tiers,
            findings=findings,
            min_quality=Decimal(str(low)) if low > _LOWEST else None,
            max_quality=Decimal(str(high)) if high < _HIGHEST else None,
            **extra_params(extras),
        )
        # Where the total is not exact there are too many to count for a form; without a finding it is the list's own.
        _, few = store.count(replace(wanted, findings=()))
        counts = store.statistics.finding_facet(wanted) if few else {}
        if counts:
            # Not in the options: what they say is what the address says.
            said = (f"{vocabulary.word('finding', code)} {number(count)}" for code, count in counts.items())
            found.caption(" · ".join(said))
        if not is_empty(wanted):
            st.button(
                "Clear filters", key="clear-filters", type="tertiary", icon=":material/filter_alt_off:", on_click=clear
            )
    return wanted


def show_conversations(wanted: Filter, vocabulary: Vocabulary) -> NoReturn:
    """Leave for Browse with a filter."""
    # The screen that is left has the same widgets, and Streamlit lets nobody else write what they write in the address.
    st.session_state[_AWAITED] = {
        "text": wanted.text or "",
        **{
            name: [code for code in getattr(wanted, field) if code in vocabulary.words[name]]
            for name, field in WIDGETS.items()
        },
        "quality": (float(wanted.min_quality or _LOWEST), float(wanted.max_quality or _HIGHEST)),
    }
    go("browse", {name: values for name, values in params_of(wanted, vocabulary).items() if name in EXTRAS})


def is_empty(wanted: Filter) -> bool:
    """True if every conversation is meant."""
    return wanted == Filter()


def address() -> dict[str, list[str]]:
    """The parameters of the address, each with all its values."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _pills(label: str, name: str, vocabulary: Vocabulary) -> Any:
    words = vocabulary.words[name]
    return st.pills(
        label,
        list(words),
        selection_mode="multi",
        format_func=lambda code: words[code],
        key=name,
        bind="query-params",
    )


def _choices(label: str, name: str, vocabulary: Vocabulary) -> Any:
    words = vocabulary.words[name]
    if not words:
        return ()
    return st.multiselect(
        label, list(words), format_func=lambda code: words[code], key=name, placeholder="Any", bind="query-params"
    )


def _also(params: dict[str, list[str]]) -> None:
    """What the address asks for beyond the form, and a way to drop each."""
    named = {name: values for name, values in params.items() if name in EXTRAS}
    if not named:
        return
    st.caption("Also only")
    for name, values in named.items():
        shown = ", ".join(map(_said, values)) if len(values) <= 2 else f"{len(values)} values"
        st.button(
            f"{name.capitalize()}: {plain(shown)}",
            key=f"drop-{name}",
            type="tertiary",
            icon=":material/close:",
            on_click=_drop,
            args=(name,),
        )


def _said(value: str) -> str:
    """A time as people say it, anything else as it is."""
    with suppress(ValueError):
        at = datetime.fromisoformat(value)
        return moment(at) if at.tzinfo else value
    return value


def _drop(name: str) -> None:
    if name in st.query_params:
        del st.query_params[name]


def clear() -> None:
    """Take every filter away; for `on_click`."""
    for name, value in _EMPTY.items():
        if name in st.session_state:
            st.session_state[name] = value
    for name in EXTRAS:
        _drop(name)
