"""Arithmetic of scores: bounds, rounding and means. Decimal throughout, so that 3.25 is not 3.2 by accident."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation

__all__ = ["HIGHEST", "LOWEST", "in_range", "mean", "parse_score", "tenths_at_least", "tenths_at_most"]

LOWEST = Decimal(1)
HIGHEST = Decimal(5)
_TENTH = Decimal("0.1")


def in_range(value: Decimal) -> bool:
    """True from 1 to 5, both included."""
    return LOWEST <= value <= HIGHEST


def parse_score(value: object) -> Decimal | None:
    """A score as a Decimal, or None if the value is no number from 1 to 5. A boolean is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        score = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return score if score.is_finite() and in_range(score) else None


def mean(scores: Iterable[Decimal]) -> Decimal | None:
    """Arithmetic mean, rounded half up to one decimal; None of nothing."""
    values = list(scores)
    if not values:
        return None
    return (sum(values, Decimal(0)) / len(values)).quantize(_TENTH, rounding=ROUND_HALF_UP)


def tenths_at_least(score: Decimal) -> int:
    """The least `effective_quality`, in tenths, that reaches a score: 46 for 4.55."""
    return int((score * 10).to_integral_value(rounding=ROUND_CEILING))


def tenths_at_most(score: Decimal) -> int:
    """The highest `effective_quality`, in tenths, that does not exceed a score: 45 for 4.55."""
    return int((score * 10).to_integral_value(rounding=ROUND_FLOOR))
