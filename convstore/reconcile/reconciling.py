"""Both directions, a page at a time: memory holds a page and what was found, never a listing.

Nothing is changed unless repair is asked for, and the report is the same with and without it. What is about to be
repaired is kept before it is: an attempt that takes over from one that was cut goes through it again, and tells of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from convstore.database import Database
from convstore.errors import ForbiddenError
from convstore.files import FileStat, FileStore, listing_order
from convstore.model import Actor
from convstore.reconcile.inspection import Inspection, StoredRow
from convstore.reconcile.kept_files import iter_file_pages
from convstore.reconcile.mending import Mended, mend
from convstore.reconcile.orphans import Orphan, find_orphans, repair_orphans
from convstore.reconcile.parts import PHASES, SOURCES, Part, count_looks
from convstore.reconcile.reports import Checkpoint, Finding, Progress, ReconcileReport
from convstore.reconcile.rows import find_differences, inspect_page, repair_again, repair_row

__all__ = ["ReconcileReport", "reconcile"]

READERS = 8

_NOTHING: Mapping[str, tuple[StoredRow, Inspection]] = {}


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
        part: Part | None,
        start: Mapping[str, Any] | None,
        checkpoint: Checkpoint | None,
        progress: Progress | None,
    ) -> None:
        self.database = database
        self.files = files
        self.actor = actor
        self.repair = repair
        self.language = language
        self.phases = (part.phase,) if part else PHASES
        self.through = part.through if part else None
        self.total = part.size if part else 0
        self.checkpoint = checkpoint or (lambda _state: None)
        self.progress = progress or (lambda _done, _total, _step: None)
        self.state: dict[str, Any] = {"phase": self.phases[0], "after": part.after if part else None, "done": 0}
        self.state |= {"pending": [], **(start or {})}
        self.report = ReconcileReport.of(start["report"]) if start else ReconcileReport()

    def run(self) -> ReconcileReport:
        if self.phases == PHASES:
            self.total = count_looks(self.database, self.actor)
        with ThreadPoolExecutor(READERS, thread_name_prefix="convstore-reconcile") as self.threads:
            for phase in self.phases[self.phases.index(self.state["phase"]) :]:
                if phase != self.state["phase"]:
                    self.state |= {"phase": phase, "after": None}
                    self.note(phase)
                {"rows": self.rows, "others": self.others, "objects": self.objects}[phase]()
        done = self.total if self.phases == PHASES else self.state["done"]
        self.progress(done, done, "")
        return self.report

    def rows(self) -> None:
        self.settle_again()
        while page := self.inspect():
            findings = find_differences(self.database, self.actor, page)
            self.passed(str(page[-1][0].id), len(page), findings)
            self.settle(findings, {str(row.id): (row, found) for row, found in page})
            self.note("files of conversations")

    def inspect(self) -> list[tuple[StoredRow, Inspection]]:
        after, through = (UUID(key) if key else None for key in (self.state["after"], self.through))
        return inspect_page(self.database, self.files, self.actor, self.threads, after=after, through=through)

    def others(self) -> None:
        self.settle_again()
        for page in iter_file_pages(
            self.database,
            self.files,
            self.actor,
            self.threads,
            SOURCES["others"],
            after=self.state["after"],
        ):
            self.passed(page.cursor, page.looked_at, page.findings)
            self.settle(page.findings)
            self.note("files of the archive and of releases")

    def objects(self) -> None:
        self.settle_orphans([Orphan.from_dict(kept) for kept in self.state["pending"]])
        while page := self.list_objects():
            self.passed(page[-1].path, len(page), orphans := find_orphans(self.database, self.actor, page))
            self.settle_orphans(orphans)
            self.note("stored files")

    def list_objects(self) -> list[FileStat]:
        if self.through is not None and self.through == self.state["after"]:
            return []
        page = self.files.list(after=self.state["after"])
        if self.through is None:
            return page
        last = listing_order(self.through)
        return [stat for stat in page if listing_order(stat.path) <= last]

    def settle(self, findings: Sequence[Finding], seen: Mapping[str, tuple[StoredRow, Inspection]] = _NOTHING) -> None:
        for finding in findings:
            done = self.mended(finding, seen.get(finding.kept.key)) if self.repair else Mended(None)
            self.report.add(finding, repair=done.repair, reason=done.reason)

    def settle_again(self) -> None:
        for finding in map(Finding.from_dict, self.state["pending"]):
            done = self.mended(finding, None, again=True)
            self.report.add(finding, repair=done.repair, reason=done.reason)

    def mended(self, finding: Finding, seen: tuple[StoredRow, Inspection] | None, *, again: bool = False) -> Mended:
        if finding.kind != "drifted":
            return mend(self.database, self.files, self.actor, finding, language=self.language, again=again)
        if seen is not None:
            return Mended(repair_row(self.database, self.actor, *seen, language=self.language))
        row_id = UUID(finding.kept.key)
        return Mended(repair_again(self.database, self.files, self.actor, self.threads, row_id, language=self.language))

    def settle_orphans(self, orphans: Sequence[Orphan]) -> None:
        repairs: Mapping[str, str] = {}
        if self.repair and orphans:
            repairs = repair_orphans(self.database, self.files, self.actor, orphans, language=self.language)
        self.report.orphans.extend(orphan.entry(repair=repairs.get(orphan.path)) for orphan in orphans)

    def passed(self, after: str, looked_at: int, found: Sequence[Finding | Orphan]) -> None:
        self.state |= {"after": after, "done": self.state["done"] + looked_at}
        if self.repair and found:
            self.state["pending"] = [one.as_dict() for one in found]
            self.keep()

    def note(self, step: str) -> None:
        self.state["pending"] = []
        self.keep()
        self.progress(self.state["done"], max(self.total, self.state["done"]), step)

    def keep(self) -> None:
        self.checkpoint({**self.state, "report": self.report.as_dict()})


def reconcile(
    database: Database,
    files: FileStore,
    actor: Actor,
    *,
    repair: bool = False,
    language: str = "en",
    part: Part | None = None,
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
    part
        Look at no more than this.
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
        part=part,
        start=start,
        checkpoint=checkpoint,
        progress=progress,
    )
    return run.run()
