"""Pages by keyset: every row once, forwards and backwards, in every order, with positions and totals that hold."""

from __future__ import annotations

import base64
import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convstore.core import ConvStore
from convstore.errors import UsageError
from convstore.model import Conversation, Filter, Order, Page, Sort
from convstore.queries.cursors import LAST
from tests.integration.search.statements import insert_rows

_ORDERS = [(sort, order) for sort in get_args(Sort) for order in get_args(Order)]


def walk(store: ConvStore, way: str, *, sort: Sort, order: Order, limit: int) -> list[Page[Conversation]]:
    pages = [store.search(sort=sort, order=order, limit=limit, cursor=LAST if way == "previous" else None)]
    while cursor := getattr(pages[-1], way):
        pages.append(store.search(sort=sort, order=order, limit=limit, cursor=cursor))
        assert len(pages) < 200
    return pages if way == "next" else pages[::-1]


@pytest.mark.parametrize(("sort", "order"), _ORDERS)
def test_every_row_once_both_ways(store: ConvStore, sort: Sort, order: Order) -> None:
    insert_rows(store, 83, ties=True)
    whole = [row.id for row in store.search(sort=sort, order=order, limit=1000).items]
    assert len(set(whole)) == 83
    for limit in (1, 7, 25, 83, 84):
        for way in ("next", "previous"):
            pages = walk(store, way, sort=sort, order=order, limit=limit)
            assert [row.id for page in pages for row in page.items] == whole
            position = 1
            for page in pages:
                assert page.first == position
                assert (page.total, page.total_is_exact) == (83, True)
                position += len(page.items)
            assert [len(page.items) for page in pages[:-1]] == [limit] * (len(pages) - 1)


@pytest.mark.parametrize(("sort", "order"), _ORDERS)
def test_rows_come_in_the_order_that_was_asked_for(demo_store: ConvStore, sort: Sort, order: Order) -> None:
    rows = demo_store.search(sort=sort, order=order, limit=1000).items
    key: dict[str, Any] = {
        "created": lambda row: row.created_at,
        "updated": lambda row: row.updated_at,
        "quality": lambda row: row.effective_quality,
        "name": lambda row: row.conversation_name.lower(),
    }
    values = [key[sort](row) for row in rows]
    assert values == sorted(values, reverse=order == "desc")


def test_there_and_back_again(store: ConvStore) -> None:
    insert_rows(store, 60)
    first = store.search()
    second = store.search(cursor=first.next)
    assert (first.previous, first.first, second.first) == (None, 1, 26)
    assert store.search(cursor=second.previous).items == first.items
    last = store.search(cursor=LAST)
    assert (len(last.items), last.first, last.next) == (10, 51, None)
    assert store.search(cursor=last.previous).items == second.items


def test_an_empty_list(store: ConvStore) -> None:
    for cursor in (None, LAST):
        page = store.search(cursor=cursor)
        assert (page.items, page.next, page.previous, page.first, page.total) == ((), None, None, 0, 0)


def test_rows_that_come_and_go_between_pages(store: ConvStore) -> None:
    insert_rows(store, 60)
    second = store.search(cursor=store.search().next)
    store.delete([row.conversation_id for row in store.search().items[:20]])

    back = store.search(cursor=second.previous)
    assert len(back.items) == 5
    assert (back.first, back.previous) == (1, None)
    beyond = store.search(cursor=second.next)
    assert len(beyond.items) == 10


def test_a_page_whose_rows_are_gone_is_empty(store: ConvStore) -> None:
    insert_rows(store, 30)
    page = store.search()
    store.delete([row.conversation_id for row in store.search(cursor=page.next).items])
    empty = store.search(cursor=page.next)
    assert (empty.items, empty.first, empty.total) == ((), 0, 25)


def test_totals_are_exact_to_ten_thousand(store: ConvStore) -> None:
    insert_rows(store, 10_000)
    assert store.count() == (10_000, True)
    assert (store.search().total, store.search().total_is_exact) == (10_000, True)
    assert store.search(cursor=LAST).first == 9_976

    insert_rows(store, 50, start=10_000)
    store.resources.cache.invalidate(store.actor.workspace_id)
    assert store.count() == (10_000, False)
    page = store.search(cursor=LAST)
    assert (page.total, page.total_is_exact, page.first, len(page.items)) == (10_000, False, None, 25)
    assert store.search(cursor=page.previous).next is not None
    assert store.count(Filter(min_quality=5))[1]  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_impossible_limits(store: ConvStore, limit: int) -> None:
    with pytest.raises(UsageError, match="1 to 1,000"):
        store.search(limit=limit)


def test_impossible_orders(store: ConvStore) -> None:
    with pytest.raises(UsageError, match="cannot sort"):
        store.search(sort="colour")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cannot sort"):
        store.search(order="up")  # type: ignore[arg-type]


def test_a_cursor_serves_the_order_that_made_it(store: ConvStore) -> None:
    insert_rows(store, 30)
    cursor = store.search(sort="name").next
    for sort, order in (("name", "asc"), ("quality", "desc")):
        with pytest.raises(UsageError, match="cursor"):
            store.search(sort=sort, order=order, cursor=cursor)  # type: ignore[arg-type]


def test_no_cursor_breaks_anything(store: ConvStore) -> None:
    insert_rows(store, 30)
    good = {sort: store.search(sort=sort).next or "" for sort in get_args(Sort)}
    strange = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)

    @st.composite
    def tampered(draw: st.DrawFn) -> tuple[Sort, str]:
        sort = draw(st.sampled_from(get_args(Sort)))
        text = good[sort]
        fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        fields[draw(st.integers(0, 5))] = draw(strange)
        return sort, base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()

    @settings(max_examples=150, deadline=None)
    @given(
        made=tampered()
        | st.tuples(st.sampled_from(get_args(Sort)), st.text(min_size=1))
        | st.tuples(st.sampled_from(get_args(Sort)), st.binary(min_size=1).map(lambda b: base64.b64encode(b).decode()))
    )
    def check(made: tuple[Sort, str]) -> None:
        sort, cursor = made
        try:
            page = store.search(sort=sort, cursor=cursor)
        except UsageError:
            return
        assert page.total == 30

    check()
