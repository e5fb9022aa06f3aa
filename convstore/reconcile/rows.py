"""From the rows to the files: a page of conversations is read, compared, and if asked derived again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from typing import Any
from uuid import UUID

from convstore.database import Context, Database
from convstore.documents import CONTENT_COLUMNS, conversation_row, finding_rows, turn_rows
from convstore.errors import ConvstoreError, NotFoundError
from convstore.files import DamagedFileError, FileStore
from convstore.model import Actor
from convstore.queries.integrity import KeptFile, Source, list_kept_files, list_rows, list_turns_of
from convstore.queries.storing import lock_version, replace_conversation
from convstore.reconcile.inspection import (
    COMPARED_COLUMNS,
    COMPARED_TURN_COLUMNS,
    Inspection,
    StoredRow,
    inspect_row,
    read_document,
    with_findings,
)

__all__ = ["bad_file", "find_bad_file", "inspect_page", "is_still_so", "iter_bad_files", "repair_row"]

_OTHER_FILES = 500


def inspect_page(
    database: Database, files: FileStore, actor: Actor, threads: Executor, *, after: UUID | None
) -> list[tuple[StoredRow, Inspection]]:
    """The next conversations with what was found of each; empty at the end."""
    # One snapshot: a conversation that is replaced between two statements would look drifted.
    with database.transaction(Context.of(actor), read_only=True, snapshot=True) as connection:
        page = list_rows(connection, actor.workspace_id, COMPARED_COLUMNS, after=after)
        turns = list_turns_of(connection, actor.workspace_id, [row["id"] for row in page], COMPARED_TURN_COLUMNS)
    rows = [
        StoredRow(
            **{name: row[name] for name in row if name not in COMPARED_COLUMNS},
            values={name: row[name] for name in COMPARED_COLUMNS},
            turns=turns.get(row["id"], []),
        )
        for row in page
    ]
    return list(zip(rows, threads.map(lambda row: inspect_row(files, row), rows), strict=True))


def is_still_so(database: Database, actor: Actor, row: StoredRow) -> bool:
    """False if the conversation was replaced or removed since the page was read: then nothing is wrong with it."""
    with database.transaction(Context.of(actor, elevated=True)) as connection:
        return lock_version(connection, row.id, actor.workspace_id) == (row.values["turns_sha256"], row.file_path)


def repair_row(database: Database, actor: Actor, row: StoredRow, found: Inspection, *, language: str) -> str | None:
    """Write a conversation's rows again as its file has them; None if they cannot be."""
    if found.document is None:
        return None
    document = with_findings(found.document, language=language)
    values = conversation_row(document, bucket=row.storage_bucket)
    # What people may change is theirs, and the file's family is known since the import.
    values |= {
        "conversation_name": row.conversation_name,
        "description": row.description,
        "source_name": row.source_name,
    }
    assert set(values) == set(CONTENT_COLUMNS)
    context = Context.of(actor, elevated=True, note="derived again from the file")
    try:
        with database.transaction(context) as connection:
            if lock_version(connection, row.id, actor.workspace_id) != (row.values["turns_sha256"], row.file_path):
                return "replaced meanwhile"
            replace_conversation(
                connection,
                row_id=row.id,
                workspace_id=actor.workspace_id,
                values=values,
                turns=turn_rows(document, actor.workspace_id),
                findings=finding_rows(document, actor.workspace_id),
            )
    except ConvstoreError as exc:
        if exc.retryable:
            raise
        return None
    return "rows derived again"


def iter_bad_files(
    database: Database, files: FileStore, actor: Actor, threads: Executor
) -> Iterator[tuple[Source, KeptFile, str, str]]:
    """Files of the archive and of older versions in releases that are missing or damaged, with the kind and reason."""
    sources: tuple[Source, ...] = ("archive", "releases")
    for source in sources:
        after = None
        while True:
            with database.transaction(Context.of(actor), read_only=True) as connection:
                page = list_kept_files(connection, actor.workspace_id, source, after=after, limit=_OTHER_FILES)
            if not page:
                break
            after = page[-1].key
            problems = threads.map(lambda kept: find_bad_file(files, kept.path, kept.content_sha256), page)
            for kept, problem in zip(page, problems, strict=True):
                if problem is not None:
                    yield source, kept, *problem


def find_bad_file(files: FileStore, path: str, content_sha256: str) -> tuple[str, str] | None:
    """What is wrong with a file: (`missing` or `damaged`, the reason); None if nothing is."""
    try:
        read_document(files, path, content_sha256)
    except NotFoundError:
        return "missing", "there is no such file"
    except DamagedFileError as damage:
        return "damaged", damage.message
    return None


def bad_file(conversation_id: str, path: str, reason: str, *, fields: Sequence[str] = ()) -> dict[str, Any]:
    """An entry of a report."""
    entry: dict[str, Any] = {"conversation_id": conversation_id, "path": path, "reason": reason, "repair": None}
    return {**entry, "fields": list(fields)} if fields else entry
