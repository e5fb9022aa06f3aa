"""Work that is done in the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from convstore.core.acting import Acting
from convstore.model import Job, JobStatus

__all__ = ["Jobs"]


class Jobs(Acting):
    """Work that is done in the background."""

    def defer(self, task: str, arguments: Mapping[str, Any] | None = None) -> UUID:
        """Queue a task of `convstore.worker` in this person's name; the id of the job that does it."""
        from convstore.jobs import defer_job

        return defer_job(self.database, self.actor, task, arguments)

    def jobs(self, *, statuses: Sequence[JobStatus] = (), task: str | None = None, limit: int = 50) -> tuple[Job, ...]:
        """The workspace's newest jobs."""
        from convstore.jobs import list_jobs

        return list_jobs(self.database, self.actor, statuses=statuses, task=task, limit=limit)

    def job(self, job_id: UUID) -> Job:
        """One job; `NotFoundError` if there is none."""
        from convstore.jobs import get_job

        return get_job(self.database, self.actor, job_id)

    def cancel_job(self, job_id: UUID) -> None:
        """Take a job out of the queue, or ask it to stop."""
        from convstore.jobs import cancel_job

        cancel_job(self.database, self.actor, job_id)

    def retry_job(self, job_id: UUID) -> None:
        """Queue a failed or cancelled job again; it goes on where it was."""
        from convstore.jobs import retry_job

        retry_job(self.database, self.actor, job_id)
