"""A column as counts by value: scores have so few values that the counts hold every mean and percentile. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

__all__ = ["Distribution", "halves", "weighted_correlation"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often each value occurs, in ascending order, and how often there is none."""

    counts: Mapping[Decimal, int]
    missing: int = 0

    @classmethod
    def of(cls, pairs: Iterable[tuple[Decimal | int | None, int]]) -> Distribution:
        """From values with their counts, in any order; equal values add up and None is missing."""
        found: dict[Decimal, int] = {}
        missing = 0
        for value, count in pairs:
            if value is None:
                missing += count
            else:
                number = Decimal(value)
                found[number] = found.get(number, 0) + count
        return cls(dict(sorted(found.items())), missing)

    @property
    def present(self) -> int:
        """How many have a value."""
        return sum(self.counts.values())

    @property
    def total(self) -> int:
        """How many there are, with a value or without."""
        return self.present + self.missing

    @property
    def mean(self) -> float | None:
        """Arithmetic mean; None of nothing."""
        present = self.present
        return float(sum(value * count for value, count in self.counts.items()) / present) if present else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the values as they are (not an estimate from a sample)."""
        mean = self.mean
        if mean is None:
            return None
        return math.sqrt(sum(count * (float(value) - mean) ** 2 for value, count in self.counts.items()) / self.present)

    @property
    def only_value(self) -> Decimal | None:
        """The one value that all of at least two have; None otherwise."""
        return next(iter(self.counts)) if len(self.counts) == 1 and self.present > 1 else None

    def percentile(self, share: float) -> float | None:
        """The value below which this share lies, interpolated between neighbours as PostgreSQL and pandas do."""
        present = self.present
        if not present:
            return None
        place = share * (present - 1)
        low, high = self._at(math.floor(place)), self._at(math.ceil(place))
        return low + (high - low) * (place - math.floor(place))

    def _at(self, index: int) -> float:
        for value, count in self.counts.items():
            index -= count
            if index < 0:
                return float(value)
        raise IndexError(index)

    def as_dict(self) -> dict[str, object]:
        """What commands print."""
        return {
            "scored": self.present,
            "unscored": self.missing,
            "mean": self.mean,
            "deviation": self.deviation,
            "p10": self.percentile(0.1),
            "p25": self.percentile(0.25),
            "median": self.percentile(0.5),
            "p75": self.percentile(0.75),
            "p90": self.percentile(0.9),
            "counts": {str(value): count for value, count in self.counts.items()},
        }


def halves(distribution: Distribution) -> dict[Decimal, int]:
    """Scores gathered to the nearest half, 1.0 to 5.0, empty ones too: 3.3 to 3.7 is 3.5."""
    bins = {Decimal(step) / 2: 0 for step in range(2, 11)}
    for value, count in distribution.counts.items():
        bins[(value * 2).quantize(Decimal(1), rounding=ROUND_HALF_UP) / 2] += count
    return bins


def weighted_correlation(rows: Iterable[tuple[float, float, int]]) -> tuple[float | None, int]:
    """Pearson's correlation of pairs that come with counts, and how many pairs; None where one side never varies."""
    pairs = list(rows)
    n = sum(count for _, _, count in pairs)
    if n < 2:
        return None, n
    mean_x = sum(x * count for x, _, count in pairs) / n
    mean_y = sum(y * count for _, y, count in pairs) / n
    xx = sum(count * (x - mean_x) ** 2 for x, _, count in pairs)
    yy = sum(count * (y - mean_y) ** 2 for _, y, count in pairs)
    if xx <= 0 or yy <= 0:
        return None, n
    return sum(count * (x - mean_x) * (y - mean_y) for x, y, count in pairs) / math.sqrt(xx * yy), n
