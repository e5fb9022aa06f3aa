"""Statuses of a conversation and the moves between them; the database enforces the same table."""

from __future__ import annotations

from collections.abc import Mapping

from convstore.model import Status

__all__ = ["MOVES", "STATUSES", "allowed", "sources_of"]

STATUSES: tuple[Status, ...] = ("pending_review", "needs_revision", "approved", "rejected", "archived")

MOVES: Mapping[Status, tuple[Status, ...]] = {
    "pending_review": ("approved", "rejected", "needs_revision"),
    "needs_revision": ("pending_review",),
    "approved": ("pending_review", "archived"),
    "rejected": ("pending_review", "archived"),
    "archived": ("pending_review",),
}


def allowed(before: Status, after: Status) -> bool:
    """True if a conversation may move from one status to the other."""
    return after in MOVES[before]


def sources_of(after: Status) -> tuple[Status, ...]:
    """The statuses from which `after` can be reached, in the order of `STATUSES`."""
    return tuple(status for status in STATUSES if after in MOVES[status])
