"""A set with near copies planted in it, and how alike they are exactly: what finding them is judged by."""

from __future__ import annotations

import random
from itertools import accumulate

__all__ = ["plain", "plain_jaccard", "planted_set"]

Shingle = tuple[str, ...]


def plain(words: list[str]) -> frozenset[Shingle]:
    """The shingles without any hash."""
    return frozenset(tuple(words[start : start + 5]) for start in range(len(words) - 4))


def plain_jaccard(one: frozenset[Shingle], other: frozenset[Shingle]) -> float:
    """The similarity of two sets of shingles."""
    return len(one & other) / len(one | other)


def planted_set(size: int, *, pairs: int) -> tuple[list[list[str]], dict[tuple[int, int], float]]:
    """So many conversations as lists of words, the last `pairs` of them near copies of the first, with their Jaccard.

    Words follow Zipf's law and one in three conversations opens with one of ten standing phrases, so that the
    others are as alike as conversations of one generator are. The similarities run from 0.5 to 1.0.
    """
    source = random.Random(20240314)
    vocabulary = [f"word{rank}" for rank in range(3000)]
    weights = list(accumulate(1 / (rank + 3) for rank in range(3000)))
    phrases = [source.choices(vocabulary, cum_weights=weights, k=15) for _ in range(10)]
    texts = []
    for _ in range(size - pairs):
        opening = source.choice(phrases) if source.random() < 1 / 3 else []
        texts.append(opening + source.choices(vocabulary, cum_weights=weights, k=source.randrange(100, 160)))
    planted: dict[tuple[int, int], float] = {}
    for number in range(pairs):
        original = texts[number]
        # A changed stretch of m words in n shingles leaves (n - m - 4) / (n + m + 4) in common, at the edge more.
        target = 0.5 + 0.5 * number / (pairs - 1)
        changed = max(0, round(len(original) * (1 - target) / (1 + target)) - (4 if number % 2 else 0))
        start = source.randrange(0, len(original) - changed + 1) if number % 2 else len(original) - changed
        copy = original.copy()
        copy[start : start + changed] = [f"new{source.randrange(10**6)}" for _ in range(changed)]
        planted[number, len(texts)] = plain_jaccard(plain(original), plain(copy))
        texts.append(copy)
    return texts, planted
