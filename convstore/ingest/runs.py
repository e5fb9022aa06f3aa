"""The record of an import: who, when, how, and what became of every file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from convstore.database import Context, Database
from convstore.database.tables import conversations, events, ingest_items, ingest_runs
from convstore.ingest.reports import ConversationReport, FileReport, IngestReport, Outcome
from convstore.model import Actor
from convstore.queries.imports import list_items

__all__ = [
    "RunProgress",
    "close_run",
    "fail_items",
    "find_progress",
    "find_report",
    "open_run",
    "queue_run",
    "settle_items",
]

i = ingest_items.c

_OUTCOMES: Mapping[str, Outcome] = {"created": "stored", "replaced": "replaced"}


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far an import came: reports of its finished files by position, and what it stored beyond them."""

    files: Mapping[int, FileReport] = field(default_factory=dict)
    stored: Mapping[UUID, Outcome] = field(default_factory=dict)


def open_run(database: Database, actor: Actor, run_id: UUID, *, on_conflict: str) -> None:
    """Note that an import begins."""
    with database.transaction(Context.of(actor, batch_id=run_id)) as connection:
        _insert_run(connection, actor, run_id, on_conflict)


def queue_run(connection: Connection, actor: Actor, run_id: UUID, names: Sequence[str], *, on_conflict: str) -> None:
    """Note an import that is to run later, with all its files."""
    _insert_run(connection, actor, run_id, on_conflict)
    items = [
        {
            "run_id": run_id,
            "position": position,
            "workspace_id": actor.workspace_id,
            "file": name,
            "processing_status": "queued",
        }
        for position, name in enumerate(names)
    ]
    connection.execute(insert(ingest_items), items)


def find_progress(
    database: Database, actor: Actor, run_id: UUID, positions: Sequence[int] | None = None
) -> RunProgress:
    """What an import that was interrupted did so far; what is left of it is being processed from now on.

    `positions` are those of the part that goes on, if it is not the whole.
    """
    with database.transaction(Context.of(actor, batch_id=run_id)) as connection:
        own = [i.workspace_id == actor.workspace_id, i.run_id == run_id]
        if positions is not None:
            own.append(i.position.in_(positions))
        finished = connection.execute(select(i.position, i.report).where(*own, i.outcome.is_not(None)))
        files = {position: _file_report(report) for position, report in finished}
        connection.execute(
            update(ingest_items).where(*own, i.outcome.is_(None)).values(processing_status="processing", report={})
        )
        counted = {
            conversation.conversation_id
            for file in files.values()
            for conversation in file.conversations
            if conversation.outcome in _OUTCOMES.values()
        }
        e, c = events.c, conversations.c
        stored = connection.execute(
            select(c.id, c.conversation_id, e.action)
            .select_from(events.join(conversations, (c.workspace_id == e.workspace_id) & (c.id == e.conversation_id)))
            .where(e.workspace_id == actor.workspace_id, e.batch_id == run_id, e.action.in_(_OUTCOMES))
        )
        left = {row_id: _OUTCOMES[action] for row_id, name, action in stored if name not in counted}
        return RunProgress(files, left)


def settle_items(database: Database, actor: Actor, run_id: UUID, files: Mapping[int, FileReport]) -> None:
    """Note what became of some files."""
    if not files:
        return
    rows = [
        {
            "run_id": run_id,
            "position": position,
            "workspace_id": actor.workspace_id,
            "file": file.file,
            "outcome": file.outcome,
            "processing_status": "completed" if file.outcome == "accepted" else "failed",
            "report": orjson.loads(orjson.dumps(file)),
        }
        for position, file in files.items()
    ]
    statement = upsert(ingest_items)
    changed = {name: statement.excluded[name] for name in ("outcome", "processing_status", "report")}
    with database.transaction(Context.of(actor, batch_id=run_id)) as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["run_id", "position"], set_=changed), rows)


def fail_items(database: Database, actor: Actor, run_id: UUID, reason: str) -> None:
    """Note why the files that are left were not imported."""
    with database.transaction(Context.of(actor, batch_id=run_id)) as connection:
        connection.execute(
            update(ingest_items)
            .where(i.workspace_id == actor.workspace_id, i.run_id == run_id, i.outcome.is_(None))
            .values(processing_status="failed", report={"reason": reason})
        )


def close_run(database: Database, actor: Actor, run_id: UUID, report: IngestReport) -> None:
    """Note that an import is over; a run without an end was interrupted."""
    with database.transaction(Context.of(actor, batch_id=run_id)) as connection:
        connection.execute(
            update(ingest_runs)
            .where(ingest_runs.c.workspace_id == actor.workspace_id, ingest_runs.c.id == run_id)
            .values(finished_at=func.now(), totals=report.totals)
        )


def find_report(database: Database, actor: Actor, run_id: UUID, *, limit: int | None = None) -> IngestReport:
    """What became of the files of an import, the first `limit` of them; those that were not read count as rejected."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        items = list_items(connection, actor.workspace_id, run_id, limit=limit)
    return IngestReport(
        files=[
            _file_report(item.report)
            if item.outcome is not None
            else FileReport(
                file=item.file,
                outcome="rejected",
                code="ERR_NOT_IMPORTED",
                reason=f"not imported: {item.report.get('reason', item.processing_status)}",
            )
            for item in items
        ]
    )


def _insert_run(connection: Connection, actor: Actor, run_id: UUID, on_conflict: str) -> None:
    connection.execute(
        insert(ingest_runs).values(
            id=run_id, workspace_id=actor.workspace_id, created_by=actor.user_id, on_conflict=on_conflict
        )
    )


def _file_report(stored: Mapping[str, Any]) -> FileReport:
    conversations = [ConversationReport(**conversation) for conversation in stored["conversations"]]
    return FileReport(**{**stored, "conversations": conversations})
