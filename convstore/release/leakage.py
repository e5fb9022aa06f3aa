"""Looks for text that stands in two splits: n-grams of words that a held-out conversation shares with another one.

Remembers the held-out splits only, so the largest split may be of any size; the texts are read twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Leak", "LeakageReport", "SplitText", "check_leakage"]

#: As in the decontamination of GPT-3 (Brown et al. 2020, appendix C), where N lies between 8 and 13.
NGRAM_WORDS = 8
_WORD = re.compile(r"\w+")


class SplitText(NamedTuple):
    """The messages of a conversation in a split."""

    conversation_id: str
    split: str
    texts: tuple[str, ...]


class Leak(NamedTuple):
    """`share` of the n-grams of a held-out conversation that stand in a conversation of another split."""

    conversation_id: str
    split: str
    other_id: str
    other_split: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageReport:
    """Leaks by falling share, and how many held-out conversations were looked at."""

    ngram_words: int
    threshold: float
    held_out: int
    leaks: tuple[Leak, ...]


def check_leakage(
    read: Callable[[], Iterable[SplitText]],
    *,
    largest: str,
    ngram_words: int = NGRAM_WORDS,
    threshold: float = 0.2,
) -> LeakageReport:
    """Compare every split but the `largest` with all the others.

    Parameters
    ----------
    read
        Reads all conversations from the start, each time it is called.
    threshold
        Least share of its n-grams that makes a pair a leak.
    """
    held_out: list[SplitText] = []
    sizes: list[int] = []
    owners: dict[int, list[int]] = {}
    for item in read():
        if item.split == largest:
            continue
        index = len(held_out)
        held_out.append(item._replace(texts=()))
        grams = set(_ngrams(item.texts, ngram_words))
        sizes.append(len(grams))
        for gram in grams:
            owners.setdefault(gram, []).append(index)
    leaks = []
    for item in read():
        shared: Counter[int] = Counter()
        for gram in set(_ngrams(item.texts, ngram_words)) & owners.keys():
            shared.update(owners[gram])
        for index, count in shared.items():
            mine, share = held_out[index], count / sizes[index]
            if mine.split != item.split and share >= threshold:
                leaks.append(Leak(mine.conversation_id, mine.split, item.conversation_id, item.split, round(share, 4)))
    leaks.sort(key=lambda leak: (-leak.share, leak.conversation_id, leak.other_id))
    return LeakageReport(ngram_words=ngram_words, threshold=threshold, held_out=len(held_out), leaks=tuple(leaks))


def _ngrams(texts: Iterable[str], length: int) -> Iterator[int]:
    for text in texts:
        words = _WORD.findall(text.lower())
        # A short message is one n-gram of its own, or a copied one would go unseen.
        for i in range(max(1, len(words) - length + 1) if words else 0):
            yield hash(tuple(words[i : i + length]))
