"""The conversations of a release on their way into the database, beside the files that are written meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

import orjson
import psycopg
from psycopg import sql
from sqlalchemy import Connection

from convstore.database import driver
from convstore.queries.export_rows import ExportConversation

__all__ = ["ItemWriter", "writing_items"]

# Neither byte can stand in JSON text or in a path, so only the id, a stranger's text, has to be quoted.
_STAGE = """
    COPY staged_items FROM STDIN (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02', ENCODING 'UTF8')
"""
_CHUNK = 2_000
#: What an item has as columns of its own; the rest of the conversation is its state.
_COLUMNS = 5


class GoingRow(Protocol):
    """A conversation that goes out: what an item needs of it."""

    @property
    def conversation(self) -> ExportConversation:
        """Its columns."""

    @property
    def split(self) -> str | None:
        """The split that it is in."""

    @property
    def excluded_turns(self) -> Collection[int]:
        """Messages that are kept out of training."""


class ItemWriter:
    """Takes items in their order and stores them, a chunk at a time, in a thread of its own."""

    def __init__(self, connection: psycopg.Connection, insert: sql.Composed, pool: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._insert = insert
        self._pool = pool
        self._lines: list[bytes] = []
        self._storing: Future[None] | None = None
        self.count = 0

    def add(self, rows: Sequence[GoingRow]) -> None:
        """Append conversations."""
        for row in rows:
            found = row.conversation
            public_id = found.conversation_id.replace("\1", "\1\1")
            line = (
                f"{self.count}\2{found.id.hex}\2\1{public_id}\1\2{found.turns_sha256}\2{found.content_sha256}\2"
                f"{found.file_path}\2{row.split or ''}\2"
            )
            self._lines.append(line.encode() + _state(row) + b"\n")
            self.count += 1
        if len(self._lines) >= _CHUNK:
            self._send()

    def flush(self) -> None:
        """Store what is left and wait until it is."""
        if self._lines:
            self._send()
        self._wait()

    def _send(self) -> None:
        self._wait()
        self._storing = self._pool.submit(self._store, b"".join(self._lines))
        self._lines = []

    def _wait(self) -> None:
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.result()

    def _store(self, lines: bytes) -> None:
        with self._connection.cursor() as cursor:
            with cursor.copy(_STAGE) as copy:
                copy.write(lines)
            cursor.execute(self._insert)
            cursor.execute("TRUNCATE staged_items")


@contextmanager
def writing_items(connection: Connection, release_id: UUID, workspace_id: UUID) -> Iterator[ItemWriter]:
    """Take items while the block runs; those that were flushed are rows of `release_items`."""
    raw = driver(connection)
    # The policies of the table refuse a COPY into it.
    raw.execute(
        "CREATE TEMPORARY TABLE staged_items (position int4, conversation_id uuid, public_id text, turns_sha256 text,"
        " content_sha256 text, file_path text, split text, state jsonb) ON COMMIT DROP"
    )
    insert = sql.SQL(
        "INSERT INTO public.release_items (release_id, workspace_id, position, conversation_id, public_id,"
        " turns_sha256, content_sha256, file_path, split, state) SELECT {}, {}, s.* FROM staged_items AS s"
    ).format(release_id, workspace_id)
    with ThreadPoolExecutor(1, "items") as pool:
        yield ItemWriter(raw, insert, pool)


def _state(row: GoingRow) -> bytes:
    found = row.conversation
    state: dict[str, Any] = {
        name: value
        for name, value in zip(found._fields[_COLUMNS:-1], found[_COLUMNS:-1], strict=True)
        if value is not None
    }
    if found.extra_json != "{}":
        state["extra"] = orjson.Fragment(found.extra_json)
    if row.excluded_turns:
        state["excluded_turns"] = sorted(row.excluded_turns)
    return orjson.dumps(state)
