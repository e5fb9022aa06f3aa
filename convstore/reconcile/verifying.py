"""Every file is read and hashed again; stops and goes on where it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import get_args
from uuid import UUID

from convstore.database import Context, Database
from convstore.files import FileStore
from convstore.model import Actor
from convstore.queries.integrity import Source, count_kept_files
from convstore.reconcile.kept_files import iter_file_pages
from convstore.reconcile.parts import SOURCES, Part
from convstore.reconcile.reports import Checkpoint, Progress, VerifyReport

__all__ = ["VerifyReport", "verify"]

READERS = 8
_EVERYTHING: tuple[Source, ...] = get_args(Source)


def verify(
    database: Database,
    files: FileStore,
    actor: Actor,
    *,
    part: Part | None = None,
    start: VerifyReport | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> VerifyReport:
    """Read every file that conversations, the archive and releases name, and compare its hash.

    What a repair found to be lost stands in the quarantine and is not counted again.

    Parameters
    ----------
    part
        Read no more than this.
    start
        The report of a run that was stopped; it is continued.
    checkpoint
        Called after every page with the report so far. An interruption leaves `next` where the work goes on.
    """
    sources, through = _EVERYTHING, None
    report = start or VerifyReport()
    if part is None:
        with database.transaction(Context.of(actor), read_only=True) as connection:
            total = count_kept_files(connection, actor.workspace_id)
    else:
        sources, total = SOURCES[part.phase], part.size
        through = UUID(part.through) if part.through else None
        if start is None and part.after:
            report.next = f"{sources[0]}:{part.after}"
    with ThreadPoolExecutor(READERS, thread_name_prefix="convstore-verify") as threads:
        for page in iter_file_pages(database, files, actor, threads, sources, after=report.next, through=through):
            for finding in page.findings:
                report.add(finding)
            report.checked += page.looked_at
            report.next = page.cursor
            if checkpoint is not None:
                checkpoint(report.as_dict())
            if progress is not None:
                progress(report.checked, max(total, report.checked), "")
    report.next = None
    return report
