"""What is known of a slice or a release: its composition, what a trainer says of it, how much each part weighs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from convstore.release.delivering import DeliveredFile
from convstore.release.previewing import ReleasePreview
from convstore.ui.words import bytes_of, counted, number, plain, prettified

__all__ = ["composition", "lint", "stayed_behind", "stored_files", "weights"]

_SHOWN_VALUES = 8
_SHOWN_ROWS = 10
_SEVERITIES = {"blocking": "Cannot be written", "error": "A trainer refuses it", "warning": "Worth knowing"}
_NO_BREAK = "\u00a0"


def composition(parts: Mapping[str, Mapping[str, int]]) -> None:
    """How many conversations have each persona, arc, topic and tier."""
    with st.container(gap="xsmall"):
        for name in ("persona", "arc", "topic", "tier"):
            # The database does not keep the order of a release's counts.
            values = sorted(parts.get(name, {}).items(), key=lambda item: (-item[1], item[0]))
            if not values:
                continue
            said = [f"{plain(prettified(value)) if value else 'none'} **{number(n)}**" for value, n in values]
            # A number stays with its name where the line breaks.
            shown = [text.replace(" ", _NO_BREAK) for text in said[:_SHOWN_VALUES]]
            if len(said) > _SHOWN_VALUES:
                shown.append(f"and {number(len(said) - _SHOWN_VALUES)} more")
            st.caption(f"**{name.capitalize()}** {' · '.join(shown)}")


def lint(report: Mapping[str, Any], *, conversations: int) -> None:
    """What a trainer accepts and refuses, each rule with its remedy, and the first places where it is broken."""
    rules, failed = report["rules"], report["failed"]
    if failed:
        kept = "stays behind" if report["mode"] == "drop" else "stops the release"
        st.markdown(f":orange[:material/rule:] **{number(report['passed'])} pass, {number(failed)} would be refused**"
                    f" :gray[which {kept}]")  # fmt: skip
    elif any(rule["severity"] != "warning" for rule in rules):
        st.markdown(":orange[:material/rule:] **Kept, though a trainer refuses some**")
    else:
        st.markdown(f":green[:material/check_circle:] **{counted(conversations, 'conversation')} pass**")
    for note in report["whole_file"]:
        st.caption(f":orange[{plain(note['what'])}] {plain(note['fix'])}")
    if report["trailing_user_dropped"]:
        count = counted(report["trailing_user_dropped"], "conversation")
        st.caption(f"{count} lose a last message that nobody answered.")
    if not rules:
        return
    _table(
        {
            "Rule": [prettified(rule["rule"]) for rule in rules],
            "Conversations": [rule["conversations"] for rule in rules],
            "What it means": [_SEVERITIES[rule["severity"]] for rule in rules],
            "What to do": [rule["fix"] for rule in rules],
        },
        "Rules of the trainer that are broken",
    )
    first = report["first"]
    if first:
        with st.expander(f"The first {counted(len(first), 'place')}"):
            _table(
                {
                    "Conversation": [one["conversation_id"] for one in first],
                    "Message": [one["turn_number"] for one in first],
                    "Rule": [prettified(one["rule"]) for one in first],
                    "What is wrong": [one["what"] for one in first],
                    "What to do": [one["fix"] for one in first],
                },
                "The first places where a rule is broken",
            )


def weights(found: ReleasePreview) -> None:
    """How often a trainer learns from each conversation; nothing for formats that train nobody."""
    if not found.heaviest:
        return
    learned = found.summary["lint"]["learned_replies"]
    with st.expander(f"What each weighs: {counted(learned, 'reply', 'replies')} in {counted(_rows(found), 'row')}"):
        if len(found.heaviest) < found.conversations:
            st.caption(f"The {number(len(found.heaviest))} heaviest of {number(found.conversations)}.")
        _table(
            {
                "Conversation": [identifier for identifier, _ in found.heaviest],
                "Rows": [weight.rows for _, weight in found.heaviest],
                "Replies learned": [weight.learned_replies for _, weight in found.heaviest],
                "Share": [100 * weight.learned_replies / learned if learned else 0.0 for _, weight in found.heaviest],
            },
            "Rows and learned replies of each conversation, heaviest first",
            Share=st.column_config.NumberColumn(format="%.1f %%"),
        )


def stayed_behind(items: Sequence[tuple[str, str]]) -> None:
    """Conversations that the filter meant and that did not go out, each with its rule."""
    if not items:
        return
    counts = Counter(rule for _, rule in items)
    said = ", ".join(f"{prettified(rule).lower()} {number(n)}" for rule, n in counts.most_common())
    with st.expander(f"Stayed behind: {said}"):
        _table(
            {"Conversation": [one for one, _ in items], "Rule": [prettified(rule) for _, rule in items]},
            "Conversations that stayed behind",
        )


def stored_files(files: Sequence[DeliveredFile]) -> None:
    """Where the files of a release are in the file store, with a link where it signs one."""
    for file in files:
        where = f"[signed link, for an hour]({file.url})" if file.url else f"in the file store as `{file.path}`"
        st.caption(f"{plain(file.name)} · {bytes_of(file.bytes)} · {where}")


def _rows(found: ReleasePreview) -> int:
    return int(found.summary["rows"])


def _table(columns: Mapping[str, Sequence[object]], alt: str, **config: Any) -> None:
    frame = pd.DataFrame(columns)
    st.dataframe(
        frame,
        hide_index=True,
        row_height=31,
        height="content" if len(frame) <= _SHOWN_ROWS else 350,
        alt=alt,
        column_config=config,
    )
