"""From the filter options of the command line to the filter that they mean."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from convstore.cli.filters import FILTER_OPTIONS, build_filter
from convstore.errors import UsageError
from convstore.model import Filter, ScoreRange


def build(**given: Any) -> Filter:
    nothing: dict[str, Any] = dict.fromkeys(FILTER_OPTIONS)
    return build_filter({**nothing, "unscored": False, **given})


def test_nothing_given_means_everything() -> None:
    assert build() == Filter()


def test_every_field_of_the_filter_has_an_option() -> None:
    assert set(FILTER_OPTIONS) == {field.name for field in fields(Filter)}


@pytest.mark.parametrize("name", ["statuses", "tiers", "personas", "emotions", "findings", "ids"])
def test_repeated_options_are_alternatives(name: str) -> None:
    assert getattr(build(**{name: ["a", "b"]}), name) == ("a", "b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("empathy:3.5..5", ScoreRange("empathy", Decimal("3.5"), Decimal(5))),
        ("quality:..2", ScoreRange("quality", Decimal(1), Decimal(2))),
        ("brand_voice:4..", ScoreRange("brand_voice", Decimal(4), Decimal(5))),
    ],
)
def test_ranges_of_scores(text: str, expected: ScoreRange) -> None:
    assert build(scores=[text]).scores == (expected,)


@pytest.mark.parametrize(
    "text", ["empathy", "empathy:3", "charm:1..2", "empathy:0..2", "empathy:1..9", "empathy:a..b", ""]
)
def test_ranges_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--score"):
        build(scores=[text])


def test_bounds_of_quality() -> None:
    assert build(min_quality="3.5", max_quality="4").min_quality == Decimal("3.5")
    for wrong in ("0", "6", "good", "nan"):
        with pytest.raises(UsageError, match="--max-quality"):
            build(max_quality=wrong)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026-03-14", datetime(2026, 3, 14, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC)),
        ("2026-03-14T16:20", datetime(2026, 3, 14, 16, 20, tzinfo=UTC), datetime(2026, 3, 14, 16, 20, tzinfo=UTC)),
        *([("2026-03-14T16:20+02:00", *[datetime(2026, 3, 14, 16, 20, tzinfo=timezone(timedelta(hours=2)))] * 2)]),
    ],
)
def test_times(text: str, since: datetime, until: datetime) -> None:
    assert (build(since=text).since, build(until=text).until) == (since, until)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "14.3.2026", ""])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        build(since=text)
