"""Pages of the set: every order, no, one and two filters, near and far, beside the best query written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.measuring import Measurement, Target, interleave
from convstore.core import ConvStore
from convstore.database import Context
from convstore.model import Filter, Order, Sort
from convstore.queries.cursors import Cursor
from convstore.queries.pages import list_conversations

__all__ = ["measure"]

_SIZE = 25
_RUNS = 7
_FAR = (0, 1_000, 20_000)

_KEYS: dict[Sort, str] = {
    "created": "created_at",
    "updated": "updated_at",
    "quality": "effective_quality",
    "name": "sort_name",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A filter, and the same in SQL."""

    name: str
    wanted: Filter
    where: str


def cases(connection: psycopg.Connection, workspace_id: UUID) -> list[Case]:
    """No filter, each one alone, and pairs; values that the set holds many and few of."""

    def commonest(column: str) -> str:
        row = connection.execute(
            f"SELECT {column} FROM conversations WHERE workspace_id = %s AND {column} IS NOT NULL"
            f" GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
            (workspace_id,),
        ).fetchone()
        assert row is not None
        return str(row[0])

    persona, arc, topic = commonest("persona_key"), commonest("emotional_arc_key"), commonest("topic_key")
    found = connection.execute(
        "SELECT code FROM findings WHERE workspace_id = %s GROUP BY 1 ORDER BY count(*) DESC LIMIT 1", (workspace_id,)
    ).fetchone()
    code = found[0] if found else "repeated_message"
    has_finding = (
        "EXISTS (SELECT FROM findings AS f WHERE f.workspace_id = c.workspace_id AND f.conversation_id = c.id"
        f" AND f.code = '{code}' AND f.dismissed_at IS NULL)"
    )
    return [
        Case("no filter", Filter(), "true"),
        # The newest 30% all wait for review: approved ones lie far behind the beginning.
        Case("approved (skewed)", Filter(statuses=("approved",)), "status = 'approved'"),
        Case("pending", Filter(statuses=("pending_review",)), "status = 'pending_review'"),
        Case("edge cases", Filter(tiers=("edge_case",)), "tier = 'edge_case'"),
        Case("persona", Filter(personas=(persona,)), f"persona_key = '{persona}'"),
        Case("arc", Filter(arcs=(arc,)), f"emotional_arc_key = '{arc}'"),
        Case("topic", Filter(topics=(topic,)), f"topic_key = '{topic}'"),
        Case("quality ≥ 4", Filter(min_quality=Decimal(4)), "effective_quality >= 40"),
        Case("finding", Filter(findings=(code,)), has_finding),
        Case(
            "approved, quality ≥ 4 (skewed)",
            Filter(statuses=("approved",), min_quality=Decimal(4)),
            "status = 'approved' AND effective_quality >= 40",
        ),
        Case(
            "approved, topic (skewed)",
            Filter(statuses=("approved",), topics=(topic,)),
            f"status = 'approved' AND topic_key = '{topic}'",
        ),
        Case(
            "persona, arc", Filter(personas=(persona,), arcs=(arc,)),
            f"persona_key = '{persona}' AND emotional_arc_key = '{arc}'",
        ),
        Case(
            "approved, finding (skewed)",
            Filter(statuses=("approved",), findings=(code,)),
            f"status = 'approved' AND {has_finding}",
        ),
        Case("two statuses", Filter(statuses=("approved", "rejected")), "status IN ('approved', 'rejected')"),
    ]  # fmt: skip


def measure(store: ConvStore) -> Iterator[Measurement]:
    """Every order with every filter; the total is known, as it is on every page but a list's very first."""
    workspace_id = store.actor.workspace_id
    with psycopg.connect(store.database.admin_url, autocommit=True) as bare:
        for case in cases(bare, workspace_id):
            for sort in _KEYS:
                first_ms: float | None = None
                for page in _FAR:
                    place = _place(bare, workspace_id, case, sort, page)
                    if page and place is None:
                        continue
                    product, limit = interleave(
                        [
                            _product(store, case, sort, place),
                            _limit(bare, workspace_id, case, sort, place),
                        ],
                        runs=_RUNS,
                    )
                    first_ms = first_ms or product.median_ms
                    yield Measurement(
                        group="page",
                        case=f"{case.name}; by {sort}; page {page or 1:,}",
                        product=product,
                        limit=limit,
                        target=Target(ratio=5),
                        note=f"{product.median_ms / first_ms:.1f} × the first page" if page else "",
                    )


def _place(connection: psycopg.Connection, workspace_id: UUID, case: Case, sort: Sort, page: int) -> Any:
    """The last row before a page; None where the list is shorter."""
    if page == 0:
        return None
    key = _KEYS[sort]
    return connection.execute(
        f"SELECT {key}, id FROM conversations AS c WHERE workspace_id = %s AND is_active AND {case.where}"
        f" ORDER BY {key} DESC, id DESC OFFSET %s LIMIT 1",
        (workspace_id, page * _SIZE - 1),
    ).fetchone()


def _product(store: ConvStore, case: Case, sort: Sort, place: Any) -> Callable[[], object]:
    order: Order = "desc"
    cursor = None
    if place is not None:
        cursor = Cursor(sort=sort, order=order, direction="after", value=place[0], id=place[1], position=None).encode()

    total = store.count(case.wanted)

    def page() -> object:
        with store.database.transaction(Context.of(store.actor), read_only=True) as connection:
            return list_conversations(
                connection, case.wanted, store.actor.workspace_id,
                sort=sort, order=order, limit=_SIZE, cursor=cursor, total=total,
            )  # fmt: skip

    return page


def _limit(
    connection: psycopg.Connection, workspace_id: UUID, case: Case, sort: Sort, place: Any
) -> Callable[[], object]:
    key = _KEYS[sort]
    columns = ", ".join(
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'conversations'::regclass AND attnum > 0"
            " AND NOT attisdropped AND attname NOT IN ('extra', 'system_prompt', 'workspace_id', 'sort_name')"
        )
    )
    start = f"AND ({key}, id) < (%(value)s, %(id)s)" if place is not None else ""
    query = (
        f"SELECT {columns}, ARRAY(SELECT DISTINCT code FROM findings AS f"
        " WHERE f.workspace_id = c.workspace_id AND f.conversation_id = c.id AND f.dismissed_at IS NULL ORDER BY code)"
        f" FROM conversations AS c WHERE workspace_id = %(workspace)s AND is_active AND {case.where} {start}"
        f" ORDER BY {key} DESC, id DESC LIMIT {_SIZE + 1}"
    )
    values = {"workspace": workspace_id}
    if place is not None:
        values |= {"value": place[0], "id": place[1]}
    return lambda: connection.execute(query.encode(), values).fetchall()
