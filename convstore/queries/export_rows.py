"""Conversations with their turns on their way out: read in order, a batch at a time, turns column by column.

The server reads on while a batch is in use. Rows come in PostgreSQL's binary form, and the turns of a batch as a
handful of arrays, so that no object is made for a turn.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import ServerCursor
from sqlalchemy import ColumnElement, Connection, Double, Numeric, Text, cast, select

from convstore.database import driver
from convstore.database.tables import conversations, profiles
from convstore.model import DIMENSIONS, Scores
from convstore.queries.turn_columns import TurnColumns, read_turns

__all__ = ["ExportConversation", "StoredItem", "iter_batches"]

c = conversations.c


class ExportConversation(NamedTuple):
    """The columns of a conversation that leave with it. `reviewed_by` is a name, `extra_json` a JSON object."""

    id: UUID
    conversation_id: str
    turns_sha256: str
    content_sha256: str
    file_path: str
    conversation_name: str
    status: str
    tier: str
    turn_count: int
    created_at: datetime
    description: str | None = None
    category: str | None = None
    persona_key: str | None = None
    emotional_arc_key: str | None = None
    topic_key: str | None = None
    quality_score: float | None = None
    empathy_score: float | None = None
    clarity_score: float | None = None
    appropriateness_score: float | None = None
    brand_voice_alignment: float | None = None
    human_quality_score: float | None = None
    human_empathy_score: float | None = None
    human_clarity_score: float | None = None
    human_appropriateness_score: float | None = None
    human_brand_voice_alignment: float | None = None
    starting_emotion: str | None = None
    ending_emotion: str | None = None
    emotional_intensity_start: float | None = None
    emotional_intensity_end: float | None = None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    source_name: str | None = None
    system_prompt: str | None = None
    extra_json: str = "{}"

    @property
    def quality(self) -> float | None:
        """The effective score: the human mean if there is one, else the file's."""
        return self.quality_score if self.human_quality_score is None else self.human_quality_score

    @property
    def scores(self) -> Scores:
        """The file's scores."""
        return self._scores("")

    @property
    def human_scores(self) -> Scores:
        """Means of the reviews."""
        return self._scores("human_")

    @property
    def extra(self) -> Mapping[str, Any]:
        """What the file said and no column holds."""
        found: dict[str, Any] = json.loads(self.extra_json)
        return found

    def _scores(self, prefix: str) -> Scores:
        values = {name: getattr(self, prefix + column) for name, column in DIMENSIONS.items()}
        return Scores(**{name: None if value is None else Decimal(str(value)) for name, value in values.items()})


class StoredItem(NamedTuple):
    """A conversation as the database hands it out, with the numbers of the messages kept out of training."""

    conversation: ExportConversation
    turns: TurnColumns
    excluded_turns: Sequence[int]


def iter_batches(
    connection: Connection, where: Sequence[ColumnElement[bool]], workspace_id: UUID, *, size: int
) -> Generator[list[StoredItem], None, None]:
    """Conversations by public id, `size` at a time, in constant memory.

    The connection is busy until the iterator ends or is closed.
    """
    query = select(*_columns(), c.content_bytes).where(*where).order_by(c.conversation_id)
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    raw = driver(connection)
    # Everything will be read, so the plan must not be the one that is quick with the first rows.
    raw.execute("SET LOCAL cursor_tuple_fraction = 1")
    with (
        raw.cursor(name="convstore_export", binary=True) as cursor,
        ThreadPoolExecutor(1, "reading") as reader,
    ):
        cursor.execute(str(compiled), compiled.params)
        coming = reader.submit(_read, cursor, workspace_id, size)
        while batch := coming.result():
            coming = reader.submit(_read, cursor, workspace_id, size)
            yield batch


def _read(cursor: ServerCursor, workspace_id: UUID, size: int) -> list[StoredItem]:
    rows = cursor.fetchmany(size)
    if not rows:
        return []
    found = [ExportConversation._make(row[:-1]) for row in rows]
    turns = read_turns(cursor.connection, {row[0]: row[-1] for row in rows}, workspace_id)
    excluded = _excluded_turns(cursor.connection, turns, workspace_id)
    return [StoredItem(one, turns[one.id], excluded.get((one.id, one.turns_sha256), ())) for one in found]


def _excluded_turns(
    connection: psycopg.Connection, ids: Iterable[UUID], workspace_id: UUID
) -> dict[tuple[UUID, str], list[int]]:
    """By conversation and the version of its turns that the reviewer saw."""
    rows = connection.execute(
        """
        SELECT conversation_id, turns_sha256, turn_number FROM public.turn_exclusions
        WHERE workspace_id = %s AND conversation_id = ANY (%s) ORDER BY turn_number
        """,
        (workspace_id, list(ids)),
    )
    found: dict[tuple[UUID, str], list[int]] = {}
    for conversation_id, turns_sha256, number in rows:
        found.setdefault((conversation_id, turns_sha256), []).append(number)
    return found


def _columns() -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = []
    for name in ExportConversation._fields:
        if name == "reviewed_by":
            found.append(select(profiles.c.name).where(profiles.c.id == c.reviewed_by).scalar_subquery())
        elif name == "extra_json":
            found.append(cast(c.extra, Text))
        else:
            found.append(cast(c[name], Double) if isinstance(c[name].type, Numeric) else c[name])
    return found
