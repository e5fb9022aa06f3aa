"""Turns of many conversations at once, column by column: what leaves the store never becomes an object a turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple
from uuid import UUID

import psycopg

from convstore.model import Turn

__all__ = ["TurnColumns", "TurnLists", "merged", "read_turns"]


class TurnLists(NamedTuple):
    """Turns in their order, a list for each field of `Turn`."""

    numbers: Sequence[int]
    roles: Sequence[str]
    contents: Sequence[str]
    emotions: Sequence[str | None]
    confidences: Sequence[float | None]
    intensities: Sequence[float | None]
    strategies: Sequence[str | None]
    tones: Sequence[str | None]


class TurnColumns:
    """The turns of a conversation: a stretch of lists that may hold those of others too, cut out when asked for."""

    __slots__ = ("_lists", "_start", "_stop")

    def __init__(self, lists: TurnLists, start: int, stop: int) -> None:
        self._lists = lists
        self._start = start
        self._stop = stop

    @classmethod
    def of(cls, turns: Iterable[Turn]) -> TurnColumns:
        """Turns one by one as columns."""
        rows = [
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
        ]
        return cls(TurnLists(*map(list, zip(*rows, strict=True))), 0, len(rows))

    def __len__(self) -> int:
        return self._stop - self._start

    @property
    def numbers(self) -> Sequence[int]:
        """Numbers of the turns."""
        return self._lists.numbers[self._start : self._stop]

    @property
    def roles(self) -> Sequence[str]:
        """Who speaks."""
        return self._lists.roles[self._start : self._stop]

    @property
    def contents(self) -> Sequence[str]:
        """What is said."""
        return self._lists.contents[self._start : self._stop]

    @property
    def emotions(self) -> Sequence[str | None]:
        """Detected emotions."""
        return self._lists.emotions[self._start : self._stop]

    @property
    def intensities(self) -> Sequence[float | None]:
        """How strong the emotions are."""
        return self._lists.intensities[self._start : self._stop]

    @property
    def strategies(self) -> Sequence[str | None]:
        """Primary strategies of the replies."""
        return self._lists.strategies[self._start : self._stop]

    @property
    def tones(self) -> Sequence[str | None]:
        """Tones of the replies."""
        return self._lists.tones[self._start : self._stop]

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
            for number, role, content, emotion, confidence, intensity, strategy, tone in zip(
                *(values[self._start : self._stop] for values in self._lists), strict=True
            )
        )

    def joins(self, other: TurnColumns) -> bool:
        """Whether `other` goes on where these end."""
        return other._lists is self._lists and other._start == self._stop

    def until(self, other: TurnColumns) -> TurnColumns:
        """These with all that follows them up to the end of `other`."""
        return TurnColumns(self._lists, self._start, other._stop)


def merged(turns: Iterable[TurnColumns]) -> list[TurnColumns]:
    """The same turns in the same order, in as few stretches as there can be."""
    found: list[TurnColumns] = []
    for each in turns:
        if found and found[-1].joins(each):
            found[-1] = found[-1].until(each)
        else:
            found.append(each)
    return found


# One aggregate over all conversations: a thousand small ones cost more than their turns. They come in the order in
# which they were asked for, because only a loop over that can feed the lateral query.
_TURNS = """
    SELECT array_agg(position), array_agg(turn_number), array_agg(role), array_agg(content),
           array_agg(detected_emotion), array_agg(emotion_confidence), array_agg(emotional_intensity),
           array_agg(primary_strategy), array_agg(tone)
    FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS asked (id, position)
    CROSS JOIN LATERAL (
        SELECT t.turn_number, t.role, t.content, t.detected_emotion, t.emotion_confidence::float8,
               t.emotional_intensity::float8, t.primary_strategy, t.tone
        FROM public.conversation_turns AS t
        WHERE t.workspace_id = %(workspace_id)s AND t.conversation_id = asked.id
        ORDER BY t.turn_number
    ) AS turns
"""


# PostgreSQL hands out no row of more than 1 GB, and takes the texts of this many bytes at once in its stride.
_MOST_BYTES = 64 << 20


def read_turns(
    connection: psycopg.Connection, sizes_bytes: Mapping[UUID, int], workspace_id: UUID
) -> dict[UUID, TurnColumns]:
    """The turns of conversations, whose documents have these sizes; none where there are none."""
    found: dict[UUID, TurnColumns] = {}
    for ids in _portions(sizes_bytes):
        with connection.cursor(binary=True) as cursor:
            cursor.execute(_TURNS, {"ids": ids, "workspace_id": workspace_id})
            row = cursor.fetchone()
        positions, *lists = row if row is not None and row[0] is not None else ((),) * (len(TurnLists._fields) + 1)
        counts = Counter(positions)
        columns = TurnLists._make(lists)
        bounds = pairwise(accumulate((counts[i + 1] for i in range(len(ids))), initial=0))
        found |= {id_: TurnColumns(columns, start, stop) for id_, (start, stop) in zip(ids, bounds, strict=True)}
    return found


def _portions(sizes_bytes: Mapping[UUID, int]) -> Iterator[list[UUID]]:
    portion: list[UUID] = []
    waiting = 0
    for id_, size in sizes_bytes.items():
        if portion and waiting + size > _MOST_BYTES:
            yield portion
            portion, waiting = [], 0
        portion.append(id_)
        waiting += size
    if portion:
        yield portion
