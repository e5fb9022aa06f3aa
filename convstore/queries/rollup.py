"""Counts that are kept, by facet and by pairs of facets, so that nobody counts a million rows. See 7_facets.sql."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Integer, Text, func, select, text

from convstore.lifecycle import STATUSES
from convstore.model import Filter

__all__ = ["FACETS", "MOST_PENDING", "compact_facets", "count_pending_changes", "count_under", "find_total"]

#: Each facet with the field of `Filter` that restricts it.
FACETS: Mapping[str, str] = MappingProxyType(
    {"status": "statuses", "tier": "tiers", "persona": "personas", "arc": "arcs", "topic": "topics"}
)
#: Changes that readers add up themselves; more are folded first.
MOST_PENDING = 5_000

# Of both statements the two halves see one snapshot, so a compaction in between changes nothing.
_UNDER = text(
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

_TOTAL = text(
    """
    SELECT coalesce((
        SELECT sum(count) FROM facet_counts
        WHERE workspace_id = :workspace_id AND given = :given AND given_value = ANY (:given_values)
          AND facet = :facet AND value = ANY (:values)
    ), 0) + coalesce((
        SELECT sum(c.delta) FROM facet_changes AS c
        CROSS JOIN LATERAL (
            VALUES ('', ''), ('status', c.status), ('tier', c.tier), ('persona', c.persona), ('arc', c.arc),
                   ('topic', c.topic)
        ) AS g (facet, value)
        CROSS JOIN LATERAL (
            VALUES ('status', c.status), ('tier', c.tier), ('persona', c.persona), ('arc', c.arc), ('topic', c.topic)
        ) AS f (facet, value)
        WHERE c.workspace_id = :workspace_id AND g.facet = :given AND g.value = ANY (:given_values)
          AND f.facet = :facet AND f.value = ANY (:values)
    ), 0)
    """
)


def find_total(connection: Connection, wanted: Filter, workspace_id: UUID) -> int | None:
    """How many conversations match, however many; None unless the filter restricts at most two facets and no more."""
    restricted = [
        (facet, sorted({*getattr(wanted, field)})) for facet, field in FACETS.items() if getattr(wanted, field)
    ]
    if len(restricted) > 2 or _without_facets(wanted) != Filter():
        return None
    (given, given_values), (facet, values) = [("", [""]), ("status", list(STATUSES)), *restricted][-2:]
    if len(restricted) == 1:
        given, given_values = "", [""]
    names = {"given": given, "given_values": given_values, "facet": facet, "values": values}
    return int(connection.execute(_TOTAL, {"workspace_id": workspace_id, **names}).scalar_one())


def count_under(
    connection: Connection, workspace_id: UUID, given: str = "", values: tuple[str, ...] = ("",)
) -> dict[str, dict[str, int]]:
    """Conversations by facet and value, of all or under some values of one facet; what none has is not there."""
    found: dict[str, dict[str, int]] = {}
    rows = connection.execute(_UNDER, {"workspace_id": workspace_id, "given": given, "values": list(values)})
    for facet, value, count in rows:
        found.setdefault(facet, {})[value] = int(count)
    return found


def count_pending_changes(connection: Connection, workspace_id: UUID, *, most: int) -> int:
    """How many changes wait for compaction; counts to `most`."""
    statement = text("SELECT count(*) FROM (SELECT FROM facet_changes WHERE workspace_id = :id LIMIT :most) AS few")
    return int(connection.execute(statement, {"id": workspace_id, "most": most}).scalar_one())


def compact_facets(connection: Connection) -> int:
    """Fold the appended changes of every workspace into the counts; how many there were. Needs the service role."""
    return int(connection.execute(select(func.convstore.compact_facets())).scalar_one())


def _without_facets(wanted: Filter) -> Filter:
    nothing: dict[str, Any] = dict.fromkeys(FACETS.values(), ())
    return replace(wanted, **nothing)
