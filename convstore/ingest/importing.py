"""The loop over files: size, bytes, family, conversations; what cannot be read goes to quarantine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import get_args
from uuid import UUID, uuid4

from convstore.database import Database
from convstore.errors import InvalidInputError, UsageError
from convstore.files import FileStore
from convstore.formats import parse
from convstore.ingest.batches import Batches
from convstore.ingest.deciding import Candidate, OnConflict
from convstore.ingest.reports import ConversationReport, FileReport, IngestReport, rejected_file, warnings_of
from convstore.ingest.runs import RunProgress, close_run, find_progress, open_run, settle_items
from convstore.ingest.writing import Writer
from convstore.model import Actor, Rejection, turns_sha256
from convstore.quarantine import keep
from convstore.rights import require_role
from convstore.sources import Source

__all__ = ["ingest"]

Progress = Callable[[int, int, str], None]

#: Files of a job after which it notes how far it came.
FILES_BETWEEN_NOTES = 50


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
    run_id: UUID | None = None,
    positions: Sequence[int] | None = None,
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
    run_id
        An import begun by `queue_run`; what it finished before an interruption is passed over.
    positions
        Where the sources stand in that import, if they are a part of it; the import is then not closed.
    """
    if on_conflict not in get_args(OnConflict):
        raise UsageError(f"on-conflict is fail, skip or replace, not {on_conflict!r}", hint="Choose one of the three.")
    require_role(actor, "reviewer", "importing")
    notify = progress or (lambda _done, _total, _name: None)
    before = find_progress(database, actor, run_id, positions) if run_id else RunProgress()
    run = run_id or uuid4()
    writer = None
    if not dry_run:
        writer = Writer(database, files, actor, run_id=run, language=language, check_space=check_space)
        if run_id is None:
            open_run(database, actor, run, on_conflict=on_conflict)

    def quarantine(source: Source, data: bytes | None, why: Rejection) -> None:
        if not dry_run:
            digest = source.sha256() if data is None else hashlib.sha256(data).hexdigest()
            keep(database, files, actor, name=source.name, sha256=digest, size=source.size, data=data, why=why)

    def refuse(candidate: Candidate, error: InvalidInputError) -> None:
        report = candidate.report
        report.outcome, report.code, report.reason = "rejected", error.code, error.message
        quarantine(candidate.source, candidate.source.read(), Rejection(code=error.code, reason=error.message))

    report = IngestReport()
    unsettled: dict[int, FileReport] = {}
    with Batches(
        database, actor, writer, on_conflict=on_conflict, on_refused=refuse, stored_before=before.stored
    ) as batches:
        reader = _Reader(batches, quarantine, max_file_bytes=max_file_bytes, conversation_id=conversation_id)
        for done, (position, source) in enumerate(zip(positions or range(len(sources)), sources, strict=True)):
            notify(done, len(sources), source.name)
            if position in before.files:
                report.files.append(before.files[position])
                continue
            unsettled[position] = reader.read(source)
            report.files.append(unsettled[position])
            # A job that dies is picked up from here.
            if run_id is not None and len(unsettled) >= FILES_BETWEEN_NOTES:
                batches.settle()
                settle_items(database, actor, run, unsettled)
                unsettled.clear()
    notify(len(sources), len(sources), "")
    if not dry_run:
        settle_items(database, actor, run, unsettled)
    if not dry_run and positions is None:
        close_run(database, actor, run, report)
    return report


class _Reader:
    """Reads one source after the other into batches."""

    def __init__(
        self,
        batches: Batches,
        quarantine: Callable[[Source, bytes | None, Rejection], None],
        *,
        max_file_bytes: int,
        conversation_id: str | None,
    ) -> None:
        self._batches = batches
        self._quarantine = quarantine
        self._max_file_bytes = max_file_bytes
        self._conversation_id = conversation_id

    def read(self, source: Source) -> FileReport:
        """Read a source; outcomes of its conversations may be settled later, when their batch is stored."""
        try:
            if source.size > self._max_file_bytes:
                reason = f"{source.size:,} bytes, more than the limit of {self._max_file_bytes:,}"
                return self._reject(source, None, Rejection(code="ERR_FILE_TOO_LARGE", reason=reason))
            data = source.read()
        except OSError as exc:
            why = Rejection(code="ERR_FILE_UNREADABLE", reason=f"cannot be read: {exc.strerror or exc}")
            return rejected_file(source.name, why)
        parsed = parse(data, name=source.name, conversation_id=self._conversation_id)
        if isinstance(parsed, Rejection):
            return self._reject(source, data, parsed)
        report = FileReport(
            file=source.name, outcome="accepted", family=parsed.family, warnings=warnings_of(parsed.warnings)
        )
        refused = [found for found in parsed.conversations if isinstance(found, Rejection)]
        if refused:
            self._quarantine(source, data, refused[0])
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
                warnings=warnings_of(found.warnings),
            )
            report.conversations.append(conversation)
            self._batches.add(Candidate(found, parsed.family, source, conversation, turns_sha256(found.turns)))
        return report

    def _reject(self, source: Source, data: bytes | None, why: Rejection) -> FileReport:
        self._quarantine(source, data, why)
        return rejected_file(source.name, why)
