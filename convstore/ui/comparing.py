"""Two conversations side by side, with what differs between them. Knows no store."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import zip_longest

import streamlit as st

from convstore.model import Turn
from convstore.ui.words import plain

__all__ = ["side_by_side"]

_SPEAKERS = {"user": "Client", "assistant": "Reply", "system": "System"}
#: Comparing word by word is quadratic in the worst case; beyond this many words a message is shown as it is.
_MOST_WORDS = 3_000


def side_by_side(one: Sequence[Turn], other: Sequence[Turn], *, names: tuple[str, str]) -> None:
    """Turn by turn; equal turns are folded into a line, in others the words that are only there are marked."""
    heads = st.columns(2, gap="medium")
    for column, name in zip(heads, names, strict=True):
        with column:
            st.text(name)
    for left, right in zip_longest(one, other):
        if left is not None and right is not None and (left.role, left.content) == (right.role, right.content):
            st.caption(f"Turn {left.turn_number}, {_SPEAKERS[left.role].lower()}: the same in both")
            continue
        texts = marked(left.content if left else "", right.content if right else "")
        for column, turn, text in zip(st.columns(2, gap="medium"), (left, right), texts, strict=True):
            with column.container(border=True, gap="xsmall"):
                if turn is None:
                    st.caption("There is no such turn.")
                else:
                    st.caption(f"Turn {turn.turn_number}, {_SPEAKERS[turn.role].lower()}")
                    st.markdown(text)


def marked(one: str, other: str) -> tuple[str, str]:
    """Both texts as Markdown with every word escaped; what only one of them has is bold on a colour."""
    left, right = one.split(), other.split()
    if not one or not other or max(len(left), len(right)) > _MOST_WORDS:
        return plain(one), plain(other)
    found: tuple[list[str], list[str]] = ([], [])
    for kind, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for words, into, color in ((left[a:b], found[0], "orange"), (right[c:d], found[1], "blue")):
            if words:
                text = plain(" ".join(words))
                into.append(text if kind == "equal" else f":{color}-background[**{text}**]")
    return " ".join(found[0]), " ".join(found[1])
