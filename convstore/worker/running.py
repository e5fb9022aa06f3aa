"""One job from its start to its end, as the person who asked for it and with the rights that person has now."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import RowMapping

from convstore.core import ConvStore, Resources
from convstore.database import SYSTEM_ID, system_context
from convstore.errors import ConvstoreError, ForbiddenError, UsageError
from convstore.jobs import JobStopped, RunningJob
from convstore.model import Actor, JobStatus, Role
from convstore.queries.jobs import find_job_to_run, finish_job, start_job
from convstore.tracing import request_as
from convstore.worker.tasks import Task, find_task

__all__ = ["run_job"]

log = logging.getLogger(__name__)

ROLES: tuple[Role, ...] = ("viewer", "reviewer", "lead", "admin")
#: How often a job is started again after a fault that may pass.
ATTEMPTS = 5


def run_job(resources: Resources, job_id: UUID, *, is_interrupted: Callable[[], bool]) -> float | None:
    """Run a queued job.

    Returns
    -------
    float | None
        Seconds after which it is to be started again; None if it is over.
    """
    # What a job writes and logs is known by the job, which the log line of the request that queued it names.
    with request_as(str(job_id)):
        return _run(resources, job_id, is_interrupted=is_interrupted)


def _run(resources: Resources, job_id: UUID, *, is_interrupted: Callable[[], bool]) -> float | None:
    database = resources.database
    with database.transaction(system_context()) as connection:
        row = find_job_to_run(connection, job_id)
        started = None if row is None else start_job(connection, row["workspace_id"], job_id)
    if row is None or started is None:
        return None
    attempt, state = started
    log.info("job started", extra={"job_id": job_id, "task": row["task"], "attempt": attempt})
    job = RunningJob(
        database,
        job_id=job_id,
        workspace_id=row["workspace_id"],
        arguments=row["arguments"],
        attempt=attempt,
        state=state,
        is_interrupted=is_interrupted,
    )

    def finish(status: JobStatus, **values: Any) -> None:
        with database.transaction(system_context()) as connection:
            finish_job(connection, row["workspace_id"], job_id, attempt, status, values)
        log.info("job ended", extra={"job_id": job_id, "task": row["task"], "attempt": attempt, "status": status})

    try:
        task = _get_task(row["task"])
        result = task.run(_store_for(resources, row, task), job)
    except JobStopped as stop:
        # Superseded or shared out: it is in other hands.
        if stop.why == "cancelled":
            finish("cancelled")
        elif stop.why == "interrupted":
            finish("queued")
            return 0.0
    except ConvstoreError as exc:
        if exc.retryable and attempt < ATTEMPTS:
            finish("queued", error=_plain(exc))
            return float(2**attempt)
        finish("failed", error=_plain(exc))
    except Exception as exc:
        # A bug: an id for the screen, the trace for the log.
        trace_id = uuid4().hex[:8]
        log.exception("job failed", extra={"job_id": job_id, "task": row["task"], "trace_id": trace_id})
        finish(
            "failed", error={"code": "ERR_FATAL", "message": f"{type(exc).__name__}, {trace_id} in the worker's log"}
        )
    else:
        finish("succeeded", result=dict(result))
    return None


def _get_task(name: str) -> Task:
    found = find_task(name)
    if found is None:
        raise UsageError(
            f"this worker knows no task {name!r}", hint="Bring every worker to the same version, and retry."
        )
    return found


def _store_for(resources: Resources, row: RowMapping, task: Task) -> ConvStore:
    if row["created_by"] == SYSTEM_ID:
        actor = Actor(
            user_id=SYSTEM_ID,
            workspace_id=row["workspace_id"],
            workspace_slug=row["slug"],
            role="admin",
            name=row["name"],
        )
        return ConvStore(resources, actor)
    store = ConvStore.for_person(
        resources, user_id=row["created_by"], name=row["name"], email=row["email"], workspace=row["slug"]
    )
    if ROLES.index(store.actor.role) < ROLES.index(task.role):
        raise ForbiddenError(f"{task.name} needs the role {task.role}", hint="Ask an admin of the workspace.")
    return store


def _plain(error: ConvstoreError) -> Mapping[str, Any]:
    shown = error.as_dict()
    return {name: shown[name] for name in ("code", "message", "hint", "retryable")}
