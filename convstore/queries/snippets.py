"""Where in a conversation the words of a search stand, cut out of the turn, as pieces that are marked or not.

The marks of PostgreSQL become pieces here: nothing of a conversation is ever handed on as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, func, select

from convstore.database.tables import conversation_turns

__all__ = ["Snippet", "find_snippets"]

_START, _STOP = "\x02", "\x03"
#: As much of a turn as is cut snippets from; the index itself knows as much (see `content_tsv`).
_MAX_CHARS = 200_000
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
    """The first turn that matches, of each conversation that has one. The words follow websearch_to_tsquery."""
    wanted = func.websearch_to_tsquery("english", query)
    content = func.translate(func.left(t.content, _MAX_CHARS), _START + _STOP, "")
    first = (
        select(t.conversation_id, t.turn_number, t.role, content.label("content"))
        .distinct(t.conversation_id)
        .where(
            t.workspace_id == workspace_id,
            t.conversation_id.in_(conversation_ids),
            t.content_tsv.op("@@")(wanted),
        )
        .order_by(t.conversation_id, t.turn_number)
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
