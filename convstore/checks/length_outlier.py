"""A reply far shorter or longer than the set's. Without the set, only what is odd anywhere is reported."""

from __future__ import annotations

from collections.abc import Iterator

from convstore.checks.contract import Check, CheckInput, Hit, Measured, SetContext, replies

__all__ = ["CHECK"]

_SHORT_CHARS = 40.0
_LONG_CHARS = 12_000.0
#: Tukey's outer fence, on the logarithm of the length, because lengths are skewed to the right.
_FENCE = 3.0
#: A set of replies of equal length would call every other length far: the box is taken at least this wide.
_MIN_SPREAD = 1.25


def _fences(context: SetContext | None) -> tuple[float, float]:
    if context is None or context.reply_chars_q1 <= 0:
        return _SHORT_CHARS, _LONG_CHARS
    low, high = context.reply_chars_q1, context.reply_chars_q3
    spread = max(high / low, _MIN_SPREAD)
    return low / spread**_FENCE, high * spread**_FENCE


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    shortest, longest = _fences(conversation.context)
    where = "for a reply" if conversation.context is None else "for this set"
    for turn in replies(conversation):
        chars = len(turn.content.strip())
        if chars < shortest:
            yield Hit(f"{chars:,} characters are far too few {where}.", turn.turn_number)
        elif chars > longest:
            yield Hit(f"{chars:,} characters are far too many {where}.", turn.turn_number)


CHECK = Check(
    code="length_outlier",
    label="Odd length",
    severity="notice",
    version=1,
    explanation="A reply is far shorter or longer than the replies of the set.",
    hits=_hits,
    measured=Measured(findings=12, conversations=6, false_findings=9, false_conversations=3),
)
