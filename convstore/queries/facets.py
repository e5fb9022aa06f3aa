"""How many conversations there are by status, tier, persona, arc and topic. Reads the rollup wherever that answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Integer, Text, func, select, text
from sqlalchemy.dialects.postgresql import array

from convstore.database.tables import conversations
from convstore.model import Filter
from convstore.queries.conversations import EXACT_TOTAL, matching

__all__ = ["FACETS", "MOST_PENDING", "Facets", "compact_facets", "count_facets", "count_pending_changes"]

#: Each facet with the field of `Filter` that restricts it.
FACETS: Mapping[str, str] = MappingProxyType(
    {"status": "statuses", "tier": "tiers", "persona": "personas", "arc": "arcs", "topic": "topics"}
)
#: Changes that readers add up themselves; more are folded first.
MOST_PENDING = 20_000

_COLUMNS = {
    "status": conversations.c.status,
    "tier": conversations.c.tier,
    "persona": conversations.c.persona_key,
    "arc": conversations.c.emotional_arc_key,
    "topic": conversations.c.topic_key,
}

# The two halves see one snapshot, so a compaction in between changes nothing.
_ROLLUP = text(
    """
    SELECT facet, value, sum(n)::bigint
    FROM (
        SELECT facet, value, count AS n
        FROM facet_counts
        WHERE workspace_id = :workspace_id AND given = :given AND given_value = ANY (:values)
        UNION ALL
        SELECT f.facet, f.value, c.delta
        FROM facet_changes AS c
        CROSS JOIN LATERAL (
            VALUES ('status', c.status), ('tier', c.tier), ('persona', c.persona), ('arc', c.arc), ('topic', c.topic)
        ) AS f (facet, value)
        WHERE c.workspace_id = :workspace_id
          AND CASE :given
                  WHEN 'status' THEN c.status WHEN 'tier' THEN c.tier WHEN 'persona' THEN c.persona
                  WHEN 'arc' THEN c.arc WHEN 'topic' THEN c.topic ELSE ''
              END = ANY (:values)
    ) AS counted
    WHERE value <> ''
    GROUP BY facet, value
    HAVING sum(n) <> 0
    ORDER BY facet, value
    """
).columns(facet=Text, value=Text, n=Integer)


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
        counts = _from_rollup(connection, workspace_id, "", ("",))
        for facet in restricted:
            given = _from_rollup(connection, workspace_id, facet, tuple(set(getattr(wanted, FACETS[facet]))))
            counts = {**{name: given.get(name, {}) for name in FACETS}, facet: counts.get(facet, {})}
        return Facets(counts={facet: counts.get(facet, {}) for facet in FACETS})
    return _from_rows(connection, wanted, workspace_id, restricted)


def count_pending_changes(connection: Connection, workspace_id: UUID, *, most: int) -> int:
    """How many changes wait for compaction; counts to `most`."""
    statement = text("SELECT count(*) FROM (SELECT FROM facet_changes WHERE workspace_id = :id LIMIT :most) AS few")
    return int(connection.execute(statement, {"id": workspace_id, "most": most}).scalar_one())


def compact_facets(connection: Connection) -> int:
    """Fold the appended changes of every workspace into the counts; how many there were. Needs the service role."""
    return int(connection.execute(select(func.convstore.compact_facets())).scalar_one())


def _without(wanted: Filter, facets: Iterable[str]) -> Filter:
    nothing: dict[str, Any] = {FACETS[facet]: () for facet in facets}
    return replace(wanted, **nothing)


def _from_rollup(
    connection: Connection, workspace_id: UUID, given: str, values: tuple[str, ...]
) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    rows = connection.execute(_ROLLUP, {"workspace_id": workspace_id, "given": given, "values": list(values)})
    for facet, value, count in rows:
        found.setdefault(facet, {})[value] = int(count)
    return found


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
