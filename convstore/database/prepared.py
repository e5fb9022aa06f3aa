"""Statements that are put together once and sent by the driver itself; see `Database.ask` for several at once.

For what is asked so often that making the statement would take longer than answering it.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row, namedtuple_row
from sqlalchemy import Connection, Select
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

from convstore.database.engine import Asked, driver

__all__ = ["Prepared"]

_DIALECT = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]


class Prepared:
    """A query whose `bindparam`s are its only variables."""

    def __init__(self, query: Select[Any]) -> None:
        compiled = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        self._text = compiled.string.encode()
        self._values = compiled.params

    def asking(self, **values: object) -> Asked:
        """What `Database.ask` takes."""
        return self._text, {**self._values, **values}

    def send(self, connection: Connection, **values: object) -> psycopg.Cursor[dict[str, Any]]:
        """Send it by itself; the rows are read from the cursor."""
        return driver(connection).cursor(row_factory=dict_row).execute(*self.asking(**values))

    def rows(self, connection: Connection, **values: object) -> list[Any]:
        """Send it by itself; named tuples."""
        return driver(connection).cursor(row_factory=namedtuple_row).execute(*self.asking(**values)).fetchall()

    def explain(self, connection: Connection, **values: object) -> str:
        """Run it and say how that went."""
        plan = driver(connection).execute(b"EXPLAIN (ANALYZE, BUFFERS) " + self._text, {**self._values, **values})
        return "\n".join(line for (line,) in plan)
