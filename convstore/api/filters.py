"""The filters of a list as query parameters, named as the command line names them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from convstore.errors import UsageError
from convstore.model import DIMENSIONS, Filter, ScoreRange, Status, Tier
from convstore.scores import parse_score

__all__ = ["Wanted"]


def _many(text: str) -> Any:
    return Query(description=text, max_length=200)


def _wanted(
    status: Annotated[list[Status], _many("Statuses.")] = [],  # noqa: B006 - FastAPI copies defaults
    tier: Annotated[list[Tier], _many("Tiers.")] = [],  # noqa: B006
    persona: Annotated[list[str], _many("Keys of personas.")] = [],  # noqa: B006
    arc: Annotated[list[str], _many("Keys of emotional arcs.")] = [],  # noqa: B006
    topic: Annotated[list[str], _many("Keys of topics.")] = [],  # noqa: B006
    category: Annotated[list[str], _many("Categories.")] = [],  # noqa: B006
    source: Annotated[list[str], _many("Names of source files.")] = [],  # noqa: B006
    finding: Annotated[list[str], _many("Codes of findings.")] = [],  # noqa: B006
    emotion: Annotated[list[str], _many("Emotions at the start or the end; first>last for both.")] = [],  # noqa: B006
    reviewer: Annotated[list[str], _many("E-mails or names of people who reviewed it.")] = [],  # noqa: B006
    processing: Annotated[
        list[Literal["queued", "processing", "completed", "failed"]], _many("How far the import is.")
    ] = [],  # noqa: B006
    score: Annotated[list[str], _many("DIM:MIN..MAX, such as empathy:3.5..5.")] = [],  # noqa: B006
    id: Annotated[list[str], _many("Conversation ids.")] = [],  # noqa: A002, B006
    min_quality: Annotated[Decimal | None, Query(ge=1, le=5, description="Least effective quality.")] = None,
    max_quality: Annotated[Decimal | None, Query(ge=1, le=5, description="Highest effective quality.")] = None,
    unscored: Annotated[bool, Query(description="Without any quality score.")] = False,
    since: Annotated[datetime | None, Query(description="Stored at or after.")] = None,
    until: Annotated[datetime | None, Query(description="Stored before.")] = None,
    group: Annotated[str | None, Query(max_length=200, description="Id of a duplicate group.")] = None,
    release: Annotated[str | None, Query(max_length=200, description="Name or id of a release.")] = None,
    text: Annotated[str | None, Query(max_length=500, description='Words in any turn; "a phrase", -not, or.')] = None,
) -> Filter:
    return Filter(
        statuses=tuple(status),
        tiers=tuple(tier),
        personas=tuple(persona),
        arcs=tuple(arc),
        topics=tuple(topic),
        categories=tuple(category),
        sources=tuple(source),
        findings=tuple(finding),
        emotions=tuple(emotion),
        reviewers=tuple(reviewer),
        processing=tuple(processing),
        scores=tuple(_score_range(text) for text in score),
        ids=tuple(id),
        min_quality=min_quality,
        max_quality=max_quality,
        unscored=unscored,
        since=since,
        until=until,
        group=group,
        release=release,
        text=text,
    )


def _score_range(text: str) -> ScoreRange:
    dimension, _, limits = text.partition(":")
    low, dots, high = limits.partition("..")
    minimum, maximum = parse_score(low or "1"), parse_score(high or "5")
    if dimension not in DIMENSIONS or not dots or minimum is None or maximum is None:
        raise UsageError(
            f"score={text}: not DIM:MIN..MAX",
            hint=f"For example empathy:3.5..5; DIM is one of {', '.join(DIMENSIONS)}.",
        )
    return ScoreRange(dimension, minimum, maximum)


Wanted = Annotated[Filter, Depends(_wanted)]
