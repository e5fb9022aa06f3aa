"""Many rows cheaply, and what the database is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from convstore.core import ConvStore

__all__ = ["insert_rows", "watched"]


def insert_rows(store: ConvStore, count: int, *, start: int = 0, ties: bool = False, turns: str | None = None) -> None:
    """Rows of `conversations` past the import; with `ties`, a few values of every sort key; `turns` is one turn's text.

    In a text, `{n}` becomes the row's number.
    """
    keys = "n %% 4" if ties else "n"
    with store.database.admin() as connection:
        connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [f'{{"sub": "{store.actor.user_id}"}}'])
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            f"""
            INSERT INTO conversations (workspace_id, conversation_id, conversation_name, turn_count, tier,
                quality_score, file_size, file_path, storage_bucket, created_by, created_at, updated_at,
                turns_sha256, content_sha256,
                content_bytes, format, persona_key, emotional_arc_key, topic_key, status)
            SELECT %s, 'made-' || n, 'Name ' || ({keys}), 2, (ARRAY['template', 'scenario', 'edge_case'])[1 + n %% 3],
                nullif(10 + ({keys}) %% 41, 10) / 10.0, 10, 'made/' || n, 'b', %s,
                now() - make_interval(secs => ({keys})), now() - make_interval(secs => 9999 - ({keys})),
                md5('t' || n), md5('c' || n), 10, 'messages',
                'persona-' || n %% 3, 'arc-' || n %% 7, 'topic-' || n %% 12,
                (ARRAY['pending_review', 'approved', 'rejected'])[1 + n %% 3]
            FROM generate_series(%s::integer, %s::integer) AS n
            """,
            [store.actor.workspace_id, store.actor.user_id, start, start + count - 1],
        )
        if turns is not None:
            connection.execute(
                """
                INSERT INTO conversation_turns
                    (workspace_id, conversation_id, turn_number, role, content, word_count, sentence_count)
                SELECT workspace_id, id, 1, 'user', replace(%s, '{n}', split_part(conversation_id, '-', 2)), 1, 1
                FROM conversations WHERE conversation_id LIKE 'made-%%'
                """,
                [turns],
            )
            connection.execute("SELECT convstore.write_texts(ARRAY(SELECT id FROM conversations))")
        connection.execute(
            """
            INSERT INTO facet_changes (workspace_id, status, tier, persona, arc, topic, delta)
            SELECT workspace_id, status, tier, persona_key, emotional_arc_key, topic_key, count(*)
            FROM conversations
            WHERE file_path IN (SELECT 'made/' || n FROM generate_series(%s::integer, %s::integer) AS n)
            GROUP BY 1, 2, 3, 4, 5, 6
            """,
            [start, start + count - 1],
        )
        connection.execute("SET LOCAL session_replication_role = origin")
    with store.database.admin(autocommit=True) as connection:
        connection.execute("ANALYZE conversations, conversation_turns, conversation_texts")


@contextmanager
def watched() -> Iterator[list[tuple[str, Any]]]:
    """Statements and parameters that the driver sends meanwhile, but for what opens a transaction."""
    seen: list[tuple[str, Any]] = []
    plain = psycopg.Cursor.execute

    def noted(cursor: psycopg.Cursor[Any], query: Any, params: Any = None, **options: Any) -> psycopg.Cursor[Any]:
        statement = query.decode() if isinstance(query, bytes) else str(query)
        if not statement.startswith("SELECT set_config("):
            seen.append((statement, params))
        return plain(cursor, query, params, **options)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(psycopg.Cursor, "execute", noted)
        yield seen
