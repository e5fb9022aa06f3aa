"""Statements that are put together once and sent by the driver itself, several in one round trip.

For what is asked so often that making the statement would take longer than answering it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection, Select
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

from convstore.database.engine import driver

__all__ = ["Prepared", "one_round_trip"]

_DIALECT = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]


class Prepared:
    """A query whose `bindparam`s are its only variables."""

    def __init__(self, query: Select[Any]) -> None:
        compiled = query.compile(dialect=_DIALECT)
        self._text = compiled.string.encode()
        self._values = compiled.params

    def send(self, connection: Connection, **values: object) -> psycopg.Cursor[dict[str, Any]]:
        """Send it; the rows are read from the cursor, within `one_round_trip` after its end."""
        return driver(connection).cursor(row_factory=dict_row).execute(self._text, {**self._values, **values})

    def explain(self, connection: Connection, **values: object) -> str:
        """Run it and say how that went."""
        plan = driver(connection).execute(b"EXPLAIN (ANALYZE, BUFFERS) " + self._text, {**self._values, **values})
        return "\n".join(line for (line,) in plan)


@contextmanager
def one_round_trip(connection: Connection) -> Iterator[None]:
    """Send everything inside at once; an error of any of it is raised at the end."""
    with driver(connection).pipeline():
        yield
