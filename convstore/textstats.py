"""Counts of words and sentences in a message. Pure; the database stores what these return."""

from __future__ import annotations

import re

__all__ = ["sentence_count", "word_count"]

_SENTENCE_END = re.compile(r"[.!?]+")
_WORD_CHARACTER = re.compile(r"\w")


def word_count(text: str) -> int:
    """Number of pieces between white space."""
    return len(text.split())


def sentence_count(text: str) -> int:
    """Number of pieces between full stops, exclamation and question marks that hold a word character; at least 1."""
    return max(1, sum(1 for piece in _SENTENCE_END.split(text) if _WORD_CHARACTER.search(piece)))
