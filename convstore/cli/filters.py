"""The filter options, the same for every command that works on a set of conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convstore.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from convstore.model import Filter, ScoreRange

__all__ = ["FILTER_OPTIONS", "build_filter"]

_GROUP = "Filters"


def _many(flag: str, text: str) -> Any:
    return Annotated[list[str] | None, typer.Option(flag, help=text, rich_help_panel=_GROUP)]


def _one(flag: str, text: str) -> Any:
    return Annotated[str | None, typer.Option(flag, help=text, rich_help_panel=_GROUP)]


#: Parameter name -> option. Several values of one filter are alternatives; different filters must all hold.
FILTER_OPTIONS: Mapping[str, Any] = {
    "statuses": _many("--status", "pending_review, needs_revision, approved, rejected or archived."),
    "tiers": _many("--tier", "template, scenario or edge_case."),
    "personas": _many("--persona", "Key of a persona."),
    "arcs": _many("--arc", "Key of an emotional arc."),
    "topics": _many("--topic", "Key of a topic."),
    "categories": _many("--category", "Category of the file."),
    "sources": _many("--source", "Name of the file it came from."),
    "min_quality": _one("--min-quality", "Least effective quality, 1 to 5."),
    "max_quality": _one("--max-quality", "Highest effective quality, 1 to 5."),
    "unscored": Annotated[bool, typer.Option("--unscored", help="Without any quality score.", rich_help_panel=_GROUP)],
    "scores": _many("--score", "DIM:MIN..MAX, such as empathy:3.5..5."),
    "emotions": _many("--emotion", "Emotion at the start or at the end; FIRST>LAST for both."),
    "findings": _many("--finding", "Code of a finding that is not dismissed."),
    "reviewers": _many("--reviewer", "E-mail or name of somebody who reviewed it."),
    "since": _one("--since", "Stored on or after this date or time."),
    "until": _one("--until", "Stored before this time, or up to the end of this date."),
    "group": _one("--group", "Id of a duplicate group."),
    "release": _one("--release", "Name or id of a release that holds it."),
    "processing": _many("--processing", "queued, processing, completed or failed."),
    "text": _one("--text", 'Words in any turn; "a phrase", -not, or.'),
    "ids": _many("--id", "Conversation id."),
}


def build_filter(options: Mapping[str, Any]) -> Filter:
    """The filter that the options mean.

    Raises
    ------
    UsageError
        Names the option that cannot be read.
    """
    from convstore.model import Filter

    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    for name in ("statuses", "tiers", "personas", "arcs", "topics", "categories", "sources", "emotions", "findings",
                 "reviewers", "processing", "ids"):  # fmt: skip
        given[name] = given[name] or ()
    given["scores"] = tuple(_score_range(text) for text in given["scores"] or ())
    for name in ("min_quality", "max_quality"):
        given[name] = None if given[name] is None else _score(given[name], f"--{name.replace('_', '-')}")
    given["since"] = _moment(given["since"], "--since", end_of_day=False)
    given["until"] = _moment(given["until"], "--until", end_of_day=True)
    return Filter(**given)


def _score(text: str, option: str) -> Decimal:
    from convstore.scores import parse_score

    score = parse_score(text)
    if score is None:
        raise UsageError(f"{option} {text}: scores run from 1 to 5", hint=f"Give a number, such as {option} 3.5.")
    return score


def _score_range(text: str) -> ScoreRange:
    from convstore.model import DIMENSIONS, ScoreRange

    dimension, colon, limits = text.partition(":")
    low, dots, high = limits.partition("..")
    if not colon or not dots or dimension not in DIMENSIONS:
        raise UsageError(
            f"--score {text}: not DIM:MIN..MAX",
            hint=f"For example empathy:3.5..5; DIM is one of {', '.join(DIMENSIONS)}.",
        )
    return ScoreRange(dimension, _score(low or "1", "--score"), _score(high or "5", "--score"))


def _moment(text: str | None, option: str, *, end_of_day: bool) -> datetime | None:
    from datetime import UTC, datetime, timedelta

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text}: not a date or time", hint="Give it like 2026-03-14 or 2026-03-14T16:20."
        ) from None
    if end_of_day and len(text) == len("2026-03-14"):
        moment += timedelta(days=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
