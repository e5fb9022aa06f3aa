"""Words in turns as conditions on conversations, by how frequent the words are. Knows no page, order or other filter.

Rare words are looked up in the text index, through a function, because no policy lets an index serve `@@`. Frequent
ones are looked for in each conversation on the way, since a page is full after a few; nothing lists a million hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Uuid, and_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import REGCONFIG

from convstore.database.tables import conversation_texts, conversations, facet_counts

__all__ = ["RARE_TEXT", "TextSearch", "explore"]

c = conversations.c
x = conversation_texts.c

_ENGLISH = cast(literal("english"), REGCONFIG)

#: Conversations with the words, up to which the index is not questioned.
RARE_TEXT = 4_000
#: Conversations that are looked through otherwise; ids are random, so the first ones are too.
_SAMPLE = 1_000
#: Hits that the index lists in the time in which one conversation is looked through.
_HITS_A_CHECK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSearch:
    """A search and how frequent its words are.

    Attributes
    ----------
    expected
        Conversations with the words, by the planner's statistics.
    met, both
        Conversations of the sample that meet the other conditions, and that have the words too; 0 for rare words.
    scale
        Conversations of the workspace to one of the sample.
    """

    query: str
    workspace_id: UUID
    expected: float
    met: int
    both: int
    scale: float

    def condition(self, *, rows: int | None = None) -> ColumnElement[bool]:
        """The conversation has the words; made for whoever reads so many rows, or all."""
        if self._is_quicker_by_row(rows):
            return _by_row(self.query, self.workspace_id)
        return c.id.in_(select(func.convstore.search_texts(self.workspace_id, self.query, type_=Uuid)))

    def exceeds(self, count: int) -> bool:
        """Whether there is no doubt that more than so many are found."""
        # As many as a sample of a set with exactly `count` has by chance once in 30,000 times.
        expected = count / self.scale
        return self.both > expected + 4 * sqrt(expected)

    def is_listed_up_to(self, count: int) -> bool:
        """Whether the index lists all hits for whoever wants so many, because there may be fewer."""
        return not self.exceeds(count) and not self._is_quicker_by_row(count + 1)

    def _is_quicker_by_row(self, rows: int | None) -> bool:
        if self.both == 0:
            return False
        checks = self.met * self.scale
        if rows is not None:
            checks = min(checks, rows * self.met / self.both)
        return checks * _HITS_A_CHECK <= self.expected


def explore(
    connection: Connection, query: str, workspace_id: UUID, others: Sequence[ColumnElement[bool]]
) -> TextSearch:
    """Ask the database how frequent words are, alone and beside other conditions; one statement."""
    expected = select(func.convstore.expect_texts(workspace_id, query).label("hits")).cte("expected")
    expected = expected.prefix_with("MATERIALIZED", dialect="postgresql")
    other = conversations.alias("sampled")
    # As a list and no range: the planner knows how long it is.
    some = select(other.c.id).where(other.c.workspace_id == workspace_id).order_by(other.c.id).limit(_SAMPLE)
    looked_through = (
        select(_by_row(query, workspace_id).label("found"), and_(*others).label("met"))
        .where(
            c.workspace_id == workspace_id,
            c.is_active,
            c.id.in_(some),
            # Once for the statement: for rare words nothing is read.
            select(expected.c.hits).scalar_subquery() > RARE_TEXT,
        )
        .cte("looked_through")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    seen = looked_through.c
    stored = (
        select(func.coalesce(func.sum(facet_counts.c.count), 0))
        .where(
            facet_counts.c.workspace_id == workspace_id, facet_counts.c.given == "", facet_counts.c.facet == "status"
        )
        .scalar_subquery()
    )
    hits, met, both, count = connection.execute(
        select(
            select(expected.c.hits).scalar_subquery(),
            func.count().filter(seen.met),
            func.count().filter(seen.found, seen.met),
            stored,
        ).select_from(looked_through)
    ).one()
    return TextSearch(
        query=query,
        workspace_id=workspace_id,
        expected=hits,
        met=met,
        both=both,
        scale=max(float(count) / _SAMPLE, 1.0),
    )


def _by_row(query: str, workspace_id: UUID) -> ColumnElement[bool]:
    # A scalar subquery and no EXISTS: the planner would make a join of that and read every text that there is.
    found = (
        select(literal(1))
        .where(
            x.workspace_id == workspace_id,
            x.conversation_id == c.id,
            # In a subquery it is made once, also where the plan is kept for any words.
            x.words.op("@@")(select(func.websearch_to_tsquery(_ENGLISH, query)).scalar_subquery()),
        )
        .limit(1)
        .correlate(conversations)
        .scalar_subquery()
    )
    return found.is_not(None)
