"""The record of an import: who, when, how, and what became of every file."""

from __future__ import annotations

from uuid import UUID

import orjson
from sqlalchemy import func, insert, update

from convstore.database import Context, Database
from convstore.database.tables import ingest_items, ingest_runs
from convstore.ingest.reports import IngestReport
from convstore.model import Actor

__all__ = ["close_run", "open_run"]


def open_run(database: Database, actor: Actor, run_id: UUID, *, on_conflict: str) -> None:
    """Note that an import begins."""
    with database.transaction(Context.of(actor, batch_id=run_id)) as connection:
        connection.execute(
            insert(ingest_runs).values(
                id=run_id, workspace_id=actor.workspace_id, created_by=actor.user_id, on_conflict=on_conflict
            )
        )


def close_run(database: Database, actor: Actor, run_id: UUID, report: IngestReport) -> None:
    """Note what became of every file; a run without an end was interrupted."""
    items = [
        {
            "run_id": run_id,
            "position": position,
            "workspace_id": actor.workspace_id,
            "file": file.file,
            "outcome": file.outcome,
            "processing_status": "completed" if file.outcome == "accepted" else "failed",
            "report": orjson.loads(orjson.dumps(file)),
        }
        for position, file in enumerate(report.files)
    ]
    with database.transaction(Context.of(actor, batch_id=run_id)) as connection:
        if items:
            connection.execute(insert(ingest_items), items)
        connection.execute(
            update(ingest_runs)
            .where(ingest_runs.c.workspace_id == actor.workspace_id, ingest_runs.c.id == run_id)
            .values(finished_at=func.now(), totals=report.totals)
        )
