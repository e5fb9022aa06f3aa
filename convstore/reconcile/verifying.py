"""Every file is read and hashed again; stops and goes on where it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import get_args

from convstore.database import Context, Database
from convstore.errors import UsageError
from convstore.files import FileStore
from convstore.model import Actor
from convstore.queries.integrity import Source, count_kept_files, list_kept_files
from convstore.reconcile.mending import find_lost
from convstore.reconcile.reports import Checkpoint, Progress, VerifyReport
from convstore.reconcile.rows import bad_file, find_bad_file

__all__ = ["VerifyReport", "verify"]

READERS = 8
PAGE = 200
_SOURCES: tuple[Source, ...] = get_args(Source)


def verify(
    database: Database,
    files: FileStore,
    actor: Actor,
    *,
    start: VerifyReport | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> VerifyReport:
    """Read every file that conversations, the archive and releases name, and compare its hash.

    What a repair found to be lost stands in the quarantine and is not counted again.

    Parameters
    ----------
    start
        The report of a run that was stopped; it is continued.
    checkpoint
        Called after every page with the report so far. An interruption leaves `next` where the work goes on.
    """
    report = start or VerifyReport()
    source, key = _place(report.next)
    with database.transaction(Context.of(actor), read_only=True) as connection:
        total = count_kept_files(connection, actor.workspace_id)
    with ThreadPoolExecutor(READERS, thread_name_prefix="convstore-verify") as threads:
        for current in _SOURCES[_SOURCES.index(source) :]:
            while True:
                with database.transaction(Context.of(actor), read_only=True) as connection:
                    page = list_kept_files(connection, actor.workspace_id, current, after=key, limit=PAGE)
                if not page:
                    break
                problems = threads.map(lambda kept: find_bad_file(files, kept.path, kept.content_sha256), page)
                wrong = [(kept, found) for kept, found in zip(page, problems, strict=True) if found is not None]
                with database.transaction(Context.of(actor), read_only=True) as connection:
                    lost = find_lost(connection, actor.workspace_id, [kept.path for kept, _ in wrong])
                for kept, problem in wrong:
                    if kept.path not in lost:
                        getattr(report, problem[0]).append(bad_file(kept.conversation_id, kept.path, problem[1]))
                key = page[-1].key
                report.checked += len(page)
                report.next = f"{current}:{key}"
                if checkpoint is not None:
                    checkpoint(report.as_dict())
                if progress is not None:
                    progress(report.checked, max(total, report.checked), "")
            key = None
    report.next = None
    return report


def _place(cursor: str | None) -> tuple[Source, str | None]:
    if cursor is None:
        return _SOURCES[0], None
    source, _, key = cursor.partition(":")
    for known in _SOURCES:
        if source == known and key:
            return known, key
    raise UsageError(f"{cursor!r} is no place to go on from", hint="Use `next` of an earlier report.")
