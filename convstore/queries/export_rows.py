"""Conversations with their turns on their way out: read in order, a batch at a time, turns column by column.

The server reads on while a batch is in use. Rows come in PostgreSQL's binary form; what a batch costs is mostly this
module and whoever spells the rows.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    FromClause,
    Integer,
    Numeric,
    Text,
    cast,
    func,
    select,
    true,
)
from sqlalchemy.sql.selectable import LateralFromClause

from convstore.database import driver
from convstore.database.tables import conversation_turns, conversations, profiles, turn_exclusions
from convstore.model import DIMENSIONS, Scores, Turn

__all__ = ["ExportConversation", "StoredItem", "TurnColumns", "aggregated_turns", "iter_batches"]

c = conversations.c
t = conversation_turns.c
x = turn_exclusions.c


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


class TurnColumns(NamedTuple):
    """The turns of a conversation, a list for each field of `Turn`."""

    numbers: Sequence[int]
    roles: Sequence[str]
    contents: Sequence[str]
    emotions: Sequence[str | None]
    confidences: Sequence[float | None]
    intensities: Sequence[float | None]
    strategies: Sequence[str | None]
    tones: Sequence[str | None]

    @classmethod
    def of(cls, turns: Iterable[Turn]) -> TurnColumns:
        """Turns one by one as columns."""
        return cls(
            *zip(
                *[
                    (
                        turn.turn_number,
                        turn.role,
                        turn.content,
                        turn.detected_emotion,
                        turn.emotion_confidence,
                        turn.emotional_intensity,
                        turn.primary_strategy,
                        turn.tone,
                    )
                    for turn in turns
                ],
                strict=True,
            )
        )

    def one_by_one(self) -> tuple[Turn, ...]:
        """The turns as the rest of convstore has them."""
        return tuple(
            Turn(
                turn_number=number,
                role=role,
                content=content,
                detected_emotion=emotion,
                emotion_confidence=confidence,
                emotional_intensity=intensity,
                primary_strategy=strategy,
                tone=tone,
            )
            for number, role, content, emotion, confidence, intensity, strategy, tone in zip(*self, strict=True)
        )


class StoredItem(NamedTuple):
    """A conversation as the database hands it out, with the numbers of the messages kept out of training."""

    conversation: ExportConversation
    turns: TurnColumns
    excluded_turns: Sequence[int]


_TURN_FIELDS = (
    t.turn_number, t.role, t.content, t.detected_emotion, t.emotion_confidence, t.emotional_intensity,
    t.primary_strategy, t.tone,
)  # fmt: skip
_WIDTH = len(ExportConversation._fields)


def aggregated_turns(of: FromClause, workspace_id: UUID) -> LateralFromClause:
    """The turns of each row of `of`, which has an `id`, as arrays in the order of `TurnColumns`."""
    ordered = (
        select(*(cast(field, Double) if isinstance(field.type, Numeric) else field for field in _TURN_FIELDS))
        .where(t.workspace_id == workspace_id, t.conversation_id == of.c.id)
        .order_by(t.turn_number)
        .correlate(of)
        .subquery("ordered_turns")
    )
    arrays = (func.array_agg(column).label(name) for column, name in zip(ordered.c, TurnColumns._fields, strict=True))
    return select(*arrays).select_from(ordered).lateral("turns")


def iter_batches(
    connection: Connection, where: Sequence[ColumnElement[bool]], workspace_id: UUID, *, size: int
) -> Generator[list[StoredItem], None, None]:
    """Conversations by public id, `size` at a time, in constant memory.

    The connection is busy until the iterator ends or is closed.
    """
    # The fence keeps the sort below the turns: sorted are rows, not texts.
    wanted = select(conversations).where(*where).order_by(c.conversation_id).offset(0).subquery("c")
    excluded = func.array(
        select(x.turn_number)
        .where(
            x.workspace_id == workspace_id,
            x.conversation_id == wanted.c.id,
            x.turns_sha256 == wanted.c.turns_sha256,
        )
        .order_by(x.turn_number)
        .scalar_subquery(),
        type_=Integer,
    )
    turns = aggregated_turns(wanted, workspace_id)
    query = select(*_state(wanted), excluded, *turns.c).select_from(wanted.join(turns, true()))
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    raw = driver(connection)
    # Everything will be read, so the plan must not be the one that is quick with the first rows.
    raw.execute("SET LOCAL cursor_tuple_fraction = 1")
    with raw.cursor(name="convstore_export", binary=True) as cursor, ThreadPoolExecutor(1, "reading") as reader:
        cursor.execute(str(compiled), compiled.params)
        coming = reader.submit(cursor.fetchmany, size)
        while rows := coming.result():
            coming = reader.submit(cursor.fetchmany, size)
            yield [_item(row) for row in rows]


def _state(of: FromClause) -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = []
    for name in ExportConversation._fields:
        if name == "reviewed_by":
            found.append(select(profiles.c.name).where(profiles.c.id == of.c.reviewed_by).scalar_subquery())
        elif name == "extra_json":
            found.append(cast(of.c.extra, Text))
        else:
            column = of.c[name]
            found.append(cast(column, Double) if isinstance(column.type, Numeric) else column)
    return found


def _item(row: Sequence[Any]) -> StoredItem:
    turns = row[_WIDTH + 1 :]
    return StoredItem(
        ExportConversation._make(row[:_WIDTH]),
        # A conversation without turns has no arrays.
        TurnColumns._make(turns if turns[0] is not None else ((),) * len(turns)),
        row[_WIDTH],
    )
