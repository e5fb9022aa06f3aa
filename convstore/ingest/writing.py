"""Files and rows of new and of replaced conversations: the object first, then the rows in one transaction.

Decides nothing. What somebody else stored or changed in between is given back to be looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from uuid import UUID, uuid4

from convstore.database import Context, Database
from convstore.documents import (
    CONTENT_COLUMNS,
    StoredDocument,
    conversation_row,
    finding_rows,
    store_document,
    turn_rows,
)
from convstore.errors import InvalidInputError, StorageUnavailableError
from convstore.files import FileStore
from convstore.ingest.deciding import Candidate
from convstore.model import Actor
from convstore.queries.storing import (
    Existing,
    hold_objects,
    insert_conversations,
    is_path_free,
    lock_version,
    replace_conversation,
)

__all__ = ["Writer"]

_COLUMNS = ("id", "workspace_id", "conversation_id", "created_by", *CONTENT_COLUMNS)


class Writer:
    """Stores conversations for one person, in one run.

    Parameters
    ----------
    check_space
        Called with the bytes about to be stored; raises where the workspace is full.
    """

    def __init__(
        self,
        database: Database,
        files: FileStore,
        actor: Actor,
        *,
        run_id: UUID,
        language: str,
        check_space: Callable[[int], None],
    ) -> None:
        self._database = database
        self._files = files
        self._actor = actor
        self._language = language
        self._check_space = check_space
        self._context = Context.of(actor, batch_id=run_id, note="import")
        # Content is nobody's to change: replacing it is convstore's own doing, on behalf of the person.
        self._elevated = Context.of(actor, elevated=True, batch_id=run_id, note="import")

    def store(
        self, candidates: Sequence[Candidate], on_refused: Callable[[Candidate, InvalidInputError], None]
    ) -> list[Candidate]:
        """Store new conversations together; those whose id somebody else stored in the meantime.

        What cannot be stored is found by halving, so that it never takes its neighbours with it.
        """
        return self._store([(one, self._document(one, uuid4(), self._actor.user_id)) for one in candidates], on_refused)

    def _store(
        self,
        batch: Sequence[tuple[Candidate, StoredDocument]],
        on_refused: Callable[[Candidate, InvalidInputError], None],
    ) -> list[Candidate]:
        try:
            new = self._insert([document for _, document in batch])
        except InvalidInputError as exc:
            if len(batch) > 1:
                middle = len(batch) // 2
                return self._store(batch[:middle], on_refused) + self._store(batch[middle:], on_refused)
            [(candidate, document)] = batch
            self._discard([document.path], candidate)
            on_refused(candidate, exc)
            return []
        late = [(candidate, document) for candidate, document in batch if document.row_id not in new]
        if late:
            # Their paths hold row ids of ours that no row has: nobody else can name them.
            self._discard([document.path for _, document in late], late[0][0])
        return [candidate for candidate, _ in late]

    def _insert(self, documents: Sequence[StoredDocument]) -> set[UUID]:
        self._check_space(sum(len(document.packed) for document in documents))
        with self._database.transaction(self._context) as connection:
            hold_objects(connection)
            # Rows are sent while the files reach the disk: nobody sees them before the commit, which comes last.
            with ThreadPoolExecutor(1, thread_name_prefix="convstore-ingest-files") as thread:
                objects = [(document.path, document.packed) for document in documents]
                putting = thread.submit(copy_context().run, self._files.put_many, objects)
                new = insert_conversations(
                    connection,
                    columns=_COLUMNS,
                    rows=map(self._row, documents),
                    turns=(row for document in documents for row in turn_rows(document, self._actor.workspace_id)),
                    findings=(
                        row for document in documents for row in finding_rows(document, self._actor.workspace_id)
                    ),
                )
                putting.result()
            return new

    def replace(self, candidate: Candidate, existing: Existing) -> bool:
        """Give a stored conversation other turns; False if it is not what was looked at any more."""
        document = self._document(candidate, existing.id, existing.created_by)
        workspace_id = self._actor.workspace_id
        self._check_space(len(document.packed))
        with self._database.transaction(self._elevated) as connection:
            # The row stays locked from before the object is put until after it is named: a writer who replaces the
            # same conversation with the same turns names the same object, and must not remove it in between.
            if lock_version(connection, existing.id, workspace_id) != (existing.turns_sha256, existing.file_path):
                return False
            hold_objects(connection)
            self._files.put_many([(document.path, document.packed)])
            replace_conversation(
                connection,
                row_id=existing.id,
                workspace_id=workspace_id,
                values=conversation_row(document, bucket=self._files.bucket),
                turns=turn_rows(document, workspace_id),
                findings=finding_rows(document, workspace_id),
            )
        with self._database.transaction(self._elevated) as connection:
            lock_version(connection, existing.id, workspace_id)
            if is_path_free(connection, existing.file_path, existing.id, workspace_id):
                self._discard([existing.file_path], candidate)
        return True

    def _discard(self, paths: Sequence[str], candidate: Candidate) -> None:
        try:
            self._files.delete(paths)
        except StorageUnavailableError:
            # The rows are right; reconciliation finds objects that nobody names.
            candidate.report.warnings.append(
                {"code": "file_left", "path": "$", "message": "a file that nothing names could not be removed yet"}
            )

    def _document(self, candidate: Candidate, row_id: UUID, created_by: UUID) -> StoredDocument:
        return store_document(
            candidate.draft,
            family=candidate.family,
            source_name=candidate.source.name,
            row_id=row_id,
            created_by=created_by,
            language=self._language,
        )

    def _row(self, document: StoredDocument) -> list[Any]:
        values = conversation_row(document, bucket=self._files.bucket)
        values |= {
            "id": document.row_id,
            "workspace_id": self._actor.workspace_id,
            "conversation_id": document.draft.conversation_id,
            "created_by": self._actor.user_id,
        }
        return [values[name] for name in _COLUMNS]
