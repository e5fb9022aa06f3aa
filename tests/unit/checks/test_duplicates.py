"""Groups are transitive and named the same whatever the order; the best of a group is never a matter of chance."""

import random
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convstore.checks.duplicates import Member, best_of, groups


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {}),
        ([(2, 1)], {1: 1, 2: 1}),
        ([(3, 4), (1, 2)], {1: 1, 2: 1, 3: 3, 4: 3}),
        ([(5, 4), (4, 3), (9, 8), (3, 1)], {1: 1, 3: 1, 4: 1, 5: 1, 8: 8, 9: 8}),
        ([(7, 7)], {7: 7}),
    ],
)
def test_groups(pairs: list[tuple[int, int]], expected: dict[int, int]) -> None:
    assert groups(pairs) == expected


def test_a_long_chain_is_one_group() -> None:
    assert set(groups((number, number + 1) for number in range(50_000, 0, -1)).values()) == {1}


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order(pairs: list[tuple[int, int]], source: random.Random) -> None:
    found = groups(pairs)
    shuffled = [pair if source.random() < 0.5 else pair[::-1] for pair in pairs]
    source.shuffle(shuffled)
    assert groups(shuffled) == found
    for one, other in pairs:
        assert found[one] == found[other]
    for member, group in found.items():
        assert group <= member
        assert found[group] == group


def member(number: int, **changes: object) -> Member:
    values: dict[str, object] = {
        "id": UUID(int=number),
        "human_score": None,
        "effective_quality": 30,
        "findings": 1,
        "chars": 5000,
        "created_at": datetime(2025, 5, 1, tzinfo=UTC),
    }
    return Member(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "better",
    [
        {"human_score": Decimal("1.0"), "effective_quality": 10},
        {"effective_quality": 31, "findings": 9},
        {"findings": 0, "chars": 10},
        {"chars": 5001, "created_at": datetime(2026, 5, 1, tzinfo=UTC)},
        {"created_at": datetime(2025, 4, 30, tzinfo=UTC)},
    ],
)
def test_each_criterion_outweighs_the_following(better: dict[str, object]) -> None:
    assert best_of([member(1), member(2, **better), member(3)]).id == UUID(int=2)


def test_a_tie_goes_to_the_smallest_id() -> None:
    assert best_of([member(3), member(1), member(2)]).id == UUID(int=1)


def test_a_group_of_nobody_has_no_best() -> None:
    with pytest.raises(ValueError, match="empty"):
        best_of([])
