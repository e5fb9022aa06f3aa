"""Uploads of imports that failed or were cancelled: kept to be tried again, and for so long only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from convstore.database import Context, Database
from convstore.database.tables import jobs
from convstore.files import FileStore
from convstore.model import Actor

__all__ = ["RETRY_DAYS", "discard_unclaimed", "list_unclaimed"]

#: Days in which an import that failed or was cancelled can be tried again.
RETRY_DAYS = 30

j = jobs.c


def list_unclaimed(database: Database, actor: Actor) -> list[dict[str, Any]]:
    """Imports that nobody tried again in time, with the number of their files and the bytes that those take."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        rows = connection.execute(
            select(j.id, j.status, j.finished_at, j.arguments).where(*_over(actor)).order_by(j.finished_at, j.id)
        )
        return [_entry(row) for row in rows.mappings()]


def discard_unclaimed(database: Database, files: FileStore, actor: Actor) -> list[dict[str, Any]]:
    """Remove the files of those imports; the same list."""
    discarded = []
    for entry in list_unclaimed(database, actor):
        own = (*_over(actor), j.id == entry["job_id"])
        with database.transaction(Context.of(actor, elevated=True, note="retention")) as connection:
            # First the job: who retries it in this moment either keeps the files or is told that they are gone.
            arguments = connection.execute(select(j.arguments).where(*own).with_for_update()).scalar_one_or_none()
            if arguments is None:
                continue
            gone = literal({"files": [], "discarded_at": datetime.now(UTC).isoformat()}, JSONB)
            connection.execute(update(jobs).where(*own).values(arguments=j.arguments.op("||")(gone)))
            facts = {"files": entry["files"], "bytes": entry["bytes"]}
            noted = func.convstore.log_event(
                actor.workspace_id, None, "uploads discarded", str(entry["job_id"]), literal(facts, JSONB)
            )
            connection.execute(select(noted))
        files.delete(path for file in arguments["files"] for path in file["paths"])
        discarded.append(entry)
    return discarded


def _over(actor: Actor) -> tuple[Any, ...]:
    return (
        j.workspace_id == actor.workspace_id,
        j.task == "ingest",
        j.status.in_(("failed", "cancelled")),
        j.finished_at < datetime.now(UTC) - timedelta(days=RETRY_DAYS),
        ~j.arguments.has_key("discarded_at"),
    )


def _entry(row: RowMapping) -> dict[str, Any]:
    return {
        "job_id": str(row["id"]),
        "status": row["status"],
        "finished_at": row["finished_at"].isoformat(),
        "files": len(row["arguments"]["files"]),
        "bytes": row["arguments"]["stored_bytes"],
    }
