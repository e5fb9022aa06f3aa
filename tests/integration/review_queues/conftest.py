"""A workspace with many small conversations, and colleagues of every role."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from convstore.core import ConvStore
from convstore.database import driver, system_context
from convstore.model import Role

Colleague = Callable[..., ConvStore]
Fill = Callable[[int], list[UUID]]

_TURNS = ("Where do I begin?", "With the one letter that has a date on it.")


@pytest.fixture
def colleague(store: ConvStore) -> Colleague:
    """Makes a member of the workspace and gives the same store as that person."""

    def make(name: str, role: Role = "reviewer", *, email: str | None = None) -> ConvStore:
        user_id = uuid4()
        workspace_id = store.actor.workspace_id
        with store.database.transaction(system_context()) as connection:
            cursor = driver(connection)
            cursor.execute(
                "INSERT INTO profiles (id, issuer, subject, name, email) VALUES (%s, 'test', %s, %s, %s)",
                (user_id, str(user_id), name, email or f"{name.lower()}@example.org"),
            )
            cursor.execute(
                "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (%s, %s, %s)",
                (workspace_id, user_id, role),
            )
        return ConvStore.for_person(store.resources, user_id=user_id, name=name, email=None)

    return make


@pytest.fixture
def fill(store: ConvStore) -> Fill:
    """Stores a number of conversations of two turns, all to review, the oldest first."""

    def store_many(count: int) -> list[UUID]:
        with store.database.admin() as connection:
            rows = connection.execute(
                """
                INSERT INTO conversations (workspace_id, conversation_id, conversation_name, turn_count, file_size,
                    file_path, created_by, created_at, turns_sha256, content_sha256, content_bytes, format)
                SELECT %(workspace)s, 'c-' || n, 'Conversation ' || n, 2, 1, %(person)s || '/x/y/z.gz',
                       %(person)s::uuid,
                       now() - make_interval(secs => %(count)s - n), encode(sha256(n::text::bytea), 'hex'),
                       encode(sha256(n::text::bytea), 'hex'), 1, 'chat'
                FROM generate_series(1, %(count)s) AS n
                RETURNING id
                """,
                {"workspace": store.actor.workspace_id, "person": str(store.actor.user_id), "count": count},
            ).fetchall()
            connection.execute(
                """
                INSERT INTO conversation_turns
                    (workspace_id, conversation_id, turn_number, role, content, word_count, sentence_count)
                SELECT c.workspace_id, c.id, t.n, CASE t.n WHEN 1 THEN 'user' ELSE 'assistant' END, t.said, 4, 1
                FROM conversations AS c, unnest(%s::text[]) WITH ORDINALITY AS t (said, n)
                """,
                (list(_TURNS),),
            )
        return [row[0] for row in rows]

    return store_many
