"""An import that runs later, as a job: files are kept, the import is noted with every file, and a worker does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args
from uuid import UUID, uuid4

from convstore.database import Context, Database
from convstore.errors import QuotaError, UsageError
from convstore.files import FileStore
from convstore.ingest.deciding import OnConflict
from convstore.ingest.importing import ingest
from convstore.ingest.reports import IngestReport
from convstore.ingest.runs import close_run, find_report, queue_run
from convstore.model import Actor
from convstore.queries.storing import hold_objects
from convstore.queue import defer
from convstore.uploads import discard_uploads, keep_uploads, uploads_from

__all__ = ["close_deferred_ingest", "defer_ingest", "run_deferred_ingest", "run_part"]


def defer_ingest(
    database: Database,
    files: FileStore,
    actor: Actor,
    uploads: Mapping[str, bytes],
    *,
    on_conflict: OnConflict = "fail",
    check_space: Callable[[int], None] = lambda _bytes: None,
) -> UUID:
    """Keep files and queue their import; the job's id, which is the import's too."""
    if on_conflict not in get_args(OnConflict):
        raise UsageError(f"on-conflict is fail, skip or replace, not {on_conflict!r}", hint="Choose one of the three.")
    if not uploads:
        raise UsageError("there is nothing to import", hint="Give at least one file.")
    job_id = uuid4()
    with database.transaction(Context.of(actor, batch_id=job_id)) as connection:
        hold_objects(connection)
        documents, stored_bytes = keep_uploads(files, actor, job_id, uploads)
        try:
            check_space(stored_bytes)
        except QuotaError:
            # No job will ever name them.
            discard_uploads(files, uploads_from(files, documents))
            raise
        queue_run(connection, actor, job_id, list(uploads), on_conflict=on_conflict)
        arguments = {"files": documents, "on_conflict": on_conflict, "stored_bytes": stored_bytes}
        return defer(connection, actor.workspace_id, "ingest", arguments, job_id=job_id)


def run_deferred_ingest(
    database: Database,
    files: FileStore,
    actor: Actor,
    job_id: UUID,
    arguments: Mapping[str, Any],
    **options: Any,
) -> IngestReport:
    """Do a queued import, or what is left of it; the kept files go when it is done."""
    uploads = uploads_from(files, arguments["files"])
    report = ingest(database, files, actor, uploads, on_conflict=arguments["on_conflict"], run_id=job_id, **options)
    discard_uploads(files, uploads)
    return report


def run_part(database: Database, files: FileStore, actor: Actor, arguments: Mapping[str, Any], **options: Any) -> None:
    """Store some files of a queued import, see `convstore.ingest.sharing`."""
    ingest(
        database,
        files,
        actor,
        uploads_from(files, arguments["files"]),
        on_conflict=arguments["on_conflict"],
        run_id=UUID(arguments["import"]),
        positions=arguments["positions"],
        **options,
    )


def close_deferred_ingest(
    database: Database, files: FileStore, actor: Actor, job_id: UUID, arguments: Mapping[str, Any]
) -> IngestReport:
    """End a queued import whose parts are all stored; the kept files go."""
    report = find_report(database, actor, job_id)
    close_run(database, actor, job_id, report)
    discard_uploads(files, uploads_from(files, arguments["files"]))
    return report
