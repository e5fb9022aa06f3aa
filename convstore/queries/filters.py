"""From a `Filter` to conditions on `conversations`. Knows no order, no page, no connection and no text search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypeVar, get_args
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, and_, any_, cast, exists, func, literal, or_, true

from convstore.database.tables import (
    conversations,
    duplicate_members,
    findings,
    profiles,
    release_items,
    releases,
    reviews,
)
from convstore.emotions import normalise_emotion
from convstore.errors import UsageError
from convstore.lifecycle import STATUSES
from convstore.model import DIMENSIONS, Filter, Tier
from convstore.scores import tenths_at_least, tenths_at_most

__all__ = ["any_of", "conditions"]

T = TypeVar("T")

c = conversations.c

PROCESSING = ("queued", "processing", "completed", "failed")


def conditions(wanted: Filter, workspace_id: UUID) -> Iterator[ColumnElement[bool]]:
    """Every condition that a conversation must meet but for the text, the workspace first.

    Raises
    ------
    UsageError
        A dimension, group or score range that does not exist.
    """
    _check_words(wanted)
    for bound in (wanted.min_quality, wanted.max_quality):
        if bound is not None and not (bound.is_finite() and 0 <= bound <= 10):
            raise UsageError(f"{bound} is no quality", hint="Scores run from 1 to 5.")
    yield c.workspace_id == workspace_id
    yield c.is_active
    yield from _of_columns(wanted)
    yield from _of_scores(wanted)
    yield from _of_other_tables(wanted, workspace_id)


def _check_words(wanted: Filter) -> None:
    for what, values, known in (
        ("status", wanted.statuses, STATUSES),
        ("tier", wanted.tiers, get_args(Tier)),
        ("processing status", wanted.processing, PROCESSING),
    ):
        for value in values:
            if value not in known:
                raise UsageError(f"there is no {what} {value!r}", hint=f"Choose among {', '.join(known)}.")


def _of_columns(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    for column, values in (
        (c.status, wanted.statuses),
        (c.tier, wanted.tiers),
        (c.persona_key, wanted.personas),
        (c.emotional_arc_key, wanted.arcs),
        (c.topic_key, wanted.topics),
        (c.category, wanted.categories),
        (c.source_name, wanted.sources),
        (c.processing_status, wanted.processing),
    ):
        if values:
            yield _one_of(column, values)
    if wanted.emotions:
        yield or_(*map(_feels, wanted.emotions))
    if wanted.since is not None:
        yield c.created_at >= wanted.since
    if wanted.until is not None:
        yield c.created_at < wanted.until
    if wanted.ids:
        rows = [found for value in wanted.ids if (found := _uuid_or_none(value)) is not None]
        yield or_(any_of(c.conversation_id, wanted.ids), any_of(c.id, rows))


def _of_scores(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    if wanted.unscored:
        yield c.effective_quality == 0
    if wanted.min_quality is not None:
        yield c.effective_quality >= tenths_at_least(wanted.min_quality)
    if wanted.max_quality is not None:
        yield c.effective_quality <= tenths_at_most(wanted.max_quality)
        yield c.effective_quality > 0
    for limits in wanted.scores:
        yield _dimension(limits.dimension).between(limits.minimum, limits.maximum)


def _of_other_tables(wanted: Filter, workspace_id: UUID) -> Iterator[ColumnElement[bool]]:
    if wanted.findings:
        yield exists().where(
            findings.c.workspace_id == workspace_id,
            findings.c.conversation_id == c.id,
            findings.c.code.in_(wanted.findings),
            findings.c.dismissed_at.is_(None),
        )
    if wanted.reviewers:
        yield _reviewed_by(wanted.reviewers, workspace_id)
    if wanted.group is not None:
        yield exists().where(
            duplicate_members.c.workspace_id == workspace_id,
            duplicate_members.c.conversation_id == c.id,
            duplicate_members.c.group_id == _uuid(wanted.group, "group"),
        )
    if wanted.release is not None:
        yield exists().where(
            release_items.c.workspace_id == workspace_id,
            release_items.c.conversation_id == c.id,
            release_items.c.release_id == releases.c.id,
            releases.c.workspace_id == workspace_id,
            or_(releases.c.name == wanted.release, cast(releases.c.id, Text) == wanted.release),
        )


def _one_of(column: ColumnElement[str], values: tuple[str, ...]) -> ColumnElement[bool]:
    if "" in values:
        named = tuple(value for value in values if value)
        return or_(column.is_(None), _one_of(column, named)) if named else column.is_(None)
    # Equality lets an index on (column, order) serve the page in order; IN of one value would too, IN of two not.
    return column == values[0] if len(values) == 1 else column.in_(values)


def any_of(column: ColumnElement[T], values: Sequence[T]) -> ColumnElement[bool]:
    """The column is one of any number of values; IN takes a parameter each, and a statement has 65,535 at most."""
    return column == any_(literal(list(values), ARRAY(column.type)))


def _dimension(name: str) -> ColumnElement[Decimal]:
    """The effective score of a dimension; behind `file.`, `people.` or `difference.` that instead."""
    side, _, dimension = name.rpartition(".")
    if dimension not in DIMENSIONS or side not in ("", "file", "people", "difference"):
        raise UsageError(
            f"there is no dimension {name!r}",
            hint=f"Choose one of {', '.join(DIMENSIONS)}, alone or behind file., people. or difference.",
        )
    file, people = c[DIMENSIONS[dimension]], c[f"human_{DIMENSIONS[dimension]}"]
    if side == "difference":
        return func.abs(people - file)
    return {"file": file, "people": people}.get(side, func.coalesce(people, file))


def _feels(label: str) -> ColumnElement[bool]:
    """A feeling at either end, or `first>last`, of which one may be left open."""
    start, is_pair, end = (part if part == ">" else normalise_emotion(part) for part in label.partition(">"))
    first, last = _normalised(c.starting_emotion), _normalised(c.ending_emotion)
    if not is_pair:
        return or_(first == start, last == start)
    return and_(true(), *(side == name for side, name in ((first, start), (last, end)) if name))


def _normalised(column: ColumnElement[str | None]) -> ColumnElement[str]:
    return func.regexp_replace(func.lower(func.btrim(column)), r"[\s\-_]+", "_", "g")


def _reviewed_by(people: tuple[str, ...], workspace_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        reviews.c.workspace_id == workspace_id,
        reviews.c.conversation_id == c.id,
        reviews.c.reviewer_id == profiles.c.id,
        or_(
            profiles.c.email.in_([person.lower() for person in people]),
            profiles.c.name.in_(people),
            cast(profiles.c.id, Text).in_(people),
        ),
    )


def _uuid_or_none(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _uuid(value: str, what: str) -> UUID:
    found = _uuid_or_none(value)
    if found is None:
        raise UsageError(f"{value!r} is no {what}", hint=f"A {what} is named by its id.")
    return found
