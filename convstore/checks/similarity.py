"""Near duplicates: shingles, MinHash signatures and the bands by which a database finds candidates.

A conversation is the set of its word 5-grams. Among conversations of one generator, character 5-grams are shared by
everybody (Jaccard 0.15 in the median, 0.44 at most, of unrelated real ones), word 5-grams by copies only (0.001).
Signatures find candidates, `jaccard` on the shingle sets decides.

Stored signatures outlive processes, machines and Python versions, so nothing here depends on any of these, nor on
another library's idea of a hash: `SIGNATURE_VERSION` changes with whatever changes a signature.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from convstore.model import Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BANDS",
    "ROWS",
    "SHINGLE_WORDS",
    "SIGNATURE_VERSION",
    "band_keys",
    "jaccard",
    "shingles",
    "signature",
    "signature_of",
]

SIGNATURE_VERSION = 1
SHINGLE_WORDS = 5

#: A pair of Jaccard s shares a band with probability 1 - (1 - s**ROWS)**BANDS:
#: 0.992 at 0.8, 0.86 at 0.7, 0.22 at 0.5, 0.001 at 0.2.
BANDS = 16
ROWS = 6

#: Thai, Lao, Burmese, Khmer, kana and Han put no space between words: there a character counts as one.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def shingles(turns: Iterable[Turn]) -> NDArray[np.uint64]:
    """The conversation's word 5-grams as sorted 64-bit hashes, each once. Roles and turn limits do not count.

    A conversation of fewer words is one shingle; one without words has none.
    """
    words = [word for turn in turns for word in _WORD.findall(turn.content.lower())]
    hashes = {word: zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in set(words)}
    row = np.fromiter((hashes[word] for word in words), dtype=np.uint64, count=len(words))
    size = min(SHINGLE_WORDS, len(row))
    if not size:
        return row
    count = len(row) - size + 1
    mixed = np.zeros(count, dtype=np.uint64)
    for position in range(size):
        mixed = _scramble(mixed ^ row[position : position + count])
    return np.unique(mixed)


def _scramble(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over the word (a round of splitmix64); arithmetic wraps at 64 bits."""
    values = (values + _MIX) * np.uint64(0xBF58476D1CE4E5B9)
    return values ^ (values >> np.uint64(29))


def signature(turns: Iterable[Turn]) -> bytes:
    """The MinHash signature of a conversation: BANDS * ROWS unsigned 32-bit integers, little-endian."""
    return signature_of(shingles(turns))


def signature_of(shingle_set: NDArray[np.uint64]) -> bytes:
    """The same from a set of shingles that is at hand; empty for an empty set."""
    if not len(shingle_set):
        return b""
    multipliers, offsets = _permutations()
    # Multiply-add-shift (Dietzfelbinger): the high half of a * x + b mod 2**64, one row of hashes a permutation.
    # The shift keeps the order, so it is left to the minima.
    hashed = multipliers[:, None] * shingle_set[None, :]
    hashed += offsets[:, None]
    return bytes((hashed.min(axis=1) >> _HALF).astype("<u4").tobytes())


@cache
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    # From a counter rather than from a generator of numpy, whose streams may change between its versions.
    counter = np.arange(1, 2 * BANDS * ROWS + 1, dtype=np.uint64)
    values = _scramble(_scramble(_scramble(counter * _MIX)))
    return values[::2] | np.uint64(1), values[1::2]


def band_keys(signature: bytes) -> list[int]:
    """One key a band, as signed 64-bit integers for a `bigint` column; two conversations sharing any are candidates.

    The number of the band is part of its key: one index over all keys is enough.
    """
    if not signature:
        return []
    rows = np.frombuffer(signature, dtype="<u4").reshape(BANDS, ROWS).astype(np.uint64)
    keys = np.arange(BANDS, dtype=np.uint64)
    for column in range(ROWS):
        keys = _scramble(keys ^ rows[:, column])
    return [int(key) for key in keys.view(np.int64)]


def jaccard(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    """Shared shingles over all shingles of two sets, exactly; 1.0 of two empty sets."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    together = len(one) + len(other) - shared
    return shared / together if together else 1.0
