"""The plans of the ten statements that matter, as the product sends them, behind its policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import psycopg
from sqlalchemy import Connection

from convstore.core import ConvStore
from convstore.database import Context
from convstore.model import Filter
from convstore.queries.conversations import CONVERSATION
from convstore.queries.facets import count_facets
from convstore.queries.pages import list_conversations
from convstore.queries.totals import count
from convstore.queries.turns import TURNS

__all__ = ["explain"]

_KNOWN = (10_000, False)


def explain(store: ConvStore) -> Iterator[tuple[str, str]]:
    """Each statement's name and its plan."""
    workspace_id = store.actor.workspace_id
    approved = Filter(statuses=("approved",))
    code = next(iter(store.statistics.findings())).code if store.statistics.findings() else "repeated_message"
    first = store.search(limit=1).items[0]

    def page(wanted: Filter, **options: Any) -> Callable[[Connection], object]:
        return lambda connection: list_conversations(connection, wanted, workspace_id, total=_KNOWN, **options)

    asked: tuple[tuple[str, Callable[[Connection], object]], ...] = (
        ("Page without a filter, newest first", page(Filter())),
        ("Page of approved, newest first; the newest 30 % all wait", page(approved)),
        ("Page of approved with quality ≥ 4, recently changed", page(
            Filter(statuses=("approved",), min_quality=Decimal(4)), sort="updated"
        )),
        ("Page of one finding, best first", page(Filter(findings=(code,)), sort="quality")),
        ("The last page of approved, by name", page(approved, sort="name", cursor="last")),
        ("Total of approved", lambda connection: count(connection, approved, workspace_id)),
        ("Facets from the rollup", lambda connection: count_facets(connection, Filter(), workspace_id)),
        ("Page of a frequent word", page(Filter(text="one"))),
    )  # fmt: skip
    for name, work in asked:
        with store.database.transaction(Context.of(store.actor), read_only=True) as connection:
            statement, parameters = _last_statement(work, connection)
            rows = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", parameters)
            yield name, "\n".join(line for (line,) in rows)
    with store.database.transaction(Context.of(store.actor), read_only=True) as connection:
        named = {"name": first.conversation_id, "row_id": None}
        yield "One conversation", CONVERSATION.explain(connection, workspace_id=workspace_id, **named)
        yield "Its turns", TURNS.explain(connection, workspace_id=workspace_id, conversation_id=first.id)


def _last_statement(work: Callable[[Connection], object], connection: Connection) -> tuple[str, Any]:
    seen: list[tuple[str, Any]] = []
    plain = psycopg.Cursor.execute

    def noted(cursor: psycopg.Cursor[Any], query: Any, params: Any = None, **options: Any) -> psycopg.Cursor[Any]:
        seen.append((query.decode() if isinstance(query, bytes) else query, params))
        return plain(cursor, query, params, **options)

    with patch.object(psycopg.Cursor, "execute", noted):
        work(connection)
    return seen[-1]
