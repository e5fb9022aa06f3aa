"""Deferring jobs by name, inside the transaction of the change that asks for them. Knows no task.

A rollback takes the job with it, a commit makes it visible to every worker. Which task a name means is the worker's
business.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Uuid, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

__all__ = ["QUEUE_SCHEMA", "defer"]

_log = logging.getLogger(__name__)

#: Schema of the queue's own tables, which only workers enter.
QUEUE_SCHEMA = "procrastinate"


def defer(
    connection: Connection,
    workspace_id: UUID,
    task: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    job_id: UUID | None = None,
    once: bool = False,
) -> UUID:
    """Queue a job for whoever acts in this transaction; its id.

    Parameters
    ----------
    once
        If a job of this task waits or runs in the workspace already, it stands for the new one; its id is returned.
        Such jobs never run side by side.
    """
    call = func.convstore.enqueue(
        workspace_id, task, cast(dict(arguments or {}), JSONB), job_id or uuid4(), once, type_=Uuid
    )
    found = connection.execute(select(call)).scalar_one()
    assert isinstance(found, UUID)
    _log.info("job queued", extra={"job_id": found, "task": task})
    return found
