"""What a page costs: few statements, nothing heavy in them, and the right index behind row-level security."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from convstore.core import ConvStore
from convstore.database import Context
from convstore.database.tables import conversation_turns
from convstore.model import Filter, Sort
from convstore.queries.pages import list_conversations
from convstore.queries.searching import RARE_TEXT
from tests.integration.search.statements import insert_rows, watched

_HEAVY = ("conversation_turns.content", "system_prompt", ".extra", "intensities", "jsonb")


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(text="pension"),
        Filter(statuses=("approved",), text='"the pension" -house', findings=("arc_missed",), reviewers=("Jana",)),
    ],
)
def test_three_statements_at_most_and_no_content(demo_store: ConvStore, wanted: Filter) -> None:
    with watched() as seen:
        demo_store.search(wanted)
    assert 2 <= len(seen) <= 3
    for statement, _ in seen:
        assert not [word for word in _HEAVY if word in statement]
    assert conversation_turns.c.content.name == "content"


def test_pages_and_counts_are_asked_once(demo_store: ConvStore) -> None:
    first, total = demo_store.search(), demo_store.count()
    with watched() as seen:
        assert (demo_store.search(), demo_store.count()) == (first, total)
    assert seen == []


def test_frequent_words(store: ConvStore) -> None:
    insert_rows(store, RARE_TEXT + 300, turns="the common word and number x{n}x")
    assert store.count(Filter(text="common")) == (RARE_TEXT + 300, True)
    assert store.count(Filter(text="common -x7x")) == (RARE_TEXT + 299, True)
    assert [row.conversation_id for row in store.search(Filter(text="x7x")).items] == ["made-7"]
    seen: list[str] = []
    cursor = None
    while True:
        page = store.search(Filter(text="common"), limit=1000, cursor=cursor)
        seen += [row.conversation_id for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == RARE_TEXT + 300


def explained(store: ConvStore, wanted: Filter, sort: Sort, cursor: str | None = None) -> list[dict[str, Any]]:
    """The plan of a page's own statement, under the person's own policies; every node of it."""
    with store.database.transaction(Context.of(store.actor), read_only=True) as connection:
        with watched() as seen:
            list_conversations(connection, wanted, store.actor.workspace_id, sort=sort, cursor=cursor)
        [(statement, parameters)] = [one for one in seen if "ORDER BY conversations." in one[0]]
        [(plan,)] = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).all()
    nodes = [plan[0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", [])
    return nodes


@pytest.fixture
def large_store(store: ConvStore) -> ConvStore:
    insert_rows(store, 50_000)
    return store


def test_plans_of_fifty_thousand_rows(large_store: ConvStore) -> None:
    asked: list[tuple[Filter, Sort, str]] = [
        (Filter(), "created", "idx_conversations_created"),
        (Filter(), "quality", "idx_conversations_quality"),
        (Filter(), "updated", "idx_conversations_updated"),
        (Filter(), "name", "idx_conversations_name"),
        (Filter(statuses=("approved",)), "created", "idx_conversations_status"),
        (Filter(personas=("persona-1",)), "created", "idx_conversations_persona"),
        (Filter(topics=("topic-1",)), "created", "idx_conversations_topic"),
    ]
    for wanted, sort, index in asked:
        following = large_store.search(wanted, sort=sort, limit=25).next
        for cursor in (None, following):
            nodes = explained(large_store, wanted, sort, cursor)
            scans = [node for node in nodes if node.get("Relation Name") == "conversations"]
            assert [node["Node Type"] for node in scans] == ["Index Scan"], (index, scans)
            assert scans[0]["Index Name"] == index
            assert "workspace_id = " in scans[0]["Index Cond"]
            if cursor:
                assert "ROW(" in scans[0]["Index Cond"], scans[0]
            assert not [node for node in nodes if node["Node Type"] == "Sort" and node.get("Plan Rows", 0) > 100]


def test_policies_are_on_in_these_plans(large_store: ConvStore) -> None:
    [scan] = [n for n in explained(large_store, Filter(), "created") if n.get("Relation Name") == "conversations"]
    assert "hashed SubPlan" in scan["Filter"] or "SubPlan" in scan["Filter"]
    with large_store.database.transaction(Context.of(large_store.actor), read_only=True) as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == "authenticated"
