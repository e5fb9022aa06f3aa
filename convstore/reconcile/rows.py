"""From the rows to the files: a page of conversations is read, compared, and if asked derived again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from uuid import UUID

from convstore.database import Context, Database
from convstore.documents import CONTENT_COLUMNS, conversation_row, finding_rows, turn_rows
from convstore.errors import ConvstoreError
from convstore.files import FileStore
from convstore.model import Actor
from convstore.queries.integrity import KeptFile, list_rows, list_turns_of
from convstore.queries.storing import lock_version, replace_conversation
from convstore.reconcile.inspection import (
    COMPARED_COLUMNS,
    COMPARED_TURN_COLUMNS,
    Inspection,
    StoredRow,
    inspect_row,
    with_findings,
)
from convstore.reconcile.kept_files import find_lost
from convstore.reconcile.reports import Finding

__all__ = ["find_differences", "inspect_page", "repair_again", "repair_row"]

_DERIVED_AGAIN = "rows derived again"


def inspect_page(
    database: Database,
    files: FileStore,
    actor: Actor,
    threads: Executor,
    *,
    after: UUID | None,
    through: UUID | None = None,
) -> list[tuple[StoredRow, Inspection]]:
    """The next conversations with what was found of each, none beyond `through`; empty at the end."""
    # One snapshot: a conversation that is replaced between two statements would look drifted.
    with database.transaction(Context.of(actor), read_only=True, snapshot=True) as connection:
        page = list_rows(connection, actor.workspace_id, COMPARED_COLUMNS, after=after, through=through)
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


def find_differences(database: Database, actor: Actor, page: Sequence[tuple[StoredRow, Inspection]]) -> list[Finding]:
    """What is wrong with the conversations of a page. What was found to be lost before is not found again."""
    findings = [
        Finding(
            kind=found.kind,
            source="conversations",
            kept=KeptFile(str(row.id), row.conversation_id, row.file_path, row.values["content_sha256"]),
            reason=found.reason,
            fields=found.fields,
        )
        for row, found in page
        if found.kind != "equal" and _is_still_so(database, actor, row)
    ]
    bad = [finding.kept.path for finding in findings if finding.kind != "drifted"]
    with database.transaction(Context.of(actor), read_only=True) as connection:
        lost = find_lost(connection, actor.workspace_id, bad)
    return [finding for finding in findings if finding.kept.path not in lost]


def _is_still_so(database: Database, actor: Actor, row: StoredRow) -> bool:
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
    return _DERIVED_AGAIN


def repair_again(
    database: Database, files: FileStore, actor: Actor, threads: Executor, row_id: UUID, *, language: str
) -> str | None:
    """The same for a conversation that drifted, after an attempt that was cut and may have done it."""
    page = inspect_page(database, files, actor, threads, after=UUID(int=row_id.int - 1), through=row_id)
    if not page:
        return "removed meanwhile"
    row, found = page[0]
    return _DERIVED_AGAIN if found.kind == "equal" else repair_row(database, actor, row, found, language=language)
