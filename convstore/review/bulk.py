"""Deciding about a whole filter: what it would do first, then the allowed moves in one statement.

Nothing here reads content or keeps a review: a bulk decision is about a status, and says so in the history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
    update,
)

from convstore.database import Context, Database
from convstore.database.tables import conversations, release_items, releases
from convstore.errors import UsageError
from convstore.lifecycle import STATUSES, allowed, sources_of
from convstore.model import Actor, BatchOutcome, Conversation, Filter, Status
from convstore.queries.conversations import list_conversations, matching
from convstore.queries.people import names_of
from convstore.rights import is_at_least, require_role

__all__ = ["LISTED", "BulkPreview", "BulkResult", "Conflict", "bulk_preview", "bulk_review"]

c = conversations.c

#: How many of the rows that stay as they are a result names; the others are counted.
LISTED = 100
_SAMPLES = 5
#: A million rows take minutes, not the minute that a page may take.
_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Conflict:
    """Rows that a bulk decision leaves alone for one reason."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPreview:
    """What a bulk decision would do.

    `released` counts those among the moving ones that a sealed release holds: the release keeps them as they were.
    """

    status: Status
    matched: int
    moving: int
    released: int
    conflicts: tuple[Conflict, ...]
    samples: tuple[Conversation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """What a bulk decision did; `listed` names the first of those that stayed as they were."""

    batch_id: UUID
    status: Status
    moved: int
    left_alone: tuple[Conflict, ...]
    listed: tuple[BatchOutcome, ...]


def bulk_preview(database: Database, actor: Actor, wanted: Filter, status: Status) -> BulkPreview:
    """Count what a bulk decision would move and leave alone, and pick five of the moving ones at random."""
    _check(actor, status)
    can_move = _can_move(actor, status)
    in_release = exists().where(
        release_items.c.workspace_id == actor.workspace_id,
        release_items.c.conversation_id == c.id,
        releases.c.workspace_id == actor.workspace_id,
        releases.c.id == release_items.c.release_id,
        releases.c.status == "sealed",
    )
    context = Context.of(actor)
    with database.transaction(context, read_only=True, snapshot=True, timeout_s=_TIMEOUT_S) as connection:
        where = matching(connection, wanted, actor.workspace_id)
        groups = connection.execute(
            select(c.status, c.reviewed_by, can_move, func.count()).where(*where).group_by(c.status, c.reviewed_by)
        ).all()
        released = connection.execute(select(func.count()).where(*where, can_move, in_release)).scalar_one()
        picked = connection.execute(
            select(c.id).where(*where, can_move).order_by(func.random()).limit(_SAMPLES)
        ).scalars()
        ids = tuple(str(row) for row in picked)
        samples = list_conversations(connection, Filter(ids=ids), actor.workspace_id).items if ids else ()
        conflicts = _conflicts(connection, actor, status, [(s, who, n) for s, who, moves, n in groups if not moves])
    return BulkPreview(
        status=status,
        matched=sum(count for *_, count in groups),
        moving=sum(count for *_, moves, count in groups if moves),
        released=released,
        conflicts=conflicts,
        samples=samples,
    )


def bulk_review(
    database: Database,
    actor: Actor,
    wanted: Filter,
    *,
    status: Status,
    note: str | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> BulkResult:
    """Move every conversation of a filter that may move, in one statement and one batch; the rest is reported.

    Parameters
    ----------
    progress
        Called with how many are done, how many will be, and a word; the moves themselves are one step.
    """
    _check(actor, status)
    batch_id = uuid4()
    context = Context.of(actor, batch_id=batch_id, note=note or None)
    with database.transaction(context, timeout_s=_TIMEOUT_S) as connection:
        where = matching(connection, wanted, actor.workspace_id)
        if progress:
            moving = select(func.count()).where(*where, _can_move(actor, status))
            progress(0, connection.execute(moving).scalar_one(), status)
        rows = connection.execute(_statement(actor, status, note, where)).mappings().all()
        groups = [(row["status"], row["reviewed_by"], row["count"]) for row in rows if row["kind"] == "left"]
        conflicts = _conflicts(connection, actor, status, groups)
    moved: int = next(row["count"] for row in rows if row["kind"] == "moved")
    if progress:
        progress(moved, moved, status)
    return BulkResult(
        batch_id=batch_id,
        status=status,
        moved=moved,
        left_alone=conflicts,
        listed=tuple(
            BatchOutcome(
                conversation_id=row["conversation_id"],
                outcome="unchanged" if row["status"] == status else "refused",
                from_status=row["status"],
                to_status=status,
                reason=_why(actor, status, row["status"], row["reviewed_by"], {}),
            )
            for row in rows
            if row["kind"] == "listed"
        ),
    )


def _statement(actor: Actor, status: Status, note: str | None, where: list[ColumnElement[bool]]) -> Any:
    """The moves and the report of the rest, from one snapshot: what somebody else moved meanwhile is in the rest."""
    matched = (
        select(c.id, c.conversation_id, c.status, c.reviewed_by, _can_move(actor, status).label("can_move"))
        .where(*where)
        .cte("matched")
        .prefix_with("MATERIALIZED")
    )
    moved = _moves(actor, status, note, matched)
    left = select(matched).where(~exists().where(moved.c.id == matched.c.id)).cte("left_alone")
    some = select(left.c.status, left.c.reviewed_by, left.c.conversation_id).limit(LISTED).subquery()
    return union_all(
        select(
            literal("moved").label("kind"), null().label("status"), null().label("reviewed_by"),
            null().label("conversation_id"), func.count().label("count"),
        ).select_from(moved),
        select(literal("left"), left.c.status, left.c.reviewed_by, null(), func.count()).group_by(
            left.c.status, left.c.reviewed_by
        ),
        select(literal("listed"), some.c.status, some.c.reviewed_by, some.c.conversation_id, literal(1)),
    )  # fmt: skip


def _moves(actor: Actor, status: Status, note: str | None, matched: CTE) -> CTE:
    values: dict[str, Any] = {"status": status}
    if note:
        values["review_notes"] = note
    return (
        update(conversations)
        .where(
            c.workspace_id == actor.workspace_id,
            c.id == matched.c.id,
            matched.c.can_move,
            # Once more, now of the row that is locked.
            _can_move(actor, status),
            c.is_active,
        )
        .values(values)
        .returning(c.id)
        .cte("moved")
    )


def _can_move(actor: Actor, status: Status) -> ColumnElement[bool]:
    """Whether the lifecycle and the actor's role allow the move; the database checks both again."""
    possible = c.status.in_(sources_of(status))
    if is_at_least(actor, "lead"):
        return possible
    if status == "archived":
        return literal(False)
    own = func.coalesce(c.reviewed_by == actor.user_id, false())
    return possible & (c.status != "archived") & or_(c.status.not_in(("approved", "rejected")), own)


def _conflicts(
    connection: Connection, actor: Actor, status: Status, groups: list[tuple[Status, UUID | None, int]]
) -> tuple[Conflict, ...]:
    names = names_of(connection, {who for _, who, _ in groups if who is not None})
    counts: dict[str, int] = {}
    for before, who, count in groups:
        reason = _why(actor, status, before, who, names)
        counts[reason] = counts.get(reason, 0) + count
    return tuple(Conflict(*pair) for pair in sorted(counts.items(), key=lambda pair: -pair[1]))


def _why(actor: Actor, status: Status, before: Status, who: UUID | None, names: dict[UUID, str]) -> str:
    person = "you" if who == actor.user_id else names.get(who, "somebody else") if who else None
    is_now = before.replace("_", " ") + (f" by {person}" if person else "")
    if before == status:
        return f"already {is_now}"
    if not allowed(before, status):
        return f"{is_now}, which cannot become {status.replace('_', ' ')}"
    if is_at_least(actor, "lead"):
        return "changed in the meantime"
    return f"{is_now}; only a lead changes that"


def _check(actor: Actor, status: Status) -> None:
    if status not in STATUSES:
        raise UsageError(f"there is no status {status!r}", hint=f"Choose one of {', '.join(STATUSES)}.")
    require_role(actor, "reviewer", "deciding")
