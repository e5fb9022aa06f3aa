"""Background jobs over HTTP: ask for one, watch it, stop it, ask again."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from convstore.api import examples
from convstore.api.answers import JobAnswer, JobList, described, json
from convstore.api.callers import Caller
from convstore.model import JobStatus

__all__ = ["router"]

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

JobId = Annotated[UUID, Path(description="Id of the job.", examples=[examples.JOB["id"]])]

_JOB = described(JobAnswer, {"job": examples.JOB}, "The job")


class Request(BaseModel):
    """A task for a worker."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"task": "reconcile", "repair": True}})

    task: Literal["verify", "reconcile", "retention", "archive", "duplicates", "checks"] = Field(
        description="Imports and exports are queued by their own routes."
    )
    repair: bool = Field(False, description="For reconcile.")


@router.get("", responses={200: described(JobList, {"items": [examples.JOB]}, "The newest jobs")})
def list_jobs(
    store: Caller,
    status: Annotated[list[JobStatus], Query(max_length=10, description="Only in these states.")] = [],  # noqa: B006
    task: Annotated[str | None, Query(max_length=100, description="Only this kind.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Response:
    """The workspace's jobs, newest first."""
    return json({"items": store.jobs(statuses=status, task=task, limit=limit)})


@router.post("", status_code=202, responses={202: described(JobAnswer, {"job": examples.JOB}, "Queued")})
def start(store: Caller, request: Request) -> Response:
    """Queue a task; a worker does it in the caller's name."""
    job_id = store.defer(request.task, {"repair": True} if request.repair else None)
    return json({"job": store.job(job_id)}, 202)


@router.get("/{job_id}", responses={200: _JOB})
def get_job(store: Caller, job_id: JobId) -> Response:
    """How far a job is, and how it ended."""
    return json({"job": store.job(job_id)})


@router.post("/{job_id}/cancel", responses={200: _JOB})
def cancel(store: Caller, job_id: JobId) -> Response:
    """Take a job out of the queue, or ask it to stop at its next step."""
    store.cancel_job(job_id)
    return json({"job": store.job(job_id)})


@router.post("/{job_id}/retry", responses={200: _JOB})
def retry(store: Caller, job_id: JobId) -> Response:
    """Queue a failed or cancelled job again; it goes on where it was."""
    store.retry_job(job_id)
    return json({"job": store.job(job_id)})
