"""Both directions, a page at a time: memory holds a page and what was found, never a listing.

Nothing is changed unless repair is asked for, and the report is the same with and without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from convstore.database import Context, Database
from convstore.errors import ForbiddenError
from convstore.files import FileStore
from convstore.model import Actor
from convstore.queries.integrity import KeptFile, Source, count_kept_files
from convstore.reconcile.mending import find_lost, mend
from convstore.reconcile.orphans import find_orphans, repair_orphans
from convstore.reconcile.reports import Checkpoint, Progress, ReconcileReport
from convstore.reconcile.rows import bad_file, inspect_page, is_still_so, iter_bad_files, repair_row

__all__ = ["ReconcileReport", "reconcile"]

READERS = 8


class _Reconciliation:
    """One run: where it is, and what it found."""

    def __init__(
        self,
        database: Database,
        files: FileStore,
        actor: Actor,
        *,
        repair: bool,
        language: str,
        start: Mapping[str, Any] | None,
        checkpoint: Checkpoint | None,
        progress: Progress | None,
    ) -> None:
        self.database = database
        self.files = files
        self.actor = actor
        self.repair = repair
        self.language = language
        self.checkpoint = checkpoint or (lambda _state: None)
        self.progress = progress or (lambda _done, _total, _step: None)
        self.state: dict[str, Any] = {"phase": "rows", "after": None, "done": 0, **(start or {})}
        self.report = ReconcileReport.from_dict(start["report"]) if start else ReconcileReport()

    def run(self) -> ReconcileReport:
        with self.database.transaction(Context.of(self.actor), read_only=True) as connection:
            # Every file is looked at twice: from its row and in the listing.
            self.total = 2 * count_kept_files(connection, self.actor.workspace_id)
        with ThreadPoolExecutor(READERS, thread_name_prefix="convstore-reconcile") as threads:
            if self.state["phase"] == "rows":
                self.rows(threads)
            if self.state["phase"] == "others":
                for source, kept, kind, reason in iter_bad_files(self.database, self.files, self.actor, threads):
                    self.bad(source, kept, kind, reason)
                self.move_on("objects")
            self.objects()
        self.progress(self.total, self.total, "")
        return self.report

    def rows(self, threads: ThreadPoolExecutor) -> None:
        while True:
            after = UUID(self.state["after"]) if self.state["after"] else None
            page = inspect_page(self.database, self.files, self.actor, threads, after=after)
            if not page:
                break
            for row, found in page:
                if found.kind == "equal" or not is_still_so(self.database, self.actor, row):
                    continue
                if found.kind != "drifted":
                    digest = row.values["content_sha256"]
                    kept = KeptFile(str(row.id), row.conversation_id, row.file_path, digest)
                    self.bad("conversations", kept, found.kind, found.reason)
                    continue
                entry = bad_file(row.conversation_id, row.file_path, found.reason, fields=found.fields)
                if self.repair:
                    entry["repair"] = repair_row(self.database, self.actor, row, found, language=self.language)
                self.report.drifted.append(entry)
            self.note(str(page[-1][0].id), len(page), "files of conversations")
        self.move_on("others")

    def bad(self, source: Source, kept: KeptFile, kind: str, reason: str) -> None:
        with self.database.transaction(Context.of(self.actor), read_only=True) as connection:
            if find_lost(connection, self.actor.workspace_id, [kept.path]):
                return
        entry = bad_file(kept.conversation_id, kept.path, reason)
        if self.repair:
            done = mend(self.database, self.files, self.actor, source, kept, language=self.language)
            entry |= {"repair": done.repair, "reason": done.reason or reason}
        getattr(self.report, kind).append(entry)

    def objects(self) -> None:
        while page := self.files.list(after=self.state["after"]):
            orphans = find_orphans(self.database, self.actor, page)
            repairs: Mapping[str, str] = {}
            if self.repair and orphans:
                repairs = repair_orphans(self.database, self.files, self.actor, orphans, language=self.language)
            for orphan in orphans:
                entry = {"path": orphan.path, "bytes": orphan.size, "reason": orphan.reason}
                self.report.orphans.append({**entry, "repair": repairs.get(orphan.path)})
            self.note(page[-1].path, len(page), "stored files")

    def move_on(self, phase: str) -> None:
        self.state |= {"phase": phase, "after": None}
        self.note(None, 0, phase)

    def note(self, after: str | None, looked_at: int, step: str) -> None:
        self.state |= {"after": after, "done": self.state["done"] + looked_at}
        self.checkpoint({**self.state, "report": self.report.as_dict()})
        self.progress(self.state["done"], max(self.total, self.state["done"]), step)


def reconcile(
    database: Database,
    files: FileStore,
    actor: Actor,
    *,
    repair: bool = False,
    language: str = "en",
    start: Mapping[str, Any] | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> ReconcileReport:
    """Hold every row against its file and every file against the rows.

    Parameters
    ----------
    repair
        Derive rows again from their files, write missing and damaged files again where their own bytes or the rows
        still prove what they held, adopt files that an import left, remove those that are done with, and keep the rest
        in quarantine. What is lost is said to be so once; what is left of it is kept there too.
    start
        What `checkpoint` was given last by a run that was stopped.

    Raises
    ------
    ForbiddenError
        The role does not reach: lead to look, admin to repair.
    """
    if actor.role not in (("admin",) if repair else ("lead", "admin")):
        raise ForbiddenError(
            f"only {'an admin repairs' if repair else 'a lead reconciles'}", hint="Ask an admin of the workspace."
        )
    run = _Reconciliation(
        database,
        files,
        actor,
        repair=repair,
        language=language,
        start=start,
        checkpoint=checkpoint,
        progress=progress,
    )
    return run.run()
