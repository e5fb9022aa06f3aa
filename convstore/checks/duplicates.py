"""Groups of duplicates from pairs, and which member of a group is worth keeping. Knows no text and no hash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar
from uuid import UUID

__all__ = ["Member", "best_of", "groups"]


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


T = TypeVar("T", bound=_Ordered)


def groups(pairs: Iterable[tuple[T, T]]) -> dict[T, T]:
    """Every member of a pair to its group, which is named by its smallest member. The order of pairs is irrelevant.

    Groups are transitive: of a chain of near duplicates the ends may be far from each other.
    """
    parent: dict[T, T] = {}

    def root(member: T) -> T:
        parent.setdefault(member, member)
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for one, other in pairs:
        low, high = root(one), root(other)
        if high < low:
            low, high = high, low
        parent[high] = low
    return {member: root(member) for member in sorted(parent)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What decides between duplicates. `effective_quality` is in tenths, 0 = unscored."""

    id: UUID
    human_score: Decimal | None
    effective_quality: int
    findings: int
    chars: int
    created_at: datetime


def best_of(members: Iterable[Member]) -> Member:
    """The member to keep: highest human score, then quality, fewest findings, longest, oldest, smallest id.

    Raises
    ------
    ValueError
        There are no members.
    """
    return min(members, key=_preference)


def _preference(member: Member) -> tuple[Decimal, int, int, int, datetime, UUID]:
    # Scores begin at 1: zero puts an unscored member behind every scored one.
    human = member.human_score if member.human_score is not None else Decimal(0)
    return -human, -member.effective_quality, member.findings, -member.chars, member.created_at, member.id
