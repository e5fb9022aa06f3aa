"""A reply that says nothing: no letter or digit at all, or next to none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from convstore.checks.contract import Check, CheckInput, Hit, Measured, replies

__all__ = ["CHECK"]

_WORD_CHARACTER = re.compile(r"[^\W_]")
_MIN_CHARS = 16


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    for turn in replies(conversation):
        text = turn.content.strip()
        if not _WORD_CHARACTER.search(text):
            yield Hit("The reply has no words.", turn.turn_number)
        # Scripts without spaces say much in few characters: only ASCII is measured by length.
        elif text.isascii() and len(text) < _MIN_CHARS and len(text.split()) < 3:
            yield Hit("The reply is a word or two.", turn.turn_number, severity="warning")


CHECK = Check(
    code="empty_reply",
    label="Empty reply",
    severity="error",
    version=1,
    explanation="A reply has no words, or next to none.",
    hits=_hits,
    measured=Measured(),
)
