"""Counts by status, tier, persona, arc and topic: from the rollup, of matching rows, and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import psycopg

from benchmarks.measuring import Measurement, Target, interleave
from convstore.cache import Cache
from convstore.core import ConvStore
from convstore.model import Filter

__all__ = ["measure"]

_ALL = """
    SELECT status, tier, persona_key, emotional_arc_key, topic_key, count(*) FROM conversations
    WHERE workspace_id = %s AND is_active
    GROUP BY GROUPING SETS ((status), (tier), (persona_key), (emotional_arc_key), (topic_key))
"""


def measure(store: ConvStore) -> Iterator[Measurement]:
    """Cold with no, one and several restrictions, and kept."""
    persona = next(iter(store.facets().counts["persona"]))
    with psycopg.connect(store.database.admin_url, autocommit=True) as bare:
        for name, wanted, target in (
            ("no filter", Filter(), Target(ms=150)),
            ("approved", Filter(statuses=("approved",)), Target(ms=150)),
            ("one persona", Filter(personas=(persona,)), Target(ms=150)),
            ("approved, one persona (capped)", Filter(statuses=("approved",), personas=(persona,)), None),
            ("quality ≥ 4 (capped)", Filter(min_quality=Decimal(4)), None),
        ):
            product, limit = interleave([_facets(store, wanted), _grouped(bare, store)], runs=5)
            yield Measurement(
                group="facets",
                case=f"{name}, cold",
                product=product,
                limit=limit,
                target=target,
                note="limit: GROUPING SETS over every row",
            )
    keeping, resources = Cache(ttl_s=300), store.resources
    forgetful, resources.cache = resources.cache, keeping
    try:
        (kept,) = interleave([_facets(store, Filter())], runs=20)
    finally:
        resources.cache = forgetful
    yield Measurement(group="facets", case="no filter, kept", product=kept, target=Target(ms=5))


def _facets(store: ConvStore, wanted: Filter) -> Callable[[], object]:
    return lambda: store.facets(wanted)


def _grouped(connection: psycopg.Connection, store: ConvStore) -> Callable[[], object]:
    return lambda: connection.execute(_ALL, (store.actor.workspace_id,)).fetchall()
