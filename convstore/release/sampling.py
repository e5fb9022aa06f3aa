"""Rules that thin out a selection: the best of each duplicate group, at most n a cell, a sample of a size.

Pure functions over light tuples, repeatable by seed; each returns what stays, in the order it came.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from convstore.errors import UsageError
from convstore.release.seeding import place

__all__ = ["Candidate", "at_most_per_cell", "best_of_groups", "random_sample", "stratified_sample"]


class Candidate(NamedTuple):
    """A conversation that may go out. `cell` is persona, arc and topic; `group` its duplicate group."""

    id: str
    cell: tuple[str | None, ...] = ()
    group: str | None = None
    quality: float | None = None


def best_of_groups(candidates: Iterable[Candidate]) -> list[Candidate]:
    """One conversation of each duplicate group: the best scored, then the smallest id. Ungrouped ones stay."""
    kept = list(candidates)
    best: dict[str, Candidate] = {}
    for candidate in kept:
        if candidate.group is not None:
            rival = best.get(candidate.group)
            if rival is None or _merit(candidate) < _merit(rival):
                best[candidate.group] = candidate
    return [c for c in kept if c.group is None or best[c.group] is c]


def at_most_per_cell(candidates: Iterable[Candidate], most: int, *, seed: int = 0) -> list[Candidate]:
    """At most `most` of each cell: the best scored, chance deciding between equals."""
    _check_size(most)
    kept = list(candidates)
    chosen = {
        candidate.id
        for cell in _cells(kept).values()
        for candidate in heapq.nsmallest(most, cell, key=lambda c: (-_quality(c), place(seed, c.id)))
    }
    return [candidate for candidate in kept if candidate.id in chosen]


def random_sample(candidates: Iterable[Candidate], size: int, *, seed: int = 0) -> list[Candidate]:
    """`size` conversations by chance, or all if there are fewer."""
    _check_size(size)
    kept = list(candidates)
    chosen = {candidate.id for candidate in _draw(kept, size, seed)}
    return [candidate for candidate in kept if candidate.id in chosen]


def stratified_sample(candidates: Iterable[Candidate], size: int, *, seed: int = 0) -> list[Candidate]:
    """`size` conversations with every cell in proportion, by the method of largest remainders."""
    _check_size(size)
    kept = list(candidates)
    if size >= len(kept):
        return kept
    cells = _cells(kept)
    quotas = {key: divmod(size * len(members), len(kept)) for key, members in cells.items()}
    spare = size - sum(whole for whole, _ in quotas.values())
    by_remainder = sorted(quotas, key=lambda key: (-quotas[key][1], place(seed, repr(key))))
    extra = set(by_remainder[:spare])
    chosen = {
        candidate.id
        for key, members in cells.items()
        for candidate in _draw(members, quotas[key][0] + (key in extra), seed)
    }
    return [candidate for candidate in kept if candidate.id in chosen]


def _draw(candidates: Iterable[Candidate], size: int, seed: int) -> Sequence[Candidate]:
    return heapq.nsmallest(size, candidates, key=lambda c: place(seed, c.id))


def _cells(candidates: Iterable[Candidate]) -> dict[tuple[str | None, ...], list[Candidate]]:
    cells: dict[tuple[str | None, ...], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        cells[candidate.cell].append(candidate)
    return cells


def _merit(candidate: Candidate) -> tuple[float, str]:
    return (-_quality(candidate), candidate.id)


def _quality(candidate: Candidate) -> float:
    # Unscored is worse than any score, which starts at 1.
    return 0.0 if candidate.quality is None else candidate.quality


def _check_size(size: int) -> None:
    if size < 1:
        raise UsageError(f"A sample of {size} holds nothing.", hint="Give a number of at least 1.")
