"""Statuses and the moves between them, as they are promised."""

from __future__ import annotations

from itertools import product
from typing import get_args

from convstore.lifecycle import MOVES, STATUSES, allowed, sources_of
from convstore.model import Status

PROMISED = {
    ("pending_review", "approved"),
    ("pending_review", "rejected"),
    ("pending_review", "needs_revision"),
    ("needs_revision", "pending_review"),
    ("approved", "pending_review"),
    ("approved", "archived"),
    ("rejected", "pending_review"),
    ("rejected", "archived"),
    ("archived", "pending_review"),
}


def test_exactly_the_promised_moves() -> None:
    assert {pair for pair in product(STATUSES, STATUSES) if allowed(*pair)} == PROMISED


def test_every_status_has_a_way_out_and_in() -> None:
    assert set(MOVES) == set(STATUSES) == set(get_args(Status))
    for status in STATUSES:
        assert MOVES[status]
        assert sources_of(status) == tuple(before for before in STATUSES if (before, status) in PROMISED) != ()
