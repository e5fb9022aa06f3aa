"""Where in a conversation the words of a search stand, cut out of the turn, as pieces that are marked or not.

The marks of PostgreSQL become pieces here: nothing of a conversation is ever handed on as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Text, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import REGCONFIG, TSQUERY, distinct_on

from convstore.database.tables import conversation_turns

__all__ = ["Snippet", "find_snippets"]

_START, _STOP = "\x02", "\x03"
_ENGLISH = cast(literal("english"), REGCONFIG)
#: As much of a turn as is cut snippets from; the index itself knows as much (see `convstore.write_texts`).
_MAX_CHARS = 150_000
_OPTIONS = f'StartSel="{_START}", StopSel="{_STOP}", MaxFragments=2, MinWords=8, MaxWords=24, FragmentDelimiter=" … "'

t = conversation_turns.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A cutting from one turn; each piece of it says whether it is a hit."""

    conversation_id: UUID
    turn_number: int
    role: str
    pieces: tuple[tuple[str, bool], ...]


def find_snippets(
    connection: Connection, query: str, workspace_id: UUID, conversation_ids: Sequence[UUID]
) -> dict[UUID, Snippet]:
    """Of each conversation with any of the words the turn that has most. The words follow websearch_to_tsquery."""
    wanted = func.websearch_to_tsquery("english", query)
    content = func.translate(func.left(t.content, _MAX_CHARS), _START + _STOP, "")
    words = func.to_tsvector(_ENGLISH, func.left(t.content, _MAX_CHARS))
    # A conversation is found by words of several turns; ranked by any of them, a turn with more comes first.
    any_word = cast(func.replace(cast(wanted, Text), "&", "|"), TSQUERY)
    turns = (
        select(
            t.conversation_id,
            t.turn_number,
            t.role,
            content.label("content"),
            words.op("@@")(wanted).label("has_all"),
            func.ts_rank(words, any_word).label("rank"),
        )
        .where(t.workspace_id == workspace_id, t.conversation_id.in_(conversation_ids))
        .subquery()
    )
    first = (
        select(turns)
        .ext(distinct_on(turns.c.conversation_id))
        .where(or_(turns.c.has_all, turns.c.rank > 0))
        .order_by(turns.c.conversation_id, turns.c.has_all.desc(), turns.c.rank.desc(), turns.c.turn_number)
        .subquery()
    )
    rows = connection.execute(
        select(
            first.c.conversation_id,
            first.c.turn_number,
            first.c.role,
            func.ts_headline("english", first.c.content, wanted, _OPTIONS),
        )
    )
    return {
        row[0]: Snippet(conversation_id=row[0], turn_number=row[1], role=row[2], pieces=_pieces(row[3])) for row in rows
    }


def _pieces(headline: str) -> tuple[tuple[str, bool], ...]:
    before, *marked = headline.split(_START)
    pieces = [(before, False)]
    for part in marked:
        hit, _, after = part.partition(_STOP)
        pieces += [(hit, True), (after, False)]
    return tuple(piece for piece in pieces if piece[0])
