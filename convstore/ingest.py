"""Import: from bytes to stored conversations, object first, then the rows in one transaction a batch.

A crash can leave an object that no row names, never a row without its file; a second run completes the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Connection, func, insert, update

from convstore.database import Context, Database
from convstore.database.tables import ingest_items, ingest_runs
from convstore.documents import CONTENT_COLUMNS, StoredDocument, conversation_row, store_document, turn_rows
from convstore.errors import StorageUnavailableError, UsageError
from convstore.files import FileStore
from convstore.formats import parse
from convstore.model import Actor, Draft, FormatWarning, Rejection, turns_sha256
from convstore.quarantine import keep
from convstore.queries.storing import (
    find_existing,
    find_released_paths,
    insert_conversations,
    replace_conversation,
)
from convstore.sources import Source

__all__ = ["ConversationReport", "FileReport", "IngestReport", "OnConflict", "ingest"]

OnConflict = Literal["fail", "skip", "replace"]
Progress = Callable[[int, int, str], None]

#: Conversations and bytes of documents that one transaction stores at most.
BATCH_CONVERSATIONS = 500
BATCH_BYTES = 32 << 20

_COLUMNS = ("id", "workspace_id", "conversation_id", "created_by", *CONTENT_COLUMNS)


@dataclass(slots=True, kw_only=True)
class ConversationReport:
    """What became of one conversation. `turns` is the number of messages parsed, whatever the outcome."""

    conversation_id: str | None
    outcome: Literal["stored", "unchanged", "replaced", "conflict", "skipped", "rejected"]
    turns: int = 0
    warnings: list[dict[str, str]] = field(default_factory=list)
    code: str | None = None
    reason: str | None = None
    path: str | None = None


@dataclass(slots=True, kw_only=True)
class FileReport:
    """What became of one file. `line`, `column` count from 1, `byte` from 0."""

    file: str
    outcome: Literal["accepted", "rejected"]
    family: str | None = None
    code: str | None = None
    reason: str | None = None
    path: str | None = None
    line: int | None = None
    column: int | None = None
    byte: int | None = None
    warnings: list[dict[str, str]] = field(default_factory=list)
    conversations: list[ConversationReport] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class IngestReport:
    """What became of every file, in the order in which they were read."""

    files: list[FileReport] = field(default_factory=list)

    @property
    def totals(self) -> dict[str, int]:
        """Counts of files and of conversations by outcome."""
        outcomes = [c.outcome for f in self.files for c in f.conversations]
        return {
            "files": len(self.files),
            "accepted": sum(f.outcome == "accepted" for f in self.files),
            "rejected": sum(f.outcome == "rejected" for f in self.files),
            **{name: outcomes.count(name) for name in ("stored", "unchanged", "replaced", "conflict", "skipped")},  # type: ignore[arg-type]
            "conversations_rejected": outcomes.count("rejected"),
        }

    @property
    def is_clean(self) -> bool:
        """True if nothing was rejected and nothing in conflict."""
        totals = self.totals
        return not (totals["rejected"] or totals["conflict"] or totals["conversations_rejected"])


@dataclass(slots=True)
class _Pending:
    draft: Draft
    family: str
    source_name: str
    report: ConversationReport
    turns_sha256: str
    size: int


class _Ingest:
    """One import: gathers drafts into batches, stores each batch."""

    def __init__(
        self,
        database: Database,
        files: FileStore,
        actor: Actor,
        *,
        on_conflict: OnConflict,
        dry_run: bool,
        language: str,
        check_space: Callable[[int], None],
    ) -> None:
        self.database = database
        self.files = files
        self.actor = actor
        self.on_conflict = on_conflict
        self.dry_run = dry_run
        self.language = language
        self.check_space = check_space
        self.run_id = uuid4()
        self.context = Context.of(actor, batch_id=self.run_id, note="import")
        self.pending: list[_Pending] = []
        self.pending_bytes = 0
        self.pending_keys: set[str] = set()
        self.dry_seen: dict[str, str] = {}

    def add(self, draft: Draft, family: str, source_name: str, report: ConversationReport) -> None:
        """Take a draft into the batch; stores the batch when it is full or meets the same conversation again."""
        digest = turns_sha256(draft.turns)
        keys = {f"id:{draft.conversation_id}", f"turns:{digest}"}
        size = sum(len(turn.content) for turn in draft.turns) * 4
        if (
            len(self.pending) >= BATCH_CONVERSATIONS
            or self.pending_bytes + size > BATCH_BYTES
            or not keys.isdisjoint(self.pending_keys)
        ):
            self.flush()
        self.pending.append(_Pending(draft, family, source_name, report, digest, size))
        self.pending_bytes += size
        self.pending_keys |= keys

    def flush(self) -> None:
        """Store what was gathered."""
        batch, self.pending, self.pending_bytes, self.pending_keys = self.pending, [], 0, set()
        if not batch:
            return
        with self.database.transaction(self.context, read_only=True) as connection:
            fresh, replacing = self._sort_out(connection, batch)
        if self.dry_run:
            for item in [*fresh, *(item for item, _ in replacing)]:
                self.dry_seen[f"id:{item.draft.conversation_id}"] = item.turns_sha256
                self.dry_seen[f"turns:{item.turns_sha256}"] = item.draft.conversation_id
            return
        if fresh:
            self._store(fresh)
        for item, existing in replacing:
            self._replace(item, existing)

    def _sort_out(
        self, connection: Connection, batch: Sequence[_Pending]
    ) -> tuple[list[_Pending], list[tuple[_Pending, dict[str, Any]]]]:
        """Decide each outcome from what is stored: what is new, and what is to be replaced."""
        rows = find_existing(
            connection,
            self.actor.workspace_id,
            conversation_ids=[item.draft.conversation_id for item in batch],
            hashes=[item.turns_sha256 for item in batch if item.draft.id_is_derived],
        )
        by_id = {row["conversation_id"]: row for row in rows}
        by_hash = {row["turns_sha256"]: row for row in rows}
        fresh: list[_Pending] = []
        replacing: list[tuple[_Pending, dict[str, Any]]] = []
        for item in batch:
            existing = by_id.get(item.draft.conversation_id)
            twin = by_hash.get(item.turns_sha256) if item.draft.id_is_derived else None
            if existing is None and twin is not None:
                item.report.conversation_id = twin["conversation_id"]
                existing = twin
            if existing is None and self.dry_run:
                existing = self._seen_in_dry_run(item)
            if existing is None:
                item.report.outcome = "stored"
                fresh.append(item)
            elif existing["turns_sha256"] == item.turns_sha256:
                item.report.outcome = "unchanged"
                if not existing["is_active"]:
                    item.report.warnings.append(_trashed(existing["conversation_id"]))
            elif self.on_conflict == "replace":
                item.report.outcome = "replaced"
                replacing.append((item, existing))
            else:
                item.report.outcome = "skipped" if self.on_conflict == "skip" else "conflict"
                item.report.reason = "stored with other turns"
        return fresh, replacing

    def _seen_in_dry_run(self, item: _Pending) -> dict[str, Any] | None:
        digest = self.dry_seen.get(f"id:{item.draft.conversation_id}")
        if digest is None and item.draft.id_is_derived:
            known = self.dry_seen.get(f"turns:{item.turns_sha256}")
            if known is not None:
                item.report.conversation_id = known
                digest = item.turns_sha256
        return None if digest is None else {"turns_sha256": digest, "is_active": True}

    def _document(self, item: _Pending, row_id: UUID) -> StoredDocument:
        return store_document(
            item.draft,
            family=item.family,
            source_name=item.source_name,
            row_id=row_id,
            created_by=self.actor.user_id,
            language=self.language,
        )

    def _store(self, batch: Sequence[_Pending]) -> None:
        documents = [self._document(item, uuid4()) for item in batch]
        self.check_space(sum(len(document.packed) for document in documents))
        self.files.put_many((document.path, document.packed) for document in documents)
        with self.database.transaction(self.context) as connection:
            new = insert_conversations(
                connection,
                columns=_COLUMNS,
                rows=map(self._row, documents),
                turns=(row for document in documents for row in turn_rows(document, self.actor.workspace_id)),
                findings=(row for document in documents for row in self._finding_rows(document)),
            )
        lost = [(item, document) for item, document in zip(batch, documents, strict=True) if document.row_id not in new]
        if lost:
            # Somebody stored the same id between our look and our insert: their row stands, our object goes.
            self.files.delete([document.path for _, document in lost])
            again = [item for item, _ in lost]
            with self.database.transaction(self.context, read_only=True) as connection:
                _, replacing = self._sort_out(connection, again)
            for item, existing in replacing:
                self._replace(item, existing)

    def _replace(self, item: _Pending, existing: dict[str, Any]) -> None:
        document = self._document(item, existing["id"])
        self.check_space(len(document.packed))
        self.files.put_many([(document.path, document.packed)])
        elevated = Context.of(self.actor, elevated=True, batch_id=self.run_id, note="import")
        with self.database.transaction(elevated) as connection:
            done = replace_conversation(
                connection,
                row_id=existing["id"],
                workspace_id=self.actor.workspace_id,
                expected_turns_sha256=existing["turns_sha256"],
                values=conversation_row(document, bucket=self.files.bucket),
                turns=turn_rows(document, self.actor.workspace_id),
                findings=self._finding_rows(document),
            )
            superseded = existing["file_path"] if done else document.path
            keep_object = superseded in find_released_paths(connection, self.actor.workspace_id, [superseded])
        if not done:
            item.report.outcome = "conflict"
            item.report.reason = "changed by somebody else during the import"
        if not keep_object and superseded != (document.path if done else existing["file_path"]):
            try:
                self.files.delete([superseded])
            except StorageUnavailableError:
                # The rows are right; reconciliation finds the object that nobody names.
                item.report.warnings.append(
                    {"code": "old_file_left", "path": "$", "message": "the replaced file could not be removed yet"}
                )

    def _row(self, document: StoredDocument) -> list[Any]:
        values = conversation_row(document, bucket=self.files.bucket)
        values |= {
            "id": document.row_id,
            "workspace_id": self.actor.workspace_id,
            "conversation_id": document.draft.conversation_id,
            "created_by": self.actor.user_id,
        }
        return [values[name] for name in _COLUMNS]

    def _finding_rows(self, document: StoredDocument) -> Iterator[tuple[Any, ...]]:
        for finding in document.findings:
            start, end = finding.span or (None, None)
            yield (
                self.actor.workspace_id,
                document.row_id,
                finding.code,
                finding.severity,
                finding.check_version,
                finding.turn_number,
                start,
                end,
                finding.explanation,
            )


def ingest(
    database: Database,
    files: FileStore,
    actor: Actor,
    sources: Sequence[Source],
    *,
    on_conflict: OnConflict = "fail",
    dry_run: bool = False,
    conversation_id: str | None = None,
    language: str = "en",
    max_file_bytes: int,
    check_space: Callable[[int], None] = lambda _bytes: None,
    progress: Progress | None = None,
) -> IngestReport:
    """Store every conversation of every source.

    Parameters
    ----------
    on_conflict
        What to do where an id is stored with other turns.
    dry_run
        Decide everything and write nothing.
    conversation_id
        Id of the conversation, for a single file of a family that carries none.
    check_space
        Called with the bytes about to be stored; raises where the workspace is full.
    progress
        Called with the number of sources done, their total, and the name of the next one.
    """
    if on_conflict not in get_args(OnConflict):
        raise UsageError(f"on-conflict is fail, skip or replace, not {on_conflict!r}", hint="Choose one of the three.")
    work = _Ingest(
        database,
        files,
        actor,
        on_conflict=on_conflict,
        dry_run=dry_run,
        language=language,
        check_space=check_space,
    )
    report = IngestReport()
    if not dry_run:
        _open_run(work)
    for done, source in enumerate(sources):
        if progress is not None:
            progress(done, len(sources), source.name)
        report.files.append(
            _ingest_source(work, source, conversation_id=conversation_id, max_file_bytes=max_file_bytes)
        )
    work.flush()
    if progress is not None:
        progress(len(sources), len(sources), "")
    if not dry_run:
        _close_run(work, report)
    return report


def _ingest_source(work: _Ingest, source: Source, *, conversation_id: str | None, max_file_bytes: int) -> FileReport:
    if source.size > max_file_bytes:
        refusal = Rejection(
            code="ERR_FILE_TOO_LARGE",
            reason=f"larger than the limit of {max_file_bytes:,} bytes ({source.size:,} bytes)",
        )
        return _rejected(work, source, refusal, data=None)
    data = source.read()
    parsed = parse(data, name=source.name, conversation_id=conversation_id)
    if isinstance(parsed, Rejection):
        return _rejected(work, source, parsed, data=data)
    report = FileReport(file=source.name, outcome="accepted", family=parsed.family, warnings=_warnings(parsed.warnings))
    for found in parsed.conversations:
        if isinstance(found, Rejection):
            report.conversations.append(
                ConversationReport(
                    conversation_id=found.conversation_id,
                    outcome="rejected",
                    code=found.code,
                    reason=found.reason,
                    path=found.path,
                )
            )
            continue
        conversation = ConversationReport(
            conversation_id=found.conversation_id,
            outcome="stored",
            turns=len(found.turns),
            warnings=_warnings(found.warnings),
        )
        report.conversations.append(conversation)
        work.add(found, parsed.family, source.name, conversation)
    if any(c.outcome == "rejected" for c in report.conversations):
        first = next(c for c in report.conversations if c.outcome == "rejected")
        _keep(work, source, data, Rejection(code=first.code or "", reason=first.reason or "", path=first.path))
    return report


def _rejected(work: _Ingest, source: Source, why: Rejection, *, data: bytes | None) -> FileReport:
    _keep(work, source, data, why)
    return FileReport(
        file=source.name,
        outcome="rejected",
        code=why.code,
        reason=why.reason,
        path=why.path,
        line=why.line,
        column=why.column,
        byte=why.byte,
    )


def _keep(work: _Ingest, source: Source, data: bytes | None, why: Rejection) -> None:
    if not work.dry_run:
        digest = source.sha256() if data is None else hashlib.sha256(data).hexdigest()
        keep(
            work.database, work.files, work.actor, name=source.name, sha256=digest, size=source.size, data=data, why=why
        )


def _warnings(found: Iterable[FormatWarning]) -> list[dict[str, str]]:
    return [{"code": warning.code, "path": warning.path, "message": warning.message} for warning in found]


def _trashed(conversation_id: str) -> dict[str, str]:
    return {
        "code": "in_trash",
        "path": "$",
        "message": f"it is in the trash; `convstore restore {conversation_id}` brings it back",
    }


def _open_run(work: _Ingest) -> None:
    with work.database.transaction(work.context) as connection:
        connection.execute(
            insert(ingest_runs).values(
                id=work.run_id,
                workspace_id=work.actor.workspace_id,
                created_by=work.actor.user_id,
                on_conflict=work.on_conflict,
            )
        )


def _close_run(work: _Ingest, report: IngestReport) -> None:
    with work.database.transaction(work.context) as connection:
        if report.files:
            connection.execute(
                insert(ingest_items),
                [
                    {
                        "run_id": work.run_id,
                        "position": position,
                        "workspace_id": work.actor.workspace_id,
                        "file": file.file,
                        "outcome": file.outcome,
                        "processing_status": "completed" if file.outcome == "accepted" else "failed",
                        "report": orjson.loads(orjson.dumps(file)),
                    }
                    for position, file in enumerate(report.files)
                ],
            )
        connection.execute(
            update(ingest_runs)
            .where(ingest_runs.c.workspace_id == work.actor.workspace_id, ingest_runs.c.id == work.run_id)
            .values(finished_at=func.now(), totals=report.totals)
        )
