"""The set of conversations: pages by keyset, totals, single rows. Lists never touch content or jsonb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    Select,
    Text,
    Uuid,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from convstore.database.prepared import Prepared
from convstore.database.tables import conversations, findings
from convstore.errors import UsageError
from convstore.model import Conversation, Filter, Order, Page, Sort
from convstore.queries import usage
from convstore.queries.cursors import LAST, Cursor
from convstore.queries.filters import any_of, conditions
from convstore.queries.naming import named, naming, not_found, row_id_in
from convstore.queries.searching import TextSearch, explore
from convstore.queries.totals import EXACT_TOTAL, count_matching

__all__ = [
    "CONVERSATION",
    "as_conversation",
    "count",
    "get_conversation",
    "list_conversations",
    "lock_conversations",
    "matching",
]

c = conversations.c

SORT_COLUMNS: dict[Sort, ColumnElement[Any]] = {
    "created": c.created_at,
    "quality": c.effective_quality,
    "updated": c.updated_at,
    "name": c.sort_name,
}

_UNLISTED = {
    "workspace_id",
    "system_prompt",
    "extra",
    "sort_name",
    "file_url",
    "deleted_by",
    "word_count",
    "intensities",
    "file_tenths",
}
_COLUMNS = [usage.current(column) for column in conversations.c if column.name not in _UNLISTED]
_FINDING_CODES = func.array(
    select(findings.c.code)
    .distinct()
    .where(
        findings.c.workspace_id == c.workspace_id,
        findings.c.conversation_id == c.id,
        findings.c.dismissed_at.is_(None),
    )
    .order_by(findings.c.code)
    .scalar_subquery(),
    type_=ARRAY(Text),
).label("finding_codes")

# Made once: putting some fifty columns together takes longer than the database does to find the rows.
_PAGES = {
    sort: select(*_COLUMNS, _FINDING_CODES, key.label("sort_value")).select_from(usage.CURRENT)
    for sort, key in SORT_COLUMNS.items()
}
_PUT = [getattr(Conversation, column.name).__set__ for column in _COLUMNS]
_PUT_CODES = getattr(Conversation, "finding_codes").__set__  # noqa: B009
#: The conversation that `naming` names, whole.
CONVERSATION = Prepared(named(select(*_COLUMNS, c.system_prompt, c.extra, _FINDING_CODES).select_from(usage.CURRENT)))


def matching(
    connection: Connection, wanted: Filter, workspace_id: UUID, *, rows: int | None = None
) -> list[ColumnElement[bool]]:
    """The conditions of a filter, for whoever reads so many rows or all.

    Asks the database how frequent the words are if there is a text in it.
    """
    where, search = _matching(connection, wanted, workspace_id)
    return where if search is None else [*where, search.condition(rows=rows)]


def _matching(
    connection: Connection, wanted: Filter, workspace_id: UUID
) -> tuple[list[ColumnElement[bool]], TextSearch | None]:
    """The conditions but for the text, and the text."""
    words = (wanted.text or "").strip()
    where = list(conditions(replace(wanted, text=None), workspace_id))
    return where, explore(connection, words, workspace_id, where) if words else None


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
    where, search = _matching(connection, wanted, workspace_id)
    place = None if cursor in (None, LAST) else Cursor.decode(str(cursor), sort=sort, order=order)
    backwards = cursor == LAST or (place is not None and place.direction == "before")
    descending = (order == "desc") != backwards
    rows: list[Row[Any]] | None = None
    if total is None and search is not None and cursor is None and search.is_listed_up_to(EXACT_TOTAL):
        rows, total = _listed_rows(
            connection, [*where, search.condition()], workspace_id, sort=sort, descending=descending, limit=limit + 1
        )
    counted, exact = total or count_matching(connection, wanted, workspace_id, where, search)
    size = limit
    if cursor == LAST and exact:
        size = counted % limit or limit
    if rows is None:
        if search is not None:
            where.append(search.condition(rows=size + 1))
        rows = _rows(connection, where, sort=sort, descending=descending, place=place, limit=size + 1)
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()

    first = _position(rows, place, backwards=backwards, more=more, total=counted if exact else None)
    has_next = bool(rows) and (cursor != LAST if backwards else more)
    has_previous = bool(rows) and (more if backwards else place is not None)

    def beside(row: Row[Any], direction: str, position: int | None) -> str:
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
    rows: Sequence[Row[Any]], place: Cursor | None, *, backwards: bool, more: bool, total: int | None
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


def count(connection: Connection, wanted: Filter, workspace_id: UUID) -> tuple[int, bool]:
    """How many conversations match, and whether that is exact; at most `EXACT_TOTAL`."""
    return count_matching(connection, wanted, workspace_id, *_matching(connection, wanted, workspace_id))


def get_conversation(connection: Connection, identifier: str, workspace_id: UUID) -> Mapping[str, Any]:
    """The whole row by conversation id or row id, trashed ones too.

    Raises
    ------
    NotFoundError
        There is none, or it is hidden.
    """
    row = CONVERSATION.send(connection, **naming(identifier, workspace_id)).fetchone()
    if row is None:
        raise not_found(identifier)
    return row


def lock_conversations(connection: Connection, identifiers: Sequence[str], workspace_id: UUID) -> dict[str, RowMapping]:
    """Hold conversations until the transaction ends: what is judged now is still so when it is changed.

    Returns row id, public id, status, hash, who decided, who imported and where the file is, keyed by identifier; an
    identifier that names nothing is left out.
    """
    row_ids = {value: row_id for value in identifiers if (row_id := row_id_in(value)) is not None}
    query = (
        select(c.id, c.conversation_id, c.status, c.turns_sha256, c.reviewed_by, c.is_active, c.created_by, c.file_path)
        .where(
            c.workspace_id == workspace_id,
            or_(any_of(c.conversation_id, identifiers), any_of(c.id, list(row_ids.values()))),
        )
        # In one order everywhere: two batches that wait for each other's rows would never end.
        .order_by(c.id)
        .with_for_update()
    )
    rows = list(connection.execute(query).mappings())
    by_name: dict[str, RowMapping] = {row["conversation_id"]: row for row in rows}
    by_row_id: dict[UUID, RowMapping] = {row["id"]: row for row in rows}
    by_id = {value: by_row_id[row_id] for value, row_id in row_ids.items() if row_id in by_row_id}
    # Where one conversation's id is another's row id, the id that people gave wins.
    return by_id | {value: by_name[value] for value in identifiers if value in by_name}


def _rows(
    connection: Connection,
    where: Sequence[ColumnElement[bool]],
    *,
    sort: Sort,
    descending: bool,
    place: Cursor | None,
    limit: int,
) -> list[Row[Any]]:
    key = SORT_COLUMNS[sort]
    query = _PAGES[sort].where(*where).limit(limit)
    if place is not None:
        # A row comparison, because the index serves it from where it starts; the same with OR walks the index.
        here, there = tuple_(key, c.id), tuple_(literal(place.value, key.type), literal(place.id, Uuid))
        query = query.where(here < there if descending else here > there)
    query = query.order_by(key.desc(), c.id.desc()) if descending else query.order_by(key, c.id)
    return list(connection.execute(query))


def _listed_rows(
    connection: Connection,
    where: Sequence[ColumnElement[bool]],
    workspace_id: UUID,
    *,
    sort: Sort,
    descending: bool,
    limit: int,
) -> tuple[list[Row[Any]] | None, tuple[int, bool]]:
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


def _listed(row: Row[Any]) -> Conversation:
    # A frozen class of fifty fields takes longer to fill than a page takes to be found: its slots are filled directly.
    one: Conversation = object.__new__(Conversation)
    for put, value in zip(_PUT, row, strict=False):
        put(one, value)
    _PUT_CODES(one, tuple(row.finding_codes))
    return one


def as_conversation(row: Mapping[str, Any]) -> Conversation:
    """The listed part of a row."""
    fields = {name: value for name, value in row.items() if name not in ("sort_value", "system_prompt", "extra")}
    fields["finding_codes"] = tuple(fields["finding_codes"])
    return Conversation(**fields)
