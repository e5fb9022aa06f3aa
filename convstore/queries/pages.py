"""Pages of the set by keyset: a filter's rows in an order, from a place on. Lists never touch content or jsonb."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, get_args
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Integer, Select, Uuid, bindparam, func, select, tuple_

from convstore.database.prepared import Prepared
from convstore.database.tables import conversations
from convstore.errors import UsageError
from convstore.model import Conversation, Filter, Order, Page, Sort
from convstore.queries import usage
from convstore.queries.conversations import FINDING_CODES, LISTED_COLUMNS
from convstore.queries.cursors import LAST, Cursor
from convstore.queries.filters import conditions
from convstore.queries.matching import matching_but_text
from convstore.queries.totals import EXACT_TOTAL, count, count_matching

__all__ = ["SORT_COLUMNS", "list_conversations"]

c = conversations.c

SORT_COLUMNS: dict[Sort, ColumnElement[Any]] = {
    "created": c.created_at,
    "quality": c.effective_quality,
    "updated": c.updated_at,
    "name": c.sort_name,
}

# Made once: putting some fifty columns together takes longer than the database does to find the rows.
_PAGES = {
    sort: select(*LISTED_COLUMNS, FINDING_CODES, key.label("sort_value")).select_from(usage.CURRENT)
    for sort, key in SORT_COLUMNS.items()
}
_PUT = [getattr(Conversation, column.name).__set__ for column in LISTED_COLUMNS]
_PUT_CODES = getattr(Conversation, "finding_codes").__set__  # noqa: B009


class _Order(NamedTuple):
    sort: Sort
    descending: bool
    is_first: bool


def list_conversations(
    connection: Connection,
    wanted: Filter,
    workspace_id: UUID,
    *,
    sort: Sort = "created",
    order: Order = "desc",
    limit: int = 25,
    cursor: str | None = None,
    total: tuple[int, bool] | None = None,
) -> Page[Conversation]:
    """One page, in at most three statements: how frequent the words are, the rows, the total.

    Parameters
    ----------
    cursor
        `next` or `previous` of another page, or `LAST`; None: the first page.
    total
        What `count` said, where that is known: only the first page of a list has to count.
    """
    if sort not in get_args(Sort) or order not in get_args(Order):
        raise UsageError(
            f"cannot sort by {sort} {order}", hint=f"Sort by {', '.join(get_args(Sort))}, in order asc or desc."
        )
    if not 1 <= limit <= 1000:
        raise UsageError(f"a page has 1 to 1,000 rows, not {limit}", hint="Give another limit.")
    place = None if cursor in (None, LAST) else Cursor.decode(str(cursor), sort=sort, order=order)
    backwards = cursor == LAST or (place is not None and place.direction == "before")
    descending = (order == "desc") != backwards
    where, search = None, None
    rows: list[Any] | None = None
    if wanted.text and wanted.text.strip():
        where, search = matching_but_text(connection, wanted, workspace_id)
        if search and total is None and cursor is None and search.is_listed_up_to(EXACT_TOTAL):
            rows, total = _listed_rows(
                connection, [*where, search.condition()], workspace_id, sort, descending=descending, limit=limit + 1
            )
        total = total or count_matching(connection, wanted, workspace_id, where, search)
    counted, exact = total or count(connection, wanted, workspace_id)
    size = limit
    if cursor == LAST and exact:
        size = counted % limit or limit
    if rows is None:
        wants = {"rows": size + 1} if place is None else {"rows": size + 1, "value": place.value, "id": place.id}
        order_of_rows = _Order(sort, descending, is_first=place is None)
        if where and search:
            query = _query([*where, search.condition(rows=size + 1)], order_of_rows)
            rows = list(connection.execute(query, wants).all())
        else:
            rows = _kept_statement(wanted, workspace_id, order_of_rows).rows(connection, **wants)
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()

    first = _position(rows, place, backwards=backwards, more=more, total=counted if exact else None)
    has_next = bool(rows) and (cursor != LAST if backwards else more)
    has_previous = bool(rows) and (more if backwards else place is not None)

    def beside(row: Any, direction: str, position: int | None) -> str:
        return Cursor(
            sort=sort,
            order=order,
            direction=direction,  # type: ignore[arg-type]
            value=row.sort_value,
            id=row.id,
            position=position,
        ).encode()

    last = None if first is None else first + len(rows) - 1
    return Page(
        items=tuple(map(_listed, rows)),
        next=beside(rows[-1], "after", last) if has_next else None,
        previous=beside(rows[0], "before", None if first is None else first - 1) if has_previous else None,
        first=first,
        total=counted,
        total_is_exact=exact,
    )


def _position(
    rows: Sequence[Any], place: Cursor | None, *, backwards: bool, more: bool, total: int | None
) -> int | None:
    """Which of the list the first of these rows is, from 1; None where that is not known."""
    if not rows:
        return 0
    if backwards and not more:
        return 1
    if place is None and not backwards:
        return 1
    last = total if place is None else place.position
    if last is None:
        return None
    if not backwards:
        return last + 1
    # Rows came since the position was counted: it is no longer known.
    return first if (first := last - len(rows) + 1) > 0 else None


def _query(where: Sequence[ColumnElement[bool]], order: _Order) -> Select[Any]:
    """The first `rows` of those that match, behind the place of `value` and `id` unless it is the first page."""
    key = SORT_COLUMNS[order.sort]
    query = _PAGES[order.sort].where(*where).limit(bindparam("rows", 0, Integer))
    if not order.is_first:
        # A row comparison, because the index serves it from where it starts; the same with OR walks the index.
        here, there = tuple_(key, c.id), tuple_(bindparam("value", None, key.type), bindparam("id", None, Uuid))
        query = query.where(here < there if order.descending else here > there)
    return query.order_by(key.desc(), c.id.desc()) if order.descending else query.order_by(key, c.id)


@lru_cache(maxsize=64)  # one may hold a filter of as many ids as a person can paste
def _kept_statement(wanted: Filter, workspace_id: UUID, order: _Order) -> Prepared:
    """The same for a filter without text: pages are turned, and making the statement takes longer than its answer."""
    return Prepared(_query(list(conditions(wanted, workspace_id)), order))


def _listed_rows(
    connection: Connection,
    where: Sequence[ColumnElement[bool]],
    workspace_id: UUID,
    sort: Sort,
    *,
    descending: bool,
    limit: int,
) -> tuple[list[Any] | None, tuple[int, bool]]:
    """The first rows and the total of what an index lists, looked up once for both; no rows if there are too many."""
    key = SORT_COLUMNS[sort]
    hits = select(c.id, key.label("key")).where(*where).limit(EXACT_TOTAL + 1).cte("hits")
    hits = hits.prefix_with("MATERIALIZED", dialect="postgresql")
    total = select(func.count()).select_from(hits).scalar_subquery().label("total")

    def ordered(query: Select[Any], *keys: ColumnElement[Any]) -> Select[Any]:
        return query.order_by(*(one.desc() if descending else one for one in keys))

    top = ordered(select(hits.c.id), hits.c.key, hits.c.id).limit(limit)
    query = _PAGES[sort].add_columns(total).where(c.workspace_id == workspace_id, c.id.in_(top))
    rows = list(connection.execute(ordered(query, key, c.id)))
    counted = rows[0].total if rows else 0
    if counted > EXACT_TOTAL:
        return None, (EXACT_TOTAL, False)
    return rows, (counted, True)


def _listed(row: Any) -> Conversation:
    # A frozen class of fifty fields takes longer to fill than a page takes to be found: its slots are filled directly.
    one: Conversation = object.__new__(Conversation)
    for put, value in zip(_PUT, row, strict=False):
        put(one, value)
    _PUT_CODES(one, tuple(row.finding_codes))
    return one
