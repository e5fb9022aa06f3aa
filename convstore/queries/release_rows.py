"""What a release reads and writes in bulk: candidates, conversations with their turns, items. All of it by COPY.

JSON is built in the database and its bytes pass through unread where nobody has to read them. Knows no format.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    Text,
    Uuid,
    any_,
    cast,
    exists,
    false,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from convstore.database import driver
from convstore.database.tables import (
    conversation_turns,
    conversations,
    duplicate_members,
    findings,
    profiles,
    turn_exclusions,
)

__all__ = [
    "TURN_FIELDS",
    "CandidateRow",
    "ItemCopy",
    "StoredItem",
    "chosen",
    "copying_items",
    "count_conversations",
    "iter_conversations",
    "list_candidates",
]

c = conversations.c
t = conversation_turns.c

# Neither byte can stand in JSON text, so nothing is ever quoted and nothing doubled.
_AS_IT_IS = sql.SQL("FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02', ENCODING 'UTF8'")
_DELIMITER = b"\x02"

#: What a release keeps of a conversation beside its turns; every name is a key of `release_items.state`.
_STATE: dict[str, ColumnElement[object]] = {
    **{
        name: c[name]
        for name in (
            "id", "conversation_id", "conversation_name", "status", "tier", "turn_count", "turns_sha256",
            "content_sha256", "file_path", "created_at", "description", "category", "persona_key",
            "emotional_arc_key", "topic_key", "quality_score", "empathy_score", "clarity_score",
            "appropriateness_score", "brand_voice_alignment", "human_quality_score", "human_empathy_score",
            "human_clarity_score", "human_appropriateness_score", "human_brand_voice_alignment",
            "starting_emotion", "ending_emotion", "emotional_intensity_start", "emotional_intensity_end",
            "reviewed_at", "source_name", "system_prompt", "extra",
        )
    },
    "reviewed_by": profiles.c.name,
}  # fmt: skip

#: A turn as JSON, in the order of `convstore.model.Turn`.
TURN_FIELDS = (
    t.turn_number, t.role, t.content, t.detected_emotion, t.emotion_confidence, t.emotional_intensity,
    t.primary_strategy, t.tone,
)  # fmt: skip


class CandidateRow(NamedTuple):
    """What rules look at. `quality` and `human_quality` are None where unscored."""

    id: UUID
    conversation_id: str
    persona_key: str | None
    arc_key: str | None
    topic_key: str | None
    quality: Decimal | None
    human_quality: Decimal | None
    tier: str
    status: str
    group: str | None
    has_finding: bool


class StoredItem(NamedTuple):
    """A conversation as bytes: its state, and its turns as `[[turn_number, role, content, …], …]`."""

    state: bytes
    turns: bytes


def chosen(workspace_id: UUID, ids: Collection[UUID]) -> list[ColumnElement[bool]]:
    """The conditions of these rows and no others."""
    return [c.workspace_id == workspace_id, c.id == any_(literal(list(ids), ARRAY(Uuid)))]


def count_conversations(connection: Connection, where: Sequence[ColumnElement[bool]]) -> int:
    """How many conversations the conditions mean, exactly."""
    return connection.execute(select(func.count()).select_from(conversations).where(*where)).scalar_one()


def list_candidates(
    connection: Connection, where: Sequence[ColumnElement[bool]], workspace_id: UUID, *, finding_codes: Sequence[str]
) -> list[CandidateRow]:
    """Every conversation that the conditions mean, in the order of a release."""
    has_finding: ColumnElement[bool] = false()
    if finding_codes:
        has_finding = exists().where(
            findings.c.workspace_id == workspace_id,
            findings.c.conversation_id == c.id,
            findings.c.code.in_(finding_codes),
            findings.c.dismissed_at.is_(None),
        )
    group = (
        select(cast(duplicate_members.c.group_id, Text))
        .where(duplicate_members.c.workspace_id == workspace_id, duplicate_members.c.conversation_id == c.id)
        .scalar_subquery()
    )
    query = (
        select(
            c.id,
            c.conversation_id,
            c.persona_key,
            c.emotional_arc_key,
            c.topic_key,
            func.coalesce(c.human_quality_score, c.quality_score),
            c.human_quality_score,
            c.tier,
            c.status,
            group,
            has_finding,
        )
        .where(*where)
        .order_by(c.conversation_id)
    )
    return [
        CandidateRow(*row)
        for row in connection.execute(query, execution_options={"stream_results": True, "yield_per": 2000})
    ]


def iter_conversations(
    connection: Connection, where: Sequence[ColumnElement[bool]], workspace_id: UUID
) -> Iterator[StoredItem]:
    """Conversations with their turns, by public id, in constant memory."""
    # The fence keeps the sort below the JSON: sorted are rows, not texts.
    wanted = select(conversations).where(*where).order_by(c.conversation_id).offset(0).subquery("c")
    excluded = (
        select(func.json_agg(aggregate_order_by(turn_exclusions.c.turn_number, turn_exclusions.c.turn_number)))
        .where(
            turn_exclusions.c.workspace_id == workspace_id,
            turn_exclusions.c.conversation_id == wanted.c.id,
            turn_exclusions.c.turns_sha256 == wanted.c.turns_sha256,
        )
        .scalar_subquery()
    )
    reviewer = select(profiles.c.name).where(profiles.c.id == wanted.c.reviewed_by).scalar_subquery()
    pairs: list[ColumnElement[object]] = []
    for name, column in _STATE.items():
        pairs += [literal(name), reviewer if name == "reviewed_by" else wanted.c[column.name]]
    turns = (
        select(func.json_agg(aggregate_order_by(func.json_build_array(*TURN_FIELDS), t.turn_number)))
        .where(t.workspace_id == workspace_id, t.conversation_id == wanted.c.id)
        .scalar_subquery()
    )
    query = select(func.json_build_object(*pairs, literal("excluded_turns"), excluded), turns)
    for line in _copy_out(connection, query):
        yield StoredItem(*line.rstrip(b"\n").split(_DELIMITER))


def _copy_out(connection: Connection, query: Select[tuple[object, ...]]) -> Iterator[bytes]:
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    statement = sql.SQL("COPY ({}) TO STDOUT ({})").format(sql.SQL(str(compiled)), _AS_IT_IS)
    with driver(connection).cursor() as cursor, cursor.copy(statement, compiled.params) as copy:
        for block in copy:
            yield bytes(block)


class ItemCopy:
    """Items on their way into a release, in their order."""

    def __init__(self, copy: psycopg.Copy) -> None:
        self._copy = copy
        self.count = 0

    def add(self, states: Iterable[tuple[bytes, str | None]]) -> None:
        """Append items: the state as bytes of JSON, and the split."""
        lines = []
        for state, split in states:
            lines.append(b"%d\x02%b\x02%b\n" % (self.count, (split or "").encode(), state))
            self.count += 1
        self._copy.write(b"".join(lines))


@contextmanager
def copying_items(connection: Connection, release_id: UUID, workspace_id: UUID) -> Iterator[ItemCopy]:
    """Take items while the block runs; they are rows of `release_items` when it ends."""
    raw = driver(connection)
    raw.execute("CREATE TEMPORARY TABLE staged_items (position int4, split text, state jsonb) ON COMMIT DROP")
    statement = sql.SQL("COPY staged_items FROM STDIN ({})").format(_AS_IT_IS)
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        yield ItemCopy(copy)
    connection.execute(
        text(
            """
            INSERT INTO public.release_items (release_id, position, workspace_id, conversation_id, public_id,
                                              turns_sha256, content_sha256, file_path, split, state)
            SELECT :release_id, s.position, :workspace_id, (s.state ->> 'id')::uuid, s.state ->> 'conversation_id',
                   s.state ->> 'turns_sha256', s.state ->> 'content_sha256', s.state ->> 'file_path', s.split, s.state
            FROM staged_items AS s
            """
        ),
        {"release_id": release_id, "workspace_id": workspace_id},
    )
