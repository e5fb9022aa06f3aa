"""Writing conversations in bulk: COPY into temporary tables, then INSERT … SELECT under the caller's own rights.

COPY into a table with policies is refused by PostgreSQL, into a temporary one it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Connection, exists, func, or_, select

from convstore.database import driver
from convstore.database.tables import conversations, release_items
from convstore.model import Status
from convstore.queries.turns import TURN_COLUMNS

__all__ = [
    "FINDING_COLUMNS",
    "Existing",
    "claim_objects",
    "find_existing",
    "hold_objects",
    "insert_conversations",
    "is_path_free",
    "lock_version",
    "replace_conversation",
    "take_turns",
    "try_claim_objects",
]

#: Key of the advisory lock between writers of objects and those who look for strays.
OBJECTS_LOCK = 4_707_220_191
#: And of the one between those who look for strays side by side.
STRAYS_LOCK = 4_707_220_192

FINDING_COLUMNS = (
    "workspace_id",
    "conversation_id",
    "code",
    "severity",
    "check_version",
    "turn_number",
    "span_start",
    "span_end",
    "explanation",
)

_TYPES = {
    "workspace_id": "uuid",
    "conversation_id": "uuid",
    "id": "uuid",
    "created_by": "uuid",
    "extra": "jsonb",
    "turn_number": "int4",
    "word_count": "int4",
    "sentence_count": "int4",
    "check_version": "int4",
    "span_start": "int4",
    "span_end": "int4",
    "turn_count": "int4",
    "file_size": "int8",
    "content_bytes": "int8",
    "intensities": "int2[]",
}
_NUMERIC = {
    "quality_score", "empathy_score", "clarity_score", "appropriateness_score", "brand_voice_alignment",
    "emotional_intensity_start", "emotional_intensity_end", "emotion_confidence", "emotional_intensity",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """What an import must know of a conversation that is stored."""

    id: UUID
    conversation_id: str
    turns_sha256: str
    file_path: str
    status: Status
    reviewed_by: UUID | None
    created_by: UUID
    is_active: bool
    processing_status: str = "completed"


def find_existing(
    connection: Connection, workspace_id: UUID, *, conversation_ids: Sequence[str], hashes: Sequence[str]
) -> list[Existing]:
    """What is stored already under these ids or with these turns, trashed rows too."""
    c = conversations.c
    columns = (c[field.name] for field in fields(Existing))
    query = select(*columns).where(c.workspace_id == workspace_id)
    found: dict[UUID, Existing] = {}
    for column, values in ((c.conversation_id, conversation_ids), (c.turns_sha256, hashes)):
        if values:
            for row in connection.execute(query.where(column.in_(values))).mappings():
                found[row["id"]] = Existing(**row)
    return list(found.values())


def insert_conversations(
    connection: Connection,
    *,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    turns: Iterable[Sequence[Any]],
    findings: Iterable[Sequence[Any]],
) -> set[UUID]:
    """Store new conversations with their turns and findings; the row ids that were new.

    A conversation whose id somebody else stored in the meantime is left out, with everything of it.

    Parameters
    ----------
    columns
        Names of the values in each of `rows`, `id` and `workspace_id` among them. Turns follow `TURN_COLUMNS`,
        findings `FINDING_COLUMNS`.
    """
    raw = driver(connection)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    _stage(raw, "staged_conversations", columns, rows, text_id=True)
    # The keys name scaffolding of the same workspace where there is some.
    inserted = raw.execute(
        sql.SQL(
            """
            INSERT INTO public.conversations ({names}, persona_id, emotional_arc_id, training_topic_id)
            SELECT {staged}, p.id, a.id, t.id
            FROM staged_conversations AS s
            LEFT JOIN public.personas AS p ON p.workspace_id = s.workspace_id AND p.persona_key = s.persona_key
            LEFT JOIN public.emotional_arcs AS a ON a.workspace_id = s.workspace_id AND a.arc_key = s.emotional_arc_key
            LEFT JOIN public.training_topics AS t ON t.workspace_id = s.workspace_id AND t.topic_key = s.topic_key
            -- In one order everywhere: two imports that wait for each other's ids would never end.
            ORDER BY s.conversation_id COLLATE "C"
            ON CONFLICT (workspace_id, conversation_id) DO NOTHING
            RETURNING id
            """
        ).format(names=names, staged=sql.SQL(", ").join(sql.SQL("s.") + sql.Identifier(name) for name in columns))
    ).fetchall()
    new = {row[0] for row in inserted}
    _insert_children(raw, "conversation_turns", TURN_COLUMNS, (row for row in turns if row[1] in new))
    _insert_children(raw, "findings", FINDING_COLUMNS, (row for row in findings if row[1] in new))
    return new


def replace_conversation(
    connection: Connection,
    *,
    row_id: UUID,
    workspace_id: UUID,
    values: dict[str, Any],
    turns: Iterable[Sequence[Any]],
    findings: Iterable[Sequence[Any]],
) -> None:
    """Give a conversation other content. Needs the service role: content columns are nobody's to change."""
    raw = driver(connection)
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
    )
    raw.execute(
        sql.SQL(
            """
            UPDATE public.conversations AS c SET {assignments},
                -- Whose file was lost comes out of the trash with the new one.
                is_active = c.is_active OR c.processing_status = 'failed', processing_status = 'completed',
                persona_id = (SELECT p.id FROM public.personas AS p
                              WHERE p.workspace_id = c.workspace_id AND p.persona_key = %(persona_key)s::varchar),
                emotional_arc_id = (SELECT a.id FROM public.emotional_arcs AS a
                                    WHERE a.workspace_id = c.workspace_id
                                        AND a.arc_key = %(emotional_arc_key)s::varchar),
                training_topic_id = (SELECT t.id FROM public.training_topics AS t
                                     WHERE t.workspace_id = c.workspace_id AND t.topic_key = %(topic_key)s::varchar)
            WHERE c.workspace_id = %(of_workspace)s AND c.id = %(row_id)s
            """
        ).format(assignments=assignments),
        {**values, "of_workspace": workspace_id, "row_id": row_id},
    )
    for table in ("conversation_turns", "findings"):
        raw.execute(
            sql.SQL("DELETE FROM public.{} WHERE workspace_id = %s AND conversation_id = %s").format(
                sql.Identifier(table)
            ),
            [workspace_id, row_id],
        )
    _insert_children(raw, "conversation_turns", TURN_COLUMNS, turns)
    _insert_children(raw, "findings", FINDING_COLUMNS, findings)
    # Scores bind to the turns that were read.
    raw.execute("SELECT convstore.keep_human_scores(ARRAY[%s]::uuid[])", [row_id])


def hold_objects(connection: Connection) -> None:
    """Keep objects that nothing names yet from being taken for strays, until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock_shared(OBJECTS_LOCK)))


def claim_objects(connection: Connection) -> None:
    """Wait until nobody is about to name an object; nobody begins to until the transaction ends."""
    take_turns(connection)
    connection.execute(select(func.pg_advisory_xact_lock(OBJECTS_LOCK)))


def try_claim_objects(connection: Connection) -> bool:
    """The same without waiting for imports: False if one is about to name an object."""
    take_turns(connection)
    return bool(connection.execute(select(func.pg_try_advisory_xact_lock(OBJECTS_LOCK))).scalar_one())


def take_turns(connection: Connection) -> None:
    """Have others who look for strays wait until the transaction ends: they are not taken for an import."""
    connection.execute(select(func.pg_advisory_xact_lock(STRAYS_LOCK)))


def lock_version(connection: Connection, row_id: UUID, workspace_id: UUID) -> tuple[str, str] | None:
    """Hold a conversation until the transaction ends; its `turns_sha256` and `file_path`, None if it is gone."""
    c = conversations.c
    query = select(c.turns_sha256, c.file_path).where(c.workspace_id == workspace_id, c.id == row_id).with_for_update()
    row = connection.execute(query).first()
    return None if row is None else (row[0], row[1])


def is_path_free(connection: Connection, path: str, row_id: UUID, workspace_id: UUID) -> bool:
    """True if neither the conversation that an object was made for nor a release names it."""
    c, r = conversations.c, release_items.c
    named = or_(
        exists().where(c.workspace_id == workspace_id, c.id == row_id, c.file_path == path),
        exists().where(r.workspace_id == workspace_id, r.conversation_id == row_id, r.file_path == path),
    )
    return not connection.execute(select(named)).scalar_one()


def _insert_children(
    raw: psycopg.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    staged = f"staged_{table}"
    _stage(raw, staged, columns, rows)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    raw.execute(
        sql.SQL("INSERT INTO public.{} ({}) SELECT {} FROM {}").format(
            sql.Identifier(table), names, names, sql.Identifier(staged)
        )
    )


def _stage(
    raw: psycopg.Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    text_id: bool = False,
) -> None:
    types = [_type(name, text_id=text_id) for name in columns]
    raw.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(sql.Identifier(table)))
    raw.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
            sql.Identifier(table),
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
                for name, kind in zip(columns, types, strict=True)
            ),
        )
    )
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with raw.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
        for row in rows:
            copy.write_row(row)


def _type(column: str, *, text_id: bool) -> str:
    if column in _NUMERIC:
        return "numeric"
    if text_id and column == "conversation_id":
        return "text"
    return _TYPES.get(column, "text")
