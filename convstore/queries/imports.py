"""What came in: the imports of a workspace, and the input that could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, select

from convstore.database.tables import ingest_items, ingest_runs, jobs, profiles, quarantine
from convstore.model import JobStatus

__all__ = [
    "ImportItem",
    "ImportRun",
    "QuarantinedFile",
    "count_items",
    "list_imports",
    "list_items",
    "list_quarantined",
]

r = ingest_runs.c
i = ingest_items.c
q = quarantine.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """One import. `finished_at` is None while it runs, and for ever where it was interrupted.

    `job_status` is that of the job of the same id; None where the import ran at once, without a job.
    """

    id: UUID
    person: str | None
    started_at: datetime
    finished_at: datetime | None
    on_conflict: str
    totals: Mapping[str, int]
    job_status: JobStatus | None = None

    @property
    def state(self) -> Literal["queued", "running", "finished", "failed", "cancelled", "interrupted"]:
        """Whether it waits, runs or has ended, and how; one without a job may also still be running."""
        if self.finished_at is not None:
            return "finished"
        if self.job_status is None or self.job_status == "succeeded":
            return "interrupted"
        return self.job_status


class ImportItem(NamedTuple):
    """What became of one file of an import; without an outcome it was not read."""

    file: str
    outcome: str | None
    processing_status: str
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedFile:
    """A file, or a part of one, that could not be read. `line` and `column` count from 1, `byte` from 0."""

    file: str
    sha256: str
    bytes: int
    has_bytes: bool
    code: str
    reason: str
    path: str | None
    line: int | None
    column: int | None
    byte: int | None
    created_at: datetime


def list_imports(connection: Connection, workspace_id: UUID, *, limit: int = 10) -> tuple[ImportRun, ...]:
    """The latest imports first."""
    query = (
        select(
            r.id, profiles.c.name.label("person"), r.started_at, r.finished_at, r.on_conflict, r.totals,
            jobs.c.status.label("job_status"),
        )
        .select_from(
            ingest_runs.outerjoin(profiles, profiles.c.id == r.created_by).outerjoin(
                jobs, (jobs.c.workspace_id == r.workspace_id) & (jobs.c.id == r.id)
            )
        )
        .where(r.workspace_id == workspace_id)
        .order_by(r.started_at.desc(), r.id)
        .limit(limit)
    )  # fmt: skip
    return tuple(ImportRun(**row) for row in connection.execute(query).mappings())


def list_items(connection: Connection, workspace_id: UUID, run_id: UUID, *, limit: int | None) -> list[ImportItem]:
    """The files of an import, in the order in which they are read."""
    query = (
        select(i.file, i.outcome, i.processing_status, i.report)
        .where(i.workspace_id == workspace_id, i.run_id == run_id)
        .order_by(i.position)
        .limit(limit)
    )
    return [ImportItem(*row) for row in connection.execute(query)]


def count_items(connection: Connection, workspace_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """How many files of each import are queued, processing, completed or failed."""
    query = (
        select(i.run_id, i.processing_status, func.count())
        .where(i.workspace_id == workspace_id, i.run_id.in_(run_ids))
        .group_by(i.run_id, i.processing_status)
    )
    counts: dict[UUID, dict[str, int]] = {run_id: {} for run_id in run_ids}
    for run_id, status, count in connection.execute(query):
        counts[run_id][status] = count
    return counts


def list_quarantined(connection: Connection, workspace_id: UUID, *, limit: int = 50) -> tuple[QuarantinedFile, ...]:
    """The latest first."""
    query = (
        select(
            q.file, q.sha256, q.bytes, (func.cardinality(q.object_paths) > 0).label("has_bytes"), q.code, q.reason,
            q.path, q.line, q.column, q.byte, q.created_at,
        )
        .where(q.workspace_id == workspace_id)
        .order_by(q.created_at.desc(), q.id)
        .limit(limit)
    )  # fmt: skip
    return tuple(QuarantinedFile(**row) for row in connection.execute(query).mappings())
