"""Scores of files and of people: distributions, what they depend on, how they move together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import combinations, combinations_with_replacement
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Text, cast, func, select, text

from convstore.database.tables import FILE_TENTHS_BITS, conversations, profiles, reviews
from convstore.errors import UsageError
from convstore.model import DIMENSIONS, Filter
from convstore.queries.matching import matching
from convstore.queries.statistics.distribution import Distribution, weighted_correlation

__all__ = [
    "MOST_GROUPS",
    "Breakdown",
    "By",
    "Correlation",
    "DimensionScores",
    "Group",
    "correlate_dimensions",
    "count_scores",
    "count_scores_by",
]

By = Literal["persona", "arc", "topic", "tier", "status", "source", "month", "reviewer"]

#: Most groups of a breakdown; the largest are shown and the number of the others is said.
MOST_GROUPS = 24
#: Two scores agree where they are less than this apart.
DIFFERENT = Decimal(1)

c = conversations.c

_KEYS: Mapping[str, ColumnElement[Any]] = {
    "persona": c.persona_key,
    "arc": c.emotional_arc_key,
    "topic": c.topic_key,
    "tier": c.tier,
    "status": c.status,
    "source": c.source_name,
    "month": func.date_trunc("month", c.created_at),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionScores:
    """One dimension: what files say, what people say, and how far apart they are where both say something."""

    file: Distribution
    people: Distribution
    pairs: Mapping[tuple[Decimal, Decimal], int]

    @property
    def both(self) -> int:
        """Conversations that files and people scored."""
        return sum(self.pairs.values())

    @property
    def different(self) -> int:
        """Of these, how many are a point or more apart."""
        return sum(count for (file, people), count in self.pairs.items() if abs(file - people) >= DIFFERENT)

    @property
    def mean_difference(self) -> float | None:
        """People minus file, in the mean; None where nobody scored the same conversation."""
        both = self.both
        return float(sum((people - file) * n for (file, people), n in self.pairs.items()) / both) if both else None

    @property
    def correlation(self) -> float | None:
        """Pearson's correlation of file and people."""
        return weighted_correlation((float(file), float(people), n) for (file, people), n in self.pairs.items())[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Conversations with one key; None is those without one. A month is its first day."""

    key: str | datetime | None
    file: Distribution
    people: Distribution

    @property
    def total(self) -> int:
        """How many there are: of reviewers, reviews."""
        return self.people.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Groups, the largest first, months in their order; `left_out` says how many groups are not shown."""

    by: By
    dimension: str
    groups: tuple[Group, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """How two dimensions of the files move together; `value` is None where one of them never varies."""

    one: str
    other: str
    value: float | None
    conversations: int


def count_scores(connection: Connection, wanted: Filter, workspace_id: UUID) -> dict[str, DimensionScores]:
    """Every dimension, one grouped count each."""
    where = matching(connection, wanted, workspace_id)
    found = {}
    for name, column in DIMENSIONS.items():
        file, people = c[column], c[f"human_{column}"]
        rows = connection.execute(select(file, people, func.count()).where(*where).group_by(file, people)).all()
        found[name] = DimensionScores(
            file=Distribution.of((one, count) for one, _, count in rows),
            people=Distribution.of((other, count) for _, other, count in rows),
            pairs={(one, other): count for one, other, count in rows if one is not None and other is not None},
        )
    return found


def count_scores_by(
    connection: Connection, wanted: Filter, workspace_id: UUID, *, by: By, dimension: str = "quality"
) -> Breakdown:
    """One dimension by persona, arc, topic, tier, status, source, month or reviewer.

    Raises
    ------
    UsageError
        No such grouping or dimension.
    """
    if by not in get_args(By) or dimension not in DIMENSIONS:
        raise UsageError(
            f"there is no {dimension} by {by}",
            hint=f"Dimensions are {', '.join(DIMENSIONS)}; they go by {', '.join(get_args(By))}.",
        )
    where = matching(connection, wanted, workspace_id)
    if by == "reviewer":
        return _by_reviewer(connection, where, workspace_id, dimension)
    column = DIMENSIONS[dimension]
    key, file, people = _KEYS[by].label("key"), c[column].label("file"), c[f"human_{column}"].label("people")
    # By its position: the same expression with other bound values would be another one to the server.
    query = select(key, file, people, func.count().label("n")).where(*where).group_by(text("1"), file, people)
    rows, left_out = _of_largest(connection, query) if by == "source" else (connection.execute(query).all(), 0)
    by_key: dict[Any, list[tuple[Any, Any, int]]] = {}
    for group, one, other, count in rows:
        by_key.setdefault(group, []).append((one, other, count))
    groups = [
        Group(
            key=group,
            file=Distribution.of((one, count) for one, _, count in values),
            people=Distribution.of((other, count) for _, other, count in values),
        )
        for group, values in by_key.items()
    ]
    return _ordered(by, dimension, groups, left_out)


def _of_largest(connection: Connection, query: Select[Any]) -> tuple[list[tuple[Any, ...]], int]:
    """The rows of the groups with most conversations, and how many groups there are besides.

    There may be as many sources as conversations; they are counted once all the same.
    """
    each = query.cte("each").prefix_with("MATERIALIZED", dialect="postgresql")
    many = func.sum(each.c.n)
    largest = (
        select(each.c.key, func.count().over().label("groups"))
        .group_by(each.c.key)
        .order_by(many.desc(), each.c.key)
        .limit(MOST_GROUPS)
        .cte("largest")
    )
    same = func.coalesce(each.c.key, "") == func.coalesce(largest.c.key, "")
    both = each.join(largest, same & (each.c.key.is_(None) == largest.c.key.is_(None)))
    rows = connection.execute(select(*each.c, largest.c.groups).select_from(both)).all()
    groups = rows[0].groups if rows else 0
    return [tuple(row)[:4] for row in rows], max(0, groups - MOST_GROUPS)


def _by_reviewer(
    connection: Connection, where: Sequence[ColumnElement[bool]], workspace_id: UUID, dimension: str
) -> Breakdown:
    r = reviews.c
    score = r[DIMENSIONS[dimension]]
    name = func.coalesce(profiles.c.name, "a former member")
    reviewed = conversations.join(
        reviews, (r.workspace_id == workspace_id) & (r.conversation_id == c.id) & (r.turns_sha256 == c.turns_sha256)
    ).outerjoin(profiles, profiles.c.id == r.reviewer_id)
    query = select(cast(name, Text).label("key"), score, func.count()).select_from(reviewed).where(*where)
    by_name: dict[str, list[tuple[Any, int]]] = {}
    for key, value, count in connection.execute(query.group_by(text("1"), score)):
        by_name.setdefault(key, []).append((value, count))
    groups = [Group(key=key, file=Distribution({}), people=Distribution.of(values)) for key, values in by_name.items()]
    return _ordered("reviewer", dimension, groups, 0)


def _ordered(by: By, dimension: str, groups: list[Group], left_out: int) -> Breakdown:
    if by == "month":
        groups.sort(key=lambda group: str(group.key))
        shown = groups[-MOST_GROUPS:]
    else:
        groups.sort(key=lambda group: (-group.total, str(group.key)))
        shown = groups[:MOST_GROUPS]
    return Breakdown(by=by, dimension=dimension, groups=tuple(shown), left_out=left_out + len(groups) - len(shown))


def correlate_dimensions(connection: Connection, wanted: Filter, workspace_id: UUID) -> tuple[Correlation, ...]:
    """Every pair of the files' dimensions, in the order of the dimensions.

    One pass adds up whole numbers, so nothing is rounded: of the conversations that carry the same dimensions, their
    number, and the sums of every score and of every product of two.
    """
    mask = (1 << FILE_TENTHS_BITS) - 1
    tenths = {
        name: c.file_tenths.bitwise_rshift(FILE_TENTHS_BITS * place).bitwise_and(mask)
        for place, name in enumerate(DIMENSIONS)
    }
    sums = {
        (one, other): func.sum(tenths[one] * tenths[other]).label(f"{one}_{other}")
        for one, other in combinations_with_replacement(DIMENSIONS, 2)
    }
    carried = [(value > 0).label(f"has_{name}") for name, value in tenths.items()]
    totals = [func.sum(value).label(name) for name, value in tenths.items()]
    query = (
        select(*carried, func.count().label("n"), *totals, *sums.values())
        .where(*matching(connection, wanted, workspace_id))
        .group_by(*(text(str(place)) for place in range(1, len(carried) + 1)))
    )
    rows = connection.execute(query).mappings().all()
    found = []
    for one, other in combinations(DIMENSIONS, 2):
        both = [row for row in rows if row[f"has_{one}"] and row[f"has_{other}"]]
        n, x, y, xx, yy, xy = (
            sum(int(row[name]) for row in both)
            for name in ("n", one, other, f"{one}_{one}", f"{other}_{other}", f"{one}_{other}")
        )
        spread = (n * xx - x * x) * (n * yy - y * y)
        value = (n * xy - x * y) / math.sqrt(spread) if spread else None
        found.append(Correlation(one=one, other=other, value=value, conversations=n))
    return tuple(found)
