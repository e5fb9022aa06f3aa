"""Replies that open or close with the same five words in many conversations. Needs the set: silent without it.

In a small set everybody repeats something, so it is silent there too: a phrase is stock from a tenth of the set on.

A job counts the grams of every conversation once (`boilerplate_grams`) and offers the counts as
`SetContext.gram_count`; the key is a signed 64-bit integer, so that it fits a `bigint` column.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from convstore.checks.contract import Check, CheckInput, Hit, Measured, replies
from convstore.model import Turn

__all__ = ["CHECK", "EDGE_CHARS", "GRAM_WORDS", "MIN_CONVERSATIONS", "boilerplate_grams", "boilerplate_phrases"]

GRAM_WORDS = 5
MIN_CONVERSATIONS = 5
_MIN_SHARE = 0.1
_MIN_SET = 20
#: Longest stretch that is searched for five words, from either end.
EDGE_CHARS = 200
_WORD = re.compile(r"\w+")


def boilerplate_grams(turns: Iterable[Turn]) -> frozenset[int]:
    """The keys of all opening and closing grams of a conversation's replies, as signed 64-bit integers."""
    return frozenset(key for turn in turns if turn.role == "assistant" for _, key, _ in _edges(turn.content))


def boilerplate_phrases(turns: Iterable[Turn]) -> dict[int, tuple[str, str]]:
    """The same keys, each with its edge (`opening`, `closing`) and its words."""
    return {
        key: (edge, " ".join(turn.content[slice(*span)].split()))
        for turn in turns
        if turn.role == "assistant"
        for edge, key, span in _edges(turn.content)
    }


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    context = conversation.context
    if context is None or context.conversations < _MIN_SET:
        return
    least = max(MIN_CONVERSATIONS, _MIN_SHARE * context.conversations)
    for turn in replies(conversation):
        for edge, key, span in _edges(turn.content):
            count = context.gram_count(key)
            if count >= least:
                share = round(100 * count / context.conversations)
                yield Hit(
                    f"{count:,} conversations have a reply with this {edge}, {share} % of the set.",
                    turn.turn_number,
                    span,
                )


def _edges(text: str) -> Iterator[tuple[str, int, tuple[int, int]]]:
    """The opening and the closing gram: name, key, span."""
    opening = [*_WORD.finditer(text[:EDGE_CHARS])][:GRAM_WORDS]
    if len(opening) == GRAM_WORDS:
        span = (opening[0].start(), opening[-1].end())
        yield "opening", _key("opening", opening), span
    offset = max(0, len(text) - EDGE_CHARS)
    closing = [*_WORD.finditer(text[offset:])][-GRAM_WORDS:]
    if len(closing) == GRAM_WORDS:
        span = (offset + closing[0].start(), offset + closing[-1].end())
        yield "closing", _key("closing", closing), span


def _key(edge: str, words: list[re.Match[str]]) -> int:
    gram = " ".join([edge, *(word.group().lower() for word in words)])
    digest = hashlib.blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


CHECK = Check(
    code="boilerplate",
    label="Boilerplate",
    severity="notice",
    version=2,
    explanation="A reply opens or closes with the same five words as a tenth of the set or more.",
    hits=_hits,
    measured=Measured(findings=10, conversations=10),
)
