"""How many conversations there are by status, tier, persona, arc and topic. Reads the rollup wherever that answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import array

from convstore.database.tables import conversations
from convstore.model import Filter
from convstore.queries.matching import matching
from convstore.queries.rollup import FACETS, count_under
from convstore.queries.totals import EXACT_TOTAL

__all__ = ["Facets", "count_facets"]

_COLUMNS = {
    "status": conversations.c.status,
    "tier": conversations.c.tier,
    "persona": conversations.c.persona_key,
    "arc": conversations.c.emotional_arc_key,
    "topic": conversations.c.topic_key,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Conversations by facet and value; values that no conversation has are not there.

    A facet that the filter itself restricts is counted as if it did not, so that its other values can be chosen.
    `is_exact` is False where more conversations match than were counted (10,000).
    """

    counts: Mapping[str, Mapping[str, int]]
    is_exact: bool = True


def count_facets(connection: Connection, wanted: Filter, workspace_id: UUID) -> Facets:
    """Counts of every facet: from the rollup if at most one facet is restricted, else of the matching rows."""
    restricted = [facet for facet, field in FACETS.items() if getattr(wanted, field)]
    bare = _without(wanted, FACETS)
    if bare == Filter() and len(restricted) <= 1:
        counts = count_under(connection, workspace_id)
        for facet in restricted:
            given = count_under(connection, workspace_id, facet, tuple(set(getattr(wanted, FACETS[facet]))))
            counts = {**{name: given.get(name, {}) for name in FACETS}, facet: counts.get(facet, {})}
        return Facets(counts={facet: counts.get(facet, {}) for facet in FACETS})
    return _from_rows(connection, wanted, workspace_id, restricted)


def _without(wanted: Filter, facets: Iterable[str]) -> Filter:
    nothing: dict[str, Any] = {FACETS[facet]: () for facet in facets}
    return replace(wanted, **nothing)


def _from_rows(connection: Connection, wanted: Filter, workspace_id: UUID, restricted: list[str]) -> Facets:
    others = tuple(facet for facet in FACETS if facet not in restricted)
    counts, is_exact = _count(connection, wanted, workspace_id, others)
    for facet in restricted:
        own, own_is_exact = _count(connection, _without(wanted, [facet]), workspace_id, (facet,))
        counts |= own
        is_exact = is_exact and own_is_exact
    return Facets(counts={facet: counts.get(facet, {}) for facet in FACETS}, is_exact=is_exact)


def _count(
    connection: Connection, wanted: Filter, workspace_id: UUID, facets: tuple[str, ...]
) -> tuple[dict[str, dict[str, int]], bool]:
    if not facets:
        return {}, True
    some = (
        select(*(_COLUMNS[facet].label(facet) for facet in facets))
        .where(*matching(connection, wanted, workspace_id, rows=EXACT_TOTAL + 1))
        .limit(EXACT_TOTAL + 1)
        .cte("matched")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    columns = [some.c[facet] for facet in facets]
    number = func.grouping(*columns)
    query = select(number, array(columns), func.count()).group_by(func.grouping_sets(*columns))
    found: dict[str, dict[str, int]] = {}
    total = 0
    for mask, values, count in connection.execute(query):
        place = next(i for i in range(len(facets)) if not mask >> (len(facets) - 1 - i) & 1)
        total += count if place == 0 else 0
        if values[place] is not None:
            found.setdefault(facets[place], {})[values[place]] = int(count)
    return found, total <= EXACT_TOTAL
