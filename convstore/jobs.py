"""Background jobs: what people see and may do, and the hand with which a running job reports and is stopped.

Knows nothing of the queue's machinery and of no task. A job that is reported on by a worker which was taken for dead,
while another has taken the job over, is told to stop by the number of its attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Boolean, func, select

from convstore.database import Context, Database, system_context
from convstore.errors import ConflictError, ConvstoreError, NotFoundError
from convstore.model import Actor, Job, JobStatus
from convstore.queries import jobs as queries
from convstore.queue import defer

__all__ = ["JobStopped", "RunningJob", "cancel_job", "defer_job", "get_job", "list_jobs", "retry_job"]

#: Least time between two notes of progress.
NOTE_S = 0.5


class JobStopped(Exception):
    """A running job must end: it was cancelled, its worker stops, another worker has it, or its parts do the rest."""

    def __init__(self, why: Literal["cancelled", "interrupted", "superseded", "shared"]) -> None:
        super().__init__(why)
        self.why = why


class RunningJob:
    """A job in the hands of a worker."""

    def __init__(
        self,
        database: Database,
        *,
        job_id: UUID,
        workspace_id: UUID,
        arguments: Mapping[str, Any],
        attempt: int,
        state: Mapping[str, Any],
        is_interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.id = job_id
        self.arguments = arguments
        self.attempt = attempt
        self.state = state
        self._database = database
        self._workspace_id = workspace_id
        self._is_interrupted = is_interrupted
        self._noted_at = 0.0

    def progress(self, done: int, total: int, step: str = "") -> None:
        """Tell how far it is.

        Raises
        ------
        JobStopped
            It must end now; what is done is done.
        """
        if time.monotonic() - self._noted_at >= NOTE_S or done == total:
            self._note({"done": done, "total": total, "step": step or None})
        elif self._is_interrupted():
            raise JobStopped("interrupted")

    def keep(self, state: Mapping[str, Any]) -> None:
        """Keep from where another attempt can go on. Raises `JobStopped` as `progress` does."""
        self.state = state
        self._note({"state": dict(state)})

    def in_parts(
        self, task: str, plan: Callable[[], Sequence[Mapping[str, Any]]], *, total: int | None = None
    ) -> list[Mapping[str, Any]]:
        """Have a task done in parts, by any number of workers; the results of the parts, in their order.

        The first call queues a part for each of the arguments that `plan` gives and ends this run. When the last part
        has ended, the job is run again from its start, and the same call gives the results: what a task does before
        it has to bear that.

        Parameters
        ----------
        total
            What there is to do altogether, in the unit in which parts tell their progress.

        Raises
        ------
        JobStopped
            The parts are not done yet, or were cancelled.
        ConvstoreError
            A part failed; the others did what was theirs.
        """
        with self._database.transaction(system_context(), read_only=True) as connection:
            parts = queries.list_parts(connection, self._workspace_id, self.id, task)
        if not parts:
            planned = plan()
            if not planned:
                return []
            with self._database.transaction(system_context()) as connection:
                if not queries.share_job(connection, self.id, self.attempt, task, planned, total=total):
                    raise JobStopped("superseded")
        statuses = {part.status for part in parts}
        if not parts or not statuses.isdisjoint(("queued", "running")):
            raise JobStopped("shared")
        for part in parts:
            if part.status == "failed":
                raise ConvstoreError(
                    **{name: value for name, value in (part.error or {}).items() if name != "retryable"}
                )
        if "cancelled" in statuses:
            raise JobStopped("cancelled")
        return [part.result or {} for part in parts]

    def _note(self, values: Mapping[str, Any]) -> None:
        self._noted_at = time.monotonic()
        with self._database.transaction(system_context()) as connection:
            asked = queries.note_progress(connection, self._workspace_id, self.id, self.attempt, values)
        if asked is None:
            raise JobStopped("superseded")
        if asked:
            raise JobStopped("cancelled")
        if self._is_interrupted():
            raise JobStopped("interrupted")


def defer_job(
    database: Database, actor: Actor, task: str, arguments: Mapping[str, Any] | None = None, *, once: bool = True
) -> UUID:
    """Queue a job as a change of its own; see `convstore.queue.defer`."""
    with database.transaction(Context.of(actor)) as connection:
        return defer(connection, actor.workspace_id, task, arguments, once=once)


def list_jobs(
    database: Database,
    actor: Actor,
    *,
    statuses: Sequence[JobStatus] = (),
    task: str | None = None,
    limit: int = 50,
) -> tuple[Job, ...]:
    """The workspace's newest jobs."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        return queries.list_jobs(connection, actor.workspace_id, statuses=statuses, task=task, limit=limit)


def get_job(database: Database, actor: Actor, job_id: UUID) -> Job:
    """One job.

    Raises
    ------
    NotFoundError
        There is none in this workspace.
    """
    with database.transaction(Context.of(actor), read_only=True) as connection:
        found = queries.list_jobs(connection, actor.workspace_id, job_id=job_id, limit=1)
    if not found:
        raise NotFoundError(f"there is no job {job_id} in this workspace", hint="`convstore jobs list` shows them.")
    return found[0]


def cancel_job(database: Database, actor: Actor, job_id: UUID) -> None:
    """Take a job out of the queue, or ask it to stop; what it has done stays done."""
    _change(database, actor, job_id, "cancel_job", "is over already")


def retry_job(database: Database, actor: Actor, job_id: UUID) -> None:
    """Queue a failed or cancelled job again; it goes on where it was.

    Raises
    ------
    ConflictError
        It is neither, or the files that it was to import are not kept any more.
    """
    if get_job(database, actor, job_id).uploads_gone:
        raise ConflictError(
            "the files of this import are not kept any more",
            hint="Import them again.",
            facts={"job_id": str(job_id)},
        )
    _change(database, actor, job_id, "retry_job", "has neither failed nor been cancelled")


def _change(database: Database, actor: Actor, job_id: UUID, function: str, refusal: str) -> None:
    get_job(database, actor, job_id)
    with database.transaction(Context.of(actor)) as connection:
        call = getattr(func.convstore, function)(job_id, type_=Boolean)
        if not connection.execute(select(call)).scalar_one():
            raise ConflictError(f"job {job_id} {refusal}", hint="Look at it again.", facts={"job_id": str(job_id)})
