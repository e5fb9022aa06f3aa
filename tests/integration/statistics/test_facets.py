"""The rollup tells what a count over the rows tells, whatever was done to them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from convstore.core import ConvStore
from convstore.database import Database, system_context
from convstore.model import Filter
from convstore.queries.rollup import FACETS, compact_facets

COLUMNS = {
    "status": "status",
    "tier": "tier",
    "persona": "persona_key",
    "arc": "emotional_arc_key",
    "topic": "topic_key",
}


def counted(database: Database, facet: str, where: str = "true") -> dict[str, int]:
    column = COLUMNS[facet]
    with database.admin() as connection:
        rows = connection.execute(
            f"SELECT {column}, count(*) FROM conversations"
            f" WHERE is_active AND {column} IS NOT NULL AND {where} GROUP BY 1"
        ).fetchall()
    return dict(rows)


def compact(database: Database) -> int:
    with database.transaction(system_context()) as connection:
        return compact_facets(connection)


@pytest.mark.parametrize("compacted", [False, True])
def test_facets_follow_every_kind_of_change(demo_store: ConvStore, compacted: bool) -> None:
    database = demo_store.database
    rows = [row.conversation_id for row in demo_store.search(Filter(statuses=("pending_review",)), limit=30).items]
    demo_store.delete(rows[:3])
    batch = demo_store.review(rows[3:9], status="approved").batch_id
    demo_store.undo(batch)
    demo_store.review(rows[9:15], status="rejected")
    demo_store.restore(rows[:1])
    demo_store.delete(rows[1:2], hard=True, confirm=True)
    with database.admin() as connection:
        connection.execute("UPDATE conversations SET persona_key = NULL WHERE conversation_id = %s", [rows[20]])
    if compacted:
        assert compact(database) > 0
        assert compact(database) == 0
        demo_store.review(rows[20:22], status="rejected")
    found = demo_store.facets()
    assert found.is_exact
    assert found.counts == {facet: counted(database, facet) for facet in FACETS}
    of_one = demo_store.facets(Filter(tiers=("scenario", "edge_case")))
    where = "tier IN ('scenario', 'edge_case')"
    assert of_one.counts == {facet: counted(database, facet, "true" if facet == "tier" else where) for facet in FACETS}


def test_other_filters_are_counted_by_rows(demo_store: ConvStore) -> None:
    found = demo_store.facets(Filter(statuses=("approved",), tiers=("template",), min_quality=Decimal(4)))
    assert found.is_exact
    good = "effective_quality >= 40"
    both = f"{good} AND status = 'approved' AND tier = 'template'"
    wheres = {"status": f"{good} AND tier = 'template'", "tier": f"{good} AND status = 'approved'"}
    assert found.counts == {facet: counted(demo_store.database, facet, wheres.get(facet, both)) for facet in FACETS}


def test_a_removed_workspace_leaves_nothing(demo_store: ConvStore) -> None:
    database = demo_store.database
    with database.admin() as connection:
        connection.execute("DELETE FROM release_items")
        connection.execute("DELETE FROM workspaces")
    compact(database)
    with database.admin() as connection:
        left = connection.execute("SELECT (SELECT count(*) FROM facet_changes), (SELECT count(*) FROM facet_counts)")
        assert left.fetchone() == (0, 0)
