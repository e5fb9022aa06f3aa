"""Background jobs as rows: what people see of them, and what a worker writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Connection, RowMapping, cast, false, func, select, update
from sqlalchemy.dialects.postgresql import JSONB

from convstore.database.tables import jobs, profiles, workspaces
from convstore.model import Job, JobStatus

__all__ = [
    "JobPart",
    "find_job_to_run",
    "finish_job",
    "get_counts",
    "list_jobs",
    "list_parts",
    "note_progress",
    "share_job",
    "start_job",
]

j = jobs.c
_parts = jobs.alias()


class JobPart(NamedTuple):
    """How a part of a job stands."""

    status: JobStatus
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None


def list_jobs(
    connection: Connection,
    workspace_id: UUID,
    *,
    statuses: Sequence[JobStatus] = (),
    task: str | None = None,
    job_id: UUID | None = None,
    limit: int = 50,
) -> tuple[Job, ...]:
    """The newest jobs first. Parts of jobs are found by their id only; what they have done counts in the whole."""
    in_parts = select(cast(func.sum(_parts.c.done), BigInteger)).where(_parts.c.parent_id == j.id).scalar_subquery()
    query = (
        select(
            j.id, j.task, j.status, func.greatest(j.done, in_parts).label("done"), j.total, j.step, j.result, j.error,
            j.cancel_requested, j.attempt, j.created_by, profiles.c.name.label("asked_by"), j.created_at,
            j.started_at, j.updated_at, j.finished_at, j.arguments.has_key("discarded_at").label("uploads_gone"),
        )
        .select_from(jobs.outerjoin(profiles, profiles.c.id == j.created_by))
        .where(j.workspace_id == workspace_id)
        .order_by(j.created_at.desc(), j.id.desc())
        .limit(limit)
    )  # fmt: skip
    if statuses:
        query = query.where(j.status.in_(statuses))
    if task is not None:
        query = query.where(j.task == task)
    query = query.where(j.parent_id.is_(None) if job_id is None else j.id == job_id)
    return tuple(Job(**row) for row in connection.execute(query).mappings())


def get_counts(connection: Connection, workspace_id: UUID) -> dict[str, int]:
    """How many jobs wait, run or have failed."""
    query = (
        select(j.status, func.count())
        .where(j.workspace_id == workspace_id, j.parent_id.is_(None), j.status.in_(("queued", "running", "failed")))
        .group_by(j.status)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def find_job_to_run(connection: Connection, job_id: UUID) -> RowMapping | None:
    """What a worker must know to run a job; the one question that names no workspace, because it finds it out."""
    query = (
        select(
            j.id, j.workspace_id, workspaces.c.slug, j.task, j.arguments, j.created_by,
            profiles.c.name, profiles.c.email, profiles.c.issuer,
        )
        .select_from(jobs.join(workspaces).join(profiles, profiles.c.id == j.created_by))
        .where(j.id == job_id)
    )  # fmt: skip
    return connection.execute(query).mappings().first()


def start_job(connection: Connection, workspace_id: UUID, job_id: UUID) -> tuple[int, dict[str, Any]] | None:
    """Take a job: the number of this attempt and how far the last one came. None if it is over or cancelled."""
    row = connection.execute(
        update(jobs)
        .where(j.workspace_id == workspace_id, j.id == job_id, j.status.in_(("queued", "running")))
        .values(
            status="running",
            attempt=j.attempt + 1,
            started_at=func.coalesce(j.started_at, func.now()),
            updated_at=func.now(),
        )
        .returning(j.attempt, j.state)
    ).first()
    return None if row is None else (row[0], row[1])


def note_progress(
    connection: Connection, workspace_id: UUID, job_id: UUID, attempt: int, values: Mapping[str, Any]
) -> bool | None:
    """Write how far an attempt is; whether it is asked to stop, None if it is not the running attempt any more."""
    # Who stops a job stops its parts.
    of_whole = select(_parts.c.cancel_requested).where(_parts.c.id == j.parent_id).scalar_subquery()
    return connection.execute(
        update(jobs)
        .where(j.workspace_id == workspace_id, j.id == job_id, j.attempt == attempt, j.status == "running")
        .values(updated_at=func.now(), **values)
        .returning(j.cancel_requested | func.coalesce(of_whole, false()))
    ).scalar_one_or_none()


def share_job(
    connection: Connection,
    job_id: UUID,
    attempt: int,
    task: str,
    parts: Sequence[Mapping[str, Any]],
    *,
    total: int | None,
) -> bool:
    """Queue the parts of a running job, each with its arguments; False if this is not the running attempt any more."""
    arguments = cast([dict(part) for part in parts], JSONB)
    call = func.convstore.share_job(job_id, attempt, task, arguments, total, type_=Boolean)
    return bool(connection.execute(select(call)).scalar_one())


def list_parts(connection: Connection, workspace_id: UUID, job_id: UUID, task: str) -> tuple[JobPart, ...]:
    """The parts of a job that do one task, in the order in which they were shared out."""
    query = (
        select(j.status, j.result, j.error)
        .where(j.workspace_id == workspace_id, j.parent_id == job_id, j.task == task)
        .order_by(j.part)
    )
    return tuple(JobPart(*row) for row in connection.execute(query))


def finish_job(
    connection: Connection, workspace_id: UUID, job_id: UUID, attempt: int, status: JobStatus, values: Mapping[str, Any]
) -> bool:
    """Write how an attempt ended; False if it is not the running attempt any more."""
    ended = None if status == "queued" else func.now()
    changed = connection.execute(
        update(jobs)
        .where(j.workspace_id == workspace_id, j.id == job_id, j.attempt == attempt, j.status == "running")
        .values(status=status, finished_at=ended, updated_at=func.now(), **values)
    )
    return changed.rowcount == 1
