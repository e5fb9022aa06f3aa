"""A reply that stops before its end: what a generator leaves when it runs out of tokens or escapes badly.

Of a user's message only the lone backslash is told: generators write those messages too, but people end as they like.

Precision comes first. A reply without a final full stop is not cut off by that alone: lists, sign-offs, headings,
code and links end without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from convstore.checks.contract import Check, CheckInput, Hit, Measured
from convstore.model import Severity

__all__ = ["CHECK"]

_LAST_WORD = re.compile(r"[^\W\d_][\w'’]*\Z")
#: Marks that announce more: a colon may end a reply that hands over to a form, so it is not among them.
_OPEN_MARK = re.compile(r"(?:[,;(\[{“‘«]|(?<=\w)[-–—]|\s[-–—])\Z")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•·#>|]|\d{1,3}[.)]|\w[.)]\s)")

#: Words that no sentence in English ends with, unless it is cut. Prepositions are left out.
_DANGLING = frozenset(
    {"a", "an", "the", "and", "or", "but", "nor", "because", "although", "whereas", "unless", "if"}
    | {"my", "your", "our", "their", "isn't", "aren't", "wasn't", "don't", "doesn't", "didn't"}
    | {"you're", "we're", "they're", "you've", "we've", "you'd"}
)
_MIN_WORDS_OF_A_SENTENCE = 8
#: Longest last word that is looked for.
_TAIL_CHARS = 40


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    for turn in conversation.turns:
        text = turn.content.rstrip()
        backslashes = len(text) - len(text.rstrip("\\"))
        if backslashes:
            # An even number is an escaped backslash: the end of a path or of a line of code.
            if backslashes % 2:
                severity: Severity = "error" if turn.role == "assistant" else "warning"
                place = (len(text) - 1, len(text))
                yield Hit("The message ends in a lone backslash.", turn.turn_number, place, severity)
        elif turn.role != "assistant":
            continue
        elif text.count("```") % 2:
            start = text.rfind("```")
            yield Hit("A code block is opened and never closed.", turn.turn_number, (start, start + 3))
        else:
            yield from _unfinished(text, turn.turn_number)


def _unfinished(text: str, turn_number: int) -> Iterator[Hit]:
    # A reply that ends in a code block ends with its fence, which is none of the marks below.
    offset = max(0, len(text) - _TAIL_CHARS)
    open_mark = _OPEN_MARK.search(text, offset)
    last_line = text[text.rfind("\n") + 1 :]
    if open_mark:
        if len(last_line.split()) >= _MIN_WORDS_OF_A_SENTENCE:
            span = (open_mark.end() - len(open_mark.group().lstrip()), open_mark.end())
            yield Hit("The last sentence breaks off.", turn_number, span)
        return
    word = _LAST_WORD.search(text, offset)
    if word is None or _LIST_ITEM.match(last_line) or "://" in last_line:
        return
    if word.group().replace("’", "'") in _DANGLING:
        yield Hit("The last sentence breaks off after a word that needs another.", turn_number, word.span())
    elif len(last_line.split()) >= _MIN_WORDS_OF_A_SENTENCE:
        yield Hit("The last sentence has no end.", turn_number, word.span(), "warning")


CHECK = Check(
    code="truncated_reply",
    label="Cut off",
    severity="error",
    version=1,
    explanation="A reply stops in mid-sentence, in an open code block or on a lone backslash.",
    hits=_hits,
    measured=Measured(findings=7, conversations=3),
)
