"""With row security on, the queries of every screen are still answered from indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Connection

from convstore.database import Context, Database
from convstore.model import Filter
from convstore.queries.pages import list_conversations
from convstore.queries.turns import TURNS
from tests.fixtures_database import Server
from tests.integration.search.statements import watched

WORKSPACES, CONVERSATIONS = 10, 20_000

_FILL = """
SET LOCAL session_replication_role = replica;
INSERT INTO workspaces (slug, name) SELECT 'w' || n, 'W' || n FROM generate_series(1, %(workspaces)s) AS n;
INSERT INTO workspace_members (workspace_id, user_id, role)
SELECT w.id, p.id, 'viewer' FROM workspaces AS w, profiles AS p WHERE w.slug = 'w1' AND p.issuer = 'local';
INSERT INTO conversations (workspace_id, conversation_id, conversation_name, turn_count, status, quality_score,
                           file_size, file_path, created_by, created_at, turns_sha256, content_sha256, content_bytes,
                           format)
SELECT w.id, 'c' || n, 'Conversation ' || n, 2, CASE WHEN n %% 7 = 0 THEN 'approved' ELSE 'pending_review' END,
       1 + (n %% 41) / 10.0, 1, 'p/' || n, p.id, now() - n * interval '1 minute', md5(n::text), md5(n::text), 1, 'chat'
FROM generate_series(1, %(conversations)s) AS n
JOIN workspaces AS w ON w.slug = 'w' || 1 + n %% %(workspaces)s
CROSS JOIN profiles AS p WHERE p.issuer = 'local';
INSERT INTO conversation_turns (workspace_id, conversation_id, turn_number, role, content, word_count, sentence_count)
SELECT c.workspace_id, c.id, t, CASE t WHEN 1 THEN 'user' ELSE 'assistant' END,
       'common words ' || CASE WHEN c.conversation_id LIKE 'c10%%0' THEN 'rareword' ELSE 'others' END, 3, 1
FROM conversations AS c, generate_series(1, 2) AS t;
SELECT convstore.write_texts(ARRAY(SELECT id FROM conversations));
SET LOCAL session_replication_role = origin;
"""


@pytest.fixture(scope="module")
def filled(server: Server, template: str) -> Iterator[tuple[Database, UUID, UUID]]:
    """A database with many conversations, a member of one workspace, and that workspace."""
    server.create("test_plans", template)
    database = Database(server.url("test_plans", user="convstore_app"), admin_url=server.url("test_plans"))
    with database.admin() as connection:
        filling = _FILL % {"workspaces": WORKSPACES, "conversations": CONVERSATIONS}
        connection.execute(filling)
        row = connection.execute(
            "SELECT m.user_id, m.workspace_id FROM workspace_members AS m JOIN workspaces AS w ON w.id = m.workspace_id"
            " WHERE w.slug = 'w1'"
        ).fetchone()
    with database.admin(autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    assert row is not None
    yield database, row[0], row[1]
    database.close()
    server.drop("test_plans")


def plan_of(connection: Connection, statement: str, parameters: object) -> str:
    rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("wanted", "sort", "index"),
    [
        (Filter(), "created", "idx_conversations_created"),
        (Filter(), "quality", "idx_conversations_quality"),
        (Filter(statuses=("approved",)), "created", "idx_conversations_status"),
        (Filter(min_quality="4.9"), "quality", "idx_conversations_quality"),  # type: ignore[arg-type]
    ],
    ids=["page", "quality sort", "status", "least quality"],
)
def test_pages_use_index_conditions(filled: tuple[Database, UUID, UUID], wanted: Filter, sort: str, index: str) -> None:
    database, user, workspace = filled
    with database.transaction(Context(user_id=user), read_only=True) as connection:
        with watched() as asked:
            list_conversations(connection, wanted, workspace, sort=sort, order="desc", limit=25, cursor=None)  # type: ignore[arg-type]
        plans = [plan_of(connection, *one) for one in asked if "FROM conversations" in one[0].replace("\n", " ")]
    assert plans
    assert any(index in plan for plan in plans), plans
    assert all("Seq Scan on conversations" not in plan for plan in plans), plans
    assert all(re.search(r"Index Cond: \(+workspace_id = ", plan) for plan in plans), plans


def test_turns_use_index_conditions(filled: tuple[Database, UUID, UUID]) -> None:
    database, user, workspace = filled
    with database.transaction(Context(user_id=user), read_only=True) as connection:
        row = connection.exec_driver_sql("SELECT id FROM conversations WHERE workspace_id = %s LIMIT 1", (workspace,))
        conversation = row.scalar_one()
        plan = TURNS.explain(connection, workspace_id=workspace, conversation_id=conversation)
    assert "unique_conversation_turn" in plan
    assert "Index Cond" in plan
    assert "Seq Scan on conversation_turns" not in plan


def test_rare_words_are_found_through_their_index(filled: tuple[Database, UUID, UUID]) -> None:
    """The function's own plan is not shown by EXPLAIN: the server's log of nested statements is asked instead."""
    database, user, workspace = filled
    with database.admin() as connection:
        connection.execute("LOAD 'auto_explain'")
        for name, value in (("log_min_duration", "0"), ("log_nested_statements", "on"), ("log_level", "notice")):
            connection.execute("SELECT set_config(%s, %s, false)", [f"auto_explain.{name}", value])
        notices: list[str] = []
        connection.add_notice_handler(lambda diagnostic: notices.append(diagnostic.message_primary or ""))
        connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [f'{{"sub": "{user}"}}'])
        connection.execute("SET LOCAL ROLE authenticated")
        query = "SELECT count(*) FROM convstore.search_texts(%s, 'rareword')"
        assert connection.execute(query, [workspace]).fetchone() != (0,)
    (plan,) = (notice for notice in notices if "conversation_texts" in notice)
    assert "idx_texts_words" in plan
    assert "Index Cond" in plan
