"""A database with very many conversations, through the fastest path there is: COPY, no triggers, indexes afterwards.

What it makes is what an import would have made, but for the files and the audit.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from benchmarks.repeating import repeat
from convstore.demo import DemoConversation, generate
from convstore.textstats import sentence_count, word_count

__all__ = ["load"]

_LOG = logging.getLogger(__name__)
_CHUNK = 5_000
#: So many have texts of their own; the database repeats them beyond.
_DISTINCT = 100_000
_FIRST = datetime(2025, 1, 1, tzinfo=UTC)
_DAYS = 500
_PENDING_FROM = 0.7

_CONVERSATIONS = (
    "id", "workspace_id", "conversation_id", "persona_key", "emotional_arc_key", "topic_key", "conversation_name",
    "turn_count", "tier", "category", "quality_score", "empathy_score", "clarity_score", "appropriateness_score",
    "brand_voice_alignment", "status", "file_size", "file_path", "starting_emotion", "ending_emotion", "created_by",
    "created_at", "updated_at", "turns_sha256", "content_sha256", "content_bytes", "format", "source_name",
    "word_count", "intensities",
)  # fmt: skip
_TURNS = (
    "workspace_id", "conversation_id", "turn_number", "role", "content", "detected_emotion", "emotional_intensity",
    "primary_strategy", "tone", "word_count", "sentence_count",
)  # fmt: skip
_TEXTS = ("workspace_id", "conversation_id", "part", "words")
_FINDINGS = ("workspace_id", "conversation_id", "code", "severity", "check_version", "explanation")

# What the triggers would have appended.
_COUNT_FACETS = """
    INSERT INTO facet_changes (workspace_id, status, tier, persona, arc, topic, delta)
    SELECT workspace_id, status, tier, coalesce(persona_key, ''), coalesce(emotional_arc_key, ''),
           coalesce(topic_key, ''), count(*)
    FROM conversations WHERE workspace_id = %(workspace_id)s AND is_active
    GROUP BY 1, 2, 3, 4, 5, 6
"""


def load(
    admin_url: str,
    *,
    workspace_id: UUID,
    user_id: UUID,
    count: int,
    messages: int = 10,
    skewed: bool = True,
    seed: int = 11,
) -> float:
    """Store `count` conversations of `messages` turns; seconds it took.

    Parameters
    ----------
    skewed
        The newest 30% all wait for review, the rest is decided: what a planner gets wrong most easily.
    """
    started = time.monotonic()
    with psycopg.connect(admin_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET synchronous_commit = off")
        secondary = _drop_indexes(connection)
        distinct = min(count, _DISTINCT)
        made = generate(distinct, seed=seed, messages=messages)
        done = 0
        while chunk := list(islice(made, _CHUNK)):
            rows = [_Row(one, done + i, count, workspace_id, user_id, skewed=skewed) for i, one in enumerate(chunk)]
            _copy(connection, "conversations", _CONVERSATIONS, (row.values() for row in rows))
            _copy(connection, "conversation_turns", _TURNS, (turn for row in rows for turn in row.turns()))
            _copy(connection, "findings", _FINDINGS, (found for row in rows for found in row.findings()))
            done += len(chunk)
            if done % 50_000 == 0:
                _LOG.info("loaded %s conversations in %.0f s", f"{done:,}", time.monotonic() - started)
        connection.execute("SELECT convstore.write_texts(ARRAY(SELECT id FROM conversations))")
        if distinct < count:
            repeat(
                connection,
                {
                    "conversations": _CONVERSATIONS,
                    "conversation_turns": _TURNS,
                    "conversation_texts": _TEXTS,
                    "findings": _FINDINGS,
                },
                loaded=distinct,
                count=count,
                first=_FIRST,
                days=_DAYS,
                pending_from=_PENDING_FROM if skewed else 1.0,
            )
            _LOG.info("repeated up to %s conversations in %.0f s", f"{count:,}", time.monotonic() - started)
        for definition in secondary:
            connection.execute(definition)
        connection.execute(_COUNT_FACETS, {"workspace_id": workspace_id})
        connection.execute("SELECT convstore.compact_facets()")
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
    return time.monotonic() - started


class _Row:
    def __init__(
        self, one: DemoConversation, index: int, count: int, workspace: UUID, user: UUID, *, skewed: bool
    ) -> None:
        self.one = one
        self.workspace = workspace
        self.user = user
        digest = hashlib.sha256(f"{one.conversation_id}".encode()).hexdigest()
        self.id = UUID(digest[:32])
        self.digest = digest
        self.path = f"{user}/{self.id}/{digest[:12]}/conversation.json.gz"
        self.created_at = _FIRST + timedelta(days=_DAYS) * (index / count)
        draw = Random(index).random()
        if skewed and index >= count * _PENDING_FROM:
            self.status = "pending_review"
        else:
            shares = (("approved", 0.5), ("rejected", 0.65), ("needs_revision", 0.72), ("archived", 0.8))
            self.status = next((status for status, share in shares if draw < share), "pending_review")

    def values(self) -> tuple[Any, ...]:
        one, scores = self.one, self.one.scores
        return (
            self.id, self.workspace, one.conversation_id, one.persona_key, one.arc_key, one.topic_key, one.name,
            len(one.turns), one.tier, one.category, scores.quality, scores.empathy, scores.clarity,
            scores.appropriateness, scores.brand_voice, self.status, 12_000, self.path,
            one.turns[0].emotion, one.turns[-1].emotion, self.user, self.created_at, self.created_at, self.digest,
            self.digest, 47_000, "v4-full", f"{one.category}.json", sum(word_count(turn.content) for turn in one.turns),
            [round(100 * turn.intensity) for turn in one.turns],
        )  # fmt: skip

    def turns(self) -> Iterator[tuple[Any, ...]]:
        for number, turn in enumerate(self.one.turns, start=1):
            yield (
                self.workspace, self.id, number, turn.role, turn.content, turn.emotion, turn.intensity, turn.strategy,
                turn.tone, word_count(turn.content), sentence_count(turn.content),
            )  # fmt: skip

    def findings(self) -> Iterator[tuple[Any, ...]]:
        for code in self.one.planted:
            yield self.workspace, self.id, code, "warning", 1, "planted"


def _copy(
    connection: psycopg.Connection, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
        for row in rows:
            copy.write_row(row)


def _drop_indexes(connection: psycopg.Connection) -> list[str]:
    """Drop what is no constraint, and say how to make it again."""
    found = connection.execute(
        """
        SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
        FROM pg_index AS i
        WHERE i.indrelid IN ('conversations'::regclass, 'conversation_turns'::regclass, 'conversation_texts'::regclass,
                               'findings'::regclass)
          AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
        """
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [definition for _, definition in found]
