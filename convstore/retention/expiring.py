"""What has expired: first into the trash, after its days there gone for good, with every file of it.

Approved and released conversations are protected: an expired approved one moves to the archive, a released one stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, exists, func, select, update

from convstore.database import SYSTEM_ID, Context, Database
from convstore.database.tables import conversations, release_items
from convstore.errors import DatabaseError, ForbiddenError
from convstore.files import FileStore
from convstore.model import Actor
from convstore.retention.archive import archive_rows
from convstore.retention.unclaimed import discard_unclaimed, list_unclaimed
from convstore.saol.deleting import agent_delete

__all__ = ["RetentionReport", "apply_retention"]

c = conversations.c
PAGE = 200


@dataclass(slots=True, kw_only=True)
class RetentionReport:
    """What went where, or would. `protected` has expired and stays all the same.

    `uploads` are imports that nobody tried again, whose files went.
    """

    dry_run: bool
    trashed: list[dict[str, Any]] = field(default_factory=list)
    archived: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[dict[str, Any]] = field(default_factory=list)
    protected: list[dict[str, Any]] = field(default_factory=list)
    uploads: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expired:
    id: UUID
    conversation_id: str
    status: str
    is_active: bool
    created_by: UUID
    expires_at: datetime
    is_released: bool

    @property
    def destination(self) -> str:
        if self.is_released or (self.status == "approved" and not self.is_active):
            return "protected"
        if self.status == "approved":
            return "archived"
        return "trashed" if self.is_active else "deleted"

    def entry(self) -> dict[str, Any]:
        reason = "a release names it" if self.is_released else "it is approved"
        entry = {
            "conversation_id": self.conversation_id,
            "status": self.status,
            "expires_at": self.expires_at.isoformat(),
        }
        return {**entry, "reason": reason} if self.destination == "protected" else entry


def apply_retention(
    database: Database,
    files: FileStore,
    actor: Actor,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> RetentionReport:
    """Move what has expired on its way: into the trash, into the archive, or out for good.

    What comes into the trash now stays there for the days of its policy, even if those are none. Files that wait for an
    import to be tried again go after `RETRY_DAYS`.

    Raises
    ------
    ForbiddenError
        The role is not admin.
    """
    if actor.role != "admin":
        raise ForbiddenError("only an admin applies retention", hint="Ask an admin of the workspace.")
    report = RetentionReport(dry_run=dry_run)
    context = Context.of(actor, batch_id=uuid4(), note="retention")
    done = 0
    for page in _iter_pages(database, actor):
        for row in page:
            getattr(report, row.destination).append(row.entry())
        if not dry_run:
            _trash(database, actor, context, [row.id for row in page if row.destination == "trashed"])
            archive_rows(database, actor, [row.id for row in page if row.destination == "archived"], note="retention")
            _delete(database, files, actor, context, [row for row in page if row.destination == "deleted"])
        done += len(page)
        if progress is not None:
            progress(done, done, "")
    report.uploads = list_unclaimed(database, actor) if dry_run else discard_unclaimed(database, files, actor)
    return report


def _expired() -> ColumnElement[bool]:
    return c.expires_at <= func.now()


def _iter_pages(database: Database, actor: Actor) -> Iterator[Sequence[_Expired]]:
    released = exists().where(release_items.c.workspace_id == c.workspace_id, release_items.c.conversation_id == c.id)
    query = (
        select(
            c.id, c.conversation_id, c.status, c.is_active, c.created_by, c.expires_at, released.label("is_released")
        )
        .where(c.workspace_id == actor.workspace_id, _expired())
        .order_by(c.is_active, c.id)
        .limit(PAGE)
    )
    # The trash first, so that nothing goes through it in one run.
    for is_active in (False, True):
        after: UUID | None = None
        while True:
            part = query.where(c.is_active.is_(is_active))
            with database.transaction(Context.of(actor), read_only=True) as connection:
                rows = connection.execute(part if after is None else part.where(c.id > after)).mappings().all()
            if not rows:
                break
            yield [_Expired(**row) for row in rows]
            after = rows[-1]["id"]


def _trash(database: Database, actor: Actor, context: Context, ids: Sequence[UUID]) -> None:
    if ids:
        with database.transaction(context) as connection:
            connection.execute(
                update(conversations)
                .where(c.workspace_id == actor.workspace_id, c.id.in_(ids), c.is_active, _expired())
                .values(is_active=False)
            )


def _delete(database: Database, files: FileStore, actor: Actor, context: Context, rows: Sequence[_Expired]) -> None:
    if not rows:
        return
    result = agent_delete(
        database,
        table="conversations",
        where=[
            {"column": "workspace_id", "operator": "eq", "value": actor.workspace_id},
            {"column": "id", "operator": "in", "value": [row.id for row in rows]},
            # Whoever was restored since is no longer meant.
            {"column": "is_active", "operator": "is", "value": False},
        ],
        confirm=True,
        # convstore's own actor has no membership; for a person the policies hold.
        as_user=None if actor.user_id == SYSTEM_ID else context,
    )
    if not result.success:
        raise DatabaseError(result.summary, code=result.code, facts=result.facts)
    with database.transaction(Context.of(actor), read_only=True) as connection:
        left = set(connection.execute(select(c.id).where(c.id.in_([row.id for row in rows]))).scalars())
    # Every version under the row's folder; a release that named one would have kept the row.
    folders = [f"{row.created_by}/{row.id}" for row in rows if row.id not in left]
    files.delete(stat.path for folder in folders for stat in files.list(folder))
