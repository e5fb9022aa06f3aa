"""Words in turns as conditions on conversations, by how frequent the words are. Knows no page, order or other filter.

Rare words are looked up in the text index, through a function, because no policy lets an index serve `@@`. Frequent
ones are looked for in each conversation on the way, since a page is full after a few; nothing lists millions of hits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Uuid, and_, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import REGCONFIG

from convstore.database.tables import conversation_turns, conversations, facet_counts

__all__ = ["RARE_TEXT", "is_rare", "plausible_count", "text_condition", "text_condition_by_row"]

c = conversations.c
t = conversation_turns.c

_ENGLISH = cast(literal("english"), REGCONFIG)

#: Words found in at most this many turns are looked up in the index; more frequent ones are checked by row.
RARE_TEXT = 8_000
#: Conversations that are looked at to see how frequent the words are; their ids are random, so the first ones are too.
_SAMPLE = 1_000
#: Hits that the index lists in the time in which one conversation is looked through.
_HITS_A_CHECK = 4


def is_rare(connection: Connection, query: str, workspace_id: UUID) -> bool:
    """Whether the words are in at most `RARE_TEXT` turns."""
    hits = func.convstore.search_turns(workspace_id, query, RARE_TEXT + 1).table_valued("id")
    return connection.execute(select(func.count()).select_from(hits)).scalar_one() <= RARE_TEXT


def text_condition(query: str, workspace_id: UUID) -> ColumnElement[bool]:
    """The conversation is one of those that the index lists, all of them."""
    return c.id.in_(select(func.convstore.search_turns(workspace_id, query, None, type_=Uuid)))


def text_condition_by_row(query: str, workspace_id: UUID) -> ColumnElement[bool]:
    """The conversation has a turn with the words."""
    # A scalar subquery and no EXISTS: the planner would make a join of that and read every turn that there is.
    found = (
        select(literal(1))
        .where(
            t.workspace_id == workspace_id,
            t.conversation_id == c.id,
            # In a subquery it is made once, also where the plan is kept for any words.
            t.content_tsv.op("@@")(select(func.websearch_to_tsquery(_ENGLISH, query)).scalar_subquery()),
        )
        .limit(1)
        .correlate(conversations)
        .scalar_subquery()
    )
    return found.is_not(None)


def plausible_count(
    where: Sequence[ColumnElement[bool]],
    query: str,
    workspace_id: UUID,
    *,
    most: int,
    capped: Callable[[Sequence[ColumnElement[bool]]], Select[int]],
) -> Select[int]:
    """How many conversations meet `where` and have frequent words, at most `most` + 1.

    A sample answers where it leaves no doubt that there are more than `most`; else they are counted, by whichever of
    the two ways reads less.

    Parameters
    ----------
    where
        The other conditions.
    capped
        Makes the statement that counts what meets conditions.
    """
    other = conversations.alias("sampled")
    # As a list and no range: the planner knows how long it is.
    some = select(other.c.id).where(other.c.workspace_id == workspace_id).order_by(other.c.id).limit(_SAMPLE)
    by_row = text_condition_by_row(query, workspace_id)
    stored = (
        select(func.sum(facet_counts.c.count))
        .where(
            facet_counts.c.workspace_id == workspace_id, facet_counts.c.given == "", facet_counts.c.facet == "status"
        )
        .scalar_subquery()
    )
    looked_through = (
        select(by_row.label("found"), and_(*where).label("met"))
        .where(c.workspace_id == workspace_id, c.is_active, c.id.in_(some))
        .cte("looked_through")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    seen = looked_through.c
    sample = (
        select(
            func.count().filter(seen.found).label("found"),
            func.count().filter(seen.met).label("met"),
            func.count().filter(seen.found, seen.met).label("both"),
            (func.greatest(stored, _SAMPLE) / literal(float(_SAMPLE))).label("share"),
        )
        .select_from(looked_through)
        .cte("sample")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    ).c
    # As many as a sample of a set with exactly `most` has by chance once in 30,000 times.
    expected = literal(float(most)) / sample.share
    beyond_doubt = sample.both > expected + 4 * func.sqrt(expected)
    checks = sample.met * sample.share / func.greatest(sample.both / expected, 1.0)
    return select(
        case(
            (beyond_doubt, most + 1),
            (checks * _HITS_A_CHECK <= sample.found * sample.share, capped([*where, by_row]).scalar_subquery()),
            else_=capped([*where, text_condition(query, workspace_id)]).scalar_subquery(),
        )
    )
