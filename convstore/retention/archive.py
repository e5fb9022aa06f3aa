"""Old conversations leave the working set with their turns, findings and reviews, and come back by restore.

Their files stay where they are; the database moves the rows, both ways in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Uuid, cast, exists, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from convstore.database import Context, Database
from convstore.database.tables import conversations, conversations_archive, events, release_items
from convstore.errors import ForbiddenError
from convstore.model import Actor, BatchOutcome

__all__ = ["ARCHIVE_DAYS", "ArchiveReport", "archive_old", "archive_rows", "restore_archived"]

c = conversations.c
a = conversations_archive.c

#: Age from which a conversation leaves the working set.
ARCHIVE_DAYS = 365
PAGE = 200


@dataclass(slots=True, kw_only=True)
class ArchiveReport:
    """What moved; `protected` is old enough and stays because a release names it."""

    archived: list[dict[str, Any]] = field(default_factory=list)
    protected: list[dict[str, Any]] = field(default_factory=list)


def archive_old(
    database: Database,
    actor: Actor,
    *,
    older_than_days: int = ARCHIVE_DAYS,
    progress: Callable[[int, int, str], None] | None = None,
) -> ArchiveReport:
    """Move every conversation that is older into the archive; one that was brought back stays as long again.

    Raises
    ------
    ForbiddenError
        The role is below lead.
    """
    if actor.role not in ("lead", "admin"):
        raise ForbiddenError("only a lead archives", hint="Ask a lead of the workspace.")
    before = datetime.now(UTC) - timedelta(days=older_than_days)
    e, r = events.c, release_items.c
    released = exists().where(r.workspace_id == c.workspace_id, r.conversation_id == c.id)
    brought_back = exists().where(
        e.workspace_id == c.workspace_id, e.conversation_id == c.id, e.action == "unarchived", e.at >= before
    )
    query = (
        select(c.id, c.conversation_id, c.created_at, released.label("is_released"))
        .where(c.workspace_id == actor.workspace_id, c.is_active, c.created_at < before, ~brought_back)
        .order_by(c.id)
        .limit(PAGE)
    )
    report = ArchiveReport()
    after: UUID | None = None
    while True:
        with database.transaction(Context.of(actor), read_only=True) as connection:
            rows = connection.execute(query if after is None else query.where(c.id > after)).mappings().all()
        if not rows:
            return report
        after = rows[-1]["id"]
        moved = archive_rows(
            database, actor, [row["id"] for row in rows if not row["is_released"]], note="older than a year"
        )
        for row in rows:
            entry = {"conversation_id": row["conversation_id"], "created_at": row["created_at"].isoformat()}
            if row["id"] in moved:
                report.archived.append(entry)
            elif row["is_released"]:
                report.protected.append({**entry, "reason": "a release names it"})
        if progress is not None:
            progress(len(report.archived), len(report.archived), "")


def archive_rows(database: Database, actor: Actor, ids: Sequence[UUID], *, note: str | None = None) -> set[UUID]:
    """Move conversations into the archive; which of them moved."""
    if not ids:
        return set()
    context = Context.of(actor, elevated=True, batch_id=uuid4(), note=note)
    with database.transaction(context) as connection:
        moved = func.convstore.archive_conversations(actor.workspace_id, cast(list(ids), ARRAY(Uuid)), type_=Uuid)
        return set(connection.execute(select(moved)).scalars())


def restore_archived(database: Database, actor: Actor, identifiers: Sequence[str]) -> dict[str, BatchOutcome]:
    """Bring conversations back from the archive: outcome by identifier, for those that the archive holds."""
    row_ids = [found for found in map(_uuid, identifiers) if found is not None]
    context = Context.of(actor, elevated=True, batch_id=uuid4())
    with database.transaction(context) as connection:
        rows = connection.execute(
            select(a.id, a.conversation_id, a.row["status"].astext.label("status")).where(
                a.workspace_id == actor.workspace_id, a.conversation_id.in_(identifiers) | a.id.in_(row_ids)
            )
        ).all()
        if not rows:
            return {}
        back = func.convstore.unarchive_conversations(
            actor.workspace_id, cast([row.id for row in rows], ARRAY(Uuid)), type_=Uuid
        )
        restored = set(connection.execute(select(back)).scalars())
    outcomes: dict[str, BatchOutcome] = {}
    for row in rows:
        outcome = BatchOutcome(
            conversation_id=row.conversation_id,
            outcome="done" if row.id in restored else "refused",
            from_status="archive",
            to_status=row.status,
            reason=None if row.id in restored else "a conversation with this id was stored since",
        )
        outcomes |= {row.conversation_id: outcome, str(row.id): outcome}
    return {value: outcomes[value] for value in identifiers if value in outcomes}


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None
