"""The filters of a list as query parameters, named as the command line names them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, Query

from convstore.model import Filter, Status, Tier

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
    emotion: Annotated[list[str], _many("Emotions at the start or the end.")] = [],  # noqa: B006
    id: Annotated[list[str], _many("Conversation ids.")] = [],  # noqa: A002, B006
    min_quality: Annotated[Decimal | None, Query(ge=1, le=5, description="Least effective quality.")] = None,
    max_quality: Annotated[Decimal | None, Query(ge=1, le=5, description="Highest effective quality.")] = None,
    unscored: Annotated[bool, Query(description="Without any quality score.")] = False,
    since: Annotated[datetime | None, Query(description="Stored at or after.")] = None,
    until: Annotated[datetime | None, Query(description="Stored before.")] = None,
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
        ids=tuple(id),
        min_quality=min_quality,
        max_quality=max_quality,
        unscored=unscored,
        since=since,
        until=until,
        release=release,
        text=text,
    )


Wanted = Annotated[Filter, Depends(_wanted)]
