"""What is asked for by the clock. However many workers there are, each moment comes once."""

from __future__ import annotations

from sqlalchemy import func, select

from convstore.core import Resources
from convstore.database import system_context
from convstore.database.tables import workspaces
from convstore.queue import defer

__all__ = ["DAILY", "DAILY_TASKS", "KEEP_JOBS_DAYS", "defer_daily", "prune_jobs"]

#: At night in most places where people work by day; minutes that nobody else chooses.
DAILY = "17 3 * * *"
DAILY_TASKS = ("retention", "archive", "storage", "facets", "usage", "duplicates", "checks")
#: How long one can look up how a job ended; what it changed stands in the audit for good.
KEEP_JOBS_DAYS = 90


def defer_daily(resources: Resources) -> int:
    """Queue the daily work of every workspace in convstore's own name; how many jobs that are."""
    with resources.database.transaction(system_context()) as connection:
        found = list(connection.execute(select(workspaces.c.id)).scalars())
        for workspace_id in found:
            for task in DAILY_TASKS:
                defer(connection, workspace_id, task, once=True)
    return len(found) * len(DAILY_TASKS)


def prune_jobs(resources: Resources) -> int:
    """Remove jobs that have been over for `KEEP_JOBS_DAYS`, also from the queue; how many that were."""
    with resources.database.transaction(system_context()) as connection:
        pruned = connection.execute(select(func.convstore.prune_jobs(KEEP_JOBS_DAYS))).scalar_one()
    return int(pruned)
