"""Filters survive being stored, and equal ones are stored equally."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from convstore.errors import UsageError
from convstore.filtering import filter_as_json, filter_from_json
from convstore.model import Filter, ScoreRange

FULL = Filter(
    statuses=("approved", "rejected"),
    personas=("saver",),
    min_quality=Decimal("3.5"),
    unscored=True,
    scores=(ScoreRange("empathy", Decimal("3.1"), Decimal(5)),),
    since=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    text='budget -"credit card"',
    ids=("a", "b"),
)


def test_a_filter_comes_back_from_json() -> None:
    assert filter_from_json(json.loads(json.dumps(filter_as_json(FULL)))) == FULL
    assert filter_as_json(Filter()) == {}
    assert filter_from_json({}) == Filter()


def test_equal_questions_have_one_form() -> None:
    one = Filter(personas=("b", "a", "b"), min_quality=Decimal("4.10"))
    other = Filter(personas=("a", "b"), min_quality=Decimal("4.1"))
    assert filter_as_json(one) == filter_as_json(other) == {"personas": ["a", "b"], "min_quality": "4.1"}


@pytest.mark.parametrize(
    "values",
    [
        {"nothing": 1},
        {"personas": "saver"},
        {"statuses": ["done"]},
        {"min_quality": "good"},
        {"since": "yesterday"},
        {"unscored": "yes"},
        {"scores": [["empathy", 1]]},
    ],
)
def test_what_is_no_filter_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="filter"):
        filter_from_json(values)
