"""What a store holds, asked past its policies, and whether rows and files agree."""

from __future__ import annotations

from typing import Any

from convstore.core import ConvStore
from convstore.files import FileStore, unpack

__all__ = ["counts", "object_paths", "rows", "unsound"]

_TABLES = ("conversations", "conversation_turns", "findings", "events", "ingest_runs", "ingest_items", "quarantine")


def rows(store: ConvStore, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with store.database.admin() as connection:
        return connection.execute(query, parameters).fetchall()


def counts(store: ConvStore) -> dict[str, int]:
    return {table: rows(store, f"SELECT count(*) FROM {table}")[0][0] for table in _TABLES}


def object_paths(files: FileStore) -> set[str]:
    found: set[str] = set()
    last: str | None = None
    while page := files.list(after=last):
        found |= {item.path for item in page}
        last = page[-1].path
    return found


def unsound(store: ConvStore) -> list[str]:
    """What is wrong between rows, turns and files; empty where every row has exactly its file and its turns."""
    import hashlib

    wrong = []
    for identifier, path, sha256, turn_count, stored in rows(
        store,
        """
        SELECT c.conversation_id, c.file_path, c.content_sha256, c.turn_count,
               (SELECT count(*) FROM conversation_turns AS t WHERE t.conversation_id = c.id)
        FROM conversations AS c
        """,
    ):
        if turn_count != stored:
            wrong.append(f"{identifier} has {stored} of {turn_count} turns")
        if store.files.stat(path) is None:
            wrong.append(f"{identifier} has no file")
        elif hashlib.sha256(unpack(store.files.get(path))).hexdigest() != sha256:
            wrong.append(f"{identifier} has another file")
    return wrong
