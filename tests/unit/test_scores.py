"""Bounds, rounding and means of scores."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convstore.scores import HIGHEST, LOWEST, in_range, mean, parse_score, tenths_at_least, tenths_at_most

scores = st.integers(10, 50).map(lambda tenths: Decimal(tenths) / 10)


@pytest.mark.parametrize(
    ("value", "score"),
    [(3, "3"), (4.1, "4.1"), ("4.10", "4.10"), (" 5 ", "5"), (Decimal("2.5"), "2.5"), (1.0, "1.0")],
)
def test_numbers_from_one_to_five_are_scores(value: object, score: str) -> None:
    assert parse_score(value) == Decimal(score)


@pytest.mark.parametrize(
    "value", [0, 0.9, 5.1, -3, True, None, "", "good", "NaN", float("nan"), float("inf"), [], "1e9999999999", "٣ "]
)
def test_everything_else_is_none(value: object) -> None:
    found = parse_score(value)
    assert found is None or in_range(found)
    assert value == "٣ " or found is None


@pytest.mark.parametrize(
    ("values", "expected"), [(["3", "3.5"], "3.3"), (["3.2", "3.3"], "3.3"), (["1"], "1.0"), (["2.9", "3", "3"], "3.0")]
)
def test_means_round_half_up(values: list[str], expected: str) -> None:
    assert mean(map(Decimal, values)) == Decimal(expected)


def test_the_mean_of_nothing_is_nothing() -> None:
    assert mean([]) is None


@given(st.lists(scores, min_size=1))
def test_a_mean_lies_between_its_scores(values: list[Decimal]) -> None:
    found = mean(values)
    assert found is not None
    assert min(values) <= found <= max(values)
    assert LOWEST <= found <= HIGHEST
    assert found == round(found, 1)


@given(stored=scores, bound=st.decimals(1, 5, places=3))
def test_bounds_in_tenths_mean_what_they_say(stored: Decimal, bound: Decimal) -> None:
    in_tenths = int(stored * 10)
    assert (in_tenths >= tenths_at_least(bound)) == (stored >= bound)
    assert (in_tenths <= tenths_at_most(bound)) == (stored <= bound)
