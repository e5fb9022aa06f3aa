"""A cursor comes back as it was made; anything else is a mistake of the caller."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convstore.errors import UsageError
from convstore.model import Order, Sort
from convstore.queries.cursors import Cursor

moments = st.datetimes(timezones=st.just(UTC))
names = st.text().filter(lambda text: "\x00" not in text)
values: dict[str, st.SearchStrategy[Any]] = {
    "created": moments,
    "updated": moments,
    "quality": st.integers(0, 50),
    "name": names,
}


@st.composite
def cursors(draw: st.DrawFn) -> Cursor:
    sort: Sort = draw(st.sampled_from(get_args(Sort)))
    return Cursor(
        sort=sort,
        order=draw(st.sampled_from(get_args(Order))),
        direction=draw(st.sampled_from(["after", "before"])),
        value=draw(values[sort]),
        id=draw(st.uuids()),
        position=draw(st.none() | st.integers(0)),
    )


@given(cursors())
def test_there_and_back(cursor: Cursor) -> None:
    text = cursor.encode()
    assert text.isascii()
    assert "=" not in text
    assert Cursor.decode(text, sort=cursor.sort, order=cursor.order) == cursor


@given(cursors(), st.sampled_from(get_args(Sort)), st.sampled_from(get_args(Order)))
def test_another_list(cursor: Cursor, sort: Sort, order: Order) -> None:
    if (sort, order) == (cursor.sort, cursor.order):
        return
    with pytest.raises(UsageError):
        Cursor.decode(cursor.encode(), sort=sort, order=order)


@given(st.text(), st.sampled_from(get_args(Sort)))
def test_any_text(text: str, sort: Sort) -> None:
    with pytest.raises(UsageError):
        Cursor.decode(text, sort=sort, order="asc")


def packed(sort: str, value: object, position: object = 1) -> str:
    fields = [sort, "asc", "after", value, UUID(int=1).hex, position]
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("quality", float("inf")),
        ("quality", float("nan")),
        ("quality", 51),
        ("quality", -1),
        ("name", "\ud800"),
        ("name", "a\x00"),
        ("name", 3),
        ("name", None),
        ("created", "2026-01-01"),
        ("created", 5),
        ("created", "now"),
    ],
)
def test_values_that_no_row_has(sort: Sort, value: object) -> None:
    with pytest.raises(UsageError):
        Cursor.decode(packed(sort, value), sort=sort, order="asc")


@pytest.mark.parametrize("position", [-1, "1", 1.5, []])
def test_positions_that_no_row_has(position: object) -> None:
    with pytest.raises(UsageError):
        Cursor.decode(packed("name", "a", position), sort="name", order="asc")
    assert Cursor.decode(packed("name", "a"), sort="name", order="asc").value == "a"


def test_a_cursor_is_short() -> None:
    cursor = Cursor(
        sort="created",
        order="desc",
        direction="after",
        value=datetime(2026, 3, 14, tzinfo=UTC),
        id=UUID(int=7),
        position=25,
    )
    assert len(cursor.encode()) < 160
