"""Text in numbers: lengths, turns, estimated tokens, and what replies open and close with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from convstore.database.tables import conversations, set_statistics, stock_phrases
from convstore.model import Filter
from convstore.queries.matching import matching
from convstore.queries.statistics.distribution import Distribution

__all__ = ["TOKENS_PER_WORD", "StockPhrase", "StockPhrases", "TextStatistics", "count_texts", "list_stock_phrases"]

#: English prose in the tokenizers of today's models; an estimate, and called one wherever it shows.
TOKENS_PER_WORD = 4 / 3

c = conversations.c


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStatistics:
    """Words and turns of conversations."""

    words: Distribution
    turns: Distribution

    @property
    def total_words(self) -> int:
        """Words of all conversations together."""
        return int(sum(value * count for value, count in self.words.counts.items()))

    @property
    def estimated_tokens(self) -> int:
        """Tokens of all conversations together, by a rule of thumb."""
        return round(self.total_words * TOKENS_PER_WORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPhrase:
    """Five words with which replies of several conversations open or close."""

    edge: str
    phrase: str
    conversations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPhrases:
    """The most frequent ones when the set was last counted; `counted_at` is None where it never was."""

    phrases: tuple[StockPhrase, ...]
    counted_at: datetime | None
    conversations: int


def count_texts(connection: Connection, wanted: Filter, workspace_id: UUID) -> TextStatistics:
    """Lengths of the conversations that match."""
    where = matching(connection, wanted, workspace_id)
    query = select(c.turn_count, c.word_count, func.count()).where(*where).group_by(c.turn_count, c.word_count)
    rows = connection.execute(query).all()
    return TextStatistics(
        words=Distribution.of((words, count) for _, words, count in rows),
        turns=Distribution.of((turns, count) for turns, _, count in rows),
    )


def list_stock_phrases(connection: Connection, workspace_id: UUID, *, most: int) -> StockPhrases:
    """The most frequent openings and closings of the whole set, `most` of each."""
    s = stock_phrases.c
    counted = connection.execute(
        select(set_statistics.c.counted_at, set_statistics.c.conversations).where(
            set_statistics.c.workspace_id == workspace_id
        )
    ).first()
    phrases = [
        StockPhrase(**row)
        for edge in ("opening", "closing")
        for row in connection.execute(
            select(s.edge, s.phrase, s.conversations)
            .where(s.workspace_id == workspace_id, s.edge == edge)
            .order_by(s.conversations.desc(), s.phrase)
            .limit(most)
        ).mappings()
    ]
    return StockPhrases(
        phrases=tuple(phrases),
        counted_at=counted[0] if counted else None,
        conversations=counted[1] if counted else 0,
    )
