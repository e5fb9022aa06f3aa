"""What stands out in the numbers, as plain sentences with the conversations behind them. Knows no widget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from convstore.checks import CHECKS
from convstore.model import Filter, ScoreRange
from convstore.queries.statistics.findings import FindingCount
from convstore.queries.statistics.scores import Breakdown, Correlation, DimensionScores
from convstore.ui.words import number

__all__ = ["WORDS", "Standout", "standouts"]

#: The dimensions as the screens say them.
WORDS: Mapping[str, str] = {
    "quality": "Quality",
    "empathy": "Empathy",
    "clarity": "Clarity",
    "appropriateness": "Appropriateness",
    "brand_voice": "Brand voice",
}
_MOST = 6
#: People and files are said to differ from this difference of the means on, months to drift too.
_LEAST_DIFFERENCE = 0.25
_LEAST_DRIFT = 0.3
#: Two dimensions that move together this closely say the same thing twice.
_SAME = 0.95
_FEW = 20


@dataclass(frozen=True, slots=True)
class Standout:
    """One sentence; `link` leads to `wanted` where there is something behind it."""

    icon: str
    sentence: str
    link: str | None = None
    wanted: Filter | None = None


def standouts(
    wanted: Filter,
    scores: Mapping[str, DimensionScores],
    findings: Sequence[FindingCount],
    correlations: Sequence[Correlation],
    months: Breakdown,
) -> list[Standout]:
    """The most telling ones, at most six."""
    found = [
        *_uninformative(wanted, scores),
        *_differences(wanted, scores),
        *_findings(wanted, scores["quality"].file.total, findings),
        *_unscored(wanted, scores),
        *_same(correlations),
        *_drift(months),
    ]
    return found[:_MOST]


def _uninformative(wanted: Filter, scores: Mapping[str, DimensionScores]) -> Iterator[Standout]:
    for name, one in scores.items():
        value = one.file.only_value
        if value is not None:
            yield Standout(
                ":gray[:material/block:]",
                f"The file column {WORDS[name]} says {value:.1f} everywhere. It carries no information.",
                f"{number(one.file.present)} conversations",
                _also(wanted, f"file.{name}", value, value),
            )


def _differences(wanted: Filter, scores: Mapping[str, DimensionScores]) -> Iterator[Standout]:
    ranked = sorted(scores.items(), key=lambda item: -abs(item[1].mean_difference or 0))
    for name, one in ranked[:1]:
        difference = one.mean_difference
        if difference is None or abs(difference) < _LEAST_DIFFERENCE or one.both < _FEW:
            continue
        direction = "lower" if difference < 0 else "higher"
        link = f"{number(one.different)} differ by 1 or more" if one.different else None
        yield Standout(
            ":orange[:material/trending_down:]" if difference < 0 else ":orange[:material/trending_up:]",
            f"People score {WORDS[name].lower()} {abs(difference):.1f} points {direction} than the files do.",
            link,
            _also(wanted, f"difference.{name}", Decimal(1), Decimal(4)),
        )


def _findings(wanted: Filter, total: int, findings: Sequence[FindingCount]) -> Iterator[Standout]:
    grave = [one for one in findings if one.code in CHECKS and CHECKS[one.code].severity == "error"]
    for one in grave[:2]:
        if one.conversations:
            label = CHECKS[one.code].label
            share = 100 * one.conversations / total if total else 0
            part = (
                f"{share:.0f} in a hundred conversations" if share >= 1 else "Less than one in a hundred conversations"
            )
            yield Standout(
                ":red[:material/error:]",
                f"{part} break training: {label.lower()}.",
                f"{number(one.conversations)} {label.lower()}",
                replace(wanted, findings=(one.code,)),
            )


def _unscored(wanted: Filter, scores: Mapping[str, DimensionScores]) -> Iterator[Standout]:
    quality = scores["quality"]
    if quality.file.total and quality.people.missing == quality.file.total:
        yield Standout(":gray[:material/person_off:]", "No conversation has been scored by people yet.")
    elif quality.file.missing and quality.file.missing < quality.file.total:
        yield Standout(
            ":gray[:material/help:]",
            f"The files of {number(quality.file.missing)} conversations give no quality.",
            "Not scored by anybody",
            replace(wanted, unscored=True),
        )


def _same(correlations: Sequence[Correlation]) -> Iterator[Standout]:
    for one in correlations:
        if one.value is not None and one.value >= _SAME and one.conversations >= _FEW:
            yield Standout(
                ":gray[:material/join_inner:]",
                f"{WORDS[one.one]} and {WORDS[one.other].lower()} of the files move as one:"
                f" the correlation is {one.value:.2f}.",
            )


def _drift(months: Breakdown) -> Iterator[Standout]:
    told = [group for group in months.groups if group.file.present >= _FEW]
    if len(told) < 2:
        return
    first, last = told[0].file.mean, told[-1].file.mean
    if first is not None and last is not None and abs(last - first) >= _LEAST_DRIFT:
        yield Standout(
            ":orange[:material/show_chart:]",
            f"Quality of the files went from {first:.1f} in {told[0].key:%B %Y} to {last:.1f} in {told[-1].key:%B %Y}.",
        )


def _also(wanted: Filter, dimension: str, low: Decimal, high: Decimal) -> Filter:
    return replace(wanted, scores=(*wanted.scores, ScoreRange(dimension, low, high)))
