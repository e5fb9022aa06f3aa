"""Feelings: where conversations start and end, and how strong they are turn by turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, func, select

from convstore.database.tables import conversations
from convstore.emotions import normalise_emotion
from convstore.model import Filter
from convstore.queries.matching import matching
from convstore.queries.statistics.distribution import Distribution

__all__ = ["ArcIntensity", "EmotionFlow", "count_emotion_flow", "count_intensity"]

c = conversations.c


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionFlow:
    """Conversations by their first and last feeling, folded to one spelling; None where the file names none.

    `spellings` holds the original labels of each folded one, with their counts.
    """

    flows: Mapping[tuple[str | None, str | None], int]
    spellings: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcIntensity:
    """Intensity by turn number, from 0 to 1, of the conversations of one arc; None is those without an arc."""

    arc: str | None
    turns: Mapping[int, Distribution]


def count_emotion_flow(connection: Connection, wanted: Filter, workspace_id: UUID) -> EmotionFlow:
    """How conversations move from their first feeling to their last."""
    where = matching(connection, wanted, workspace_id)
    flows: Counter[tuple[str | None, str | None]] = Counter()
    spellings: dict[str, Counter[str]] = {}
    query = (
        select(c.starting_emotion, c.ending_emotion, func.count())
        .where(*where)
        .group_by(c.starting_emotion, c.ending_emotion)
    )
    for start, end, count in connection.execute(query):
        folded = tuple(normalise_emotion(label) if label else None for label in (start, end))
        flows[folded[0], folded[1]] += count
        for label, name in zip((start, end), folded, strict=True):
            if name is not None:
                spellings.setdefault(name, Counter())[label] += count
    return EmotionFlow(
        flows=dict(sorted(flows.items(), key=lambda item: (-item[1], str(item[0])))),
        spellings={name: dict(labels.most_common()) for name, labels in sorted(spellings.items())},
    )


def count_intensity(connection: Connection, wanted: Filter, workspace_id: UUID, *, arc: str | None) -> ArcIntensity:
    """The distribution of every turn of one arc: all arcs at once would take several seconds with a million."""
    turn = (
        func.unnest(c.intensities)
        .table_valued("value", with_ordinality="number", joins_implicitly=True)
        .render_derived()
    )
    rows = connection.execute(
        select(turn.c.number, turn.c.value, func.count())
        .select_from(conversations, turn)
        .where(
            *matching(connection, wanted, workspace_id),
            c.emotional_arc_key.is_(None) if arc is None else c.emotional_arc_key == arc,
            turn.c.value.is_not(None),
        )
        .group_by(turn.c.number, turn.c.value)
    )
    turns: dict[int, list[tuple[Decimal | None, int]]] = {}
    for number, hundredths, count in rows:
        turns.setdefault(number, []).append((Decimal(hundredths) / 100, count))
    return ArcIntensity(arc=arc, turns={number: Distribution.of(turns[number]) for number in sorted(turns)})
