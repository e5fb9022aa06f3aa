"""Deciding about a whole filter: what it would do first, then the allowed moves as one batch in one transaction.

Nothing here reads content or keeps a review: a bulk decision is about a status, and says so in the history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    CTE,
    ColumnElement,
    Uuid,
    cast,
    exists,
    func,
    literal,
    null,
    select,
    text,
    union_all,
    update,
)

from convstore.database import Context, Database
from convstore.database.tables import conversations, release_items, releases
from convstore.model import Actor, BatchOutcome, Conversation, Filter, Status
from convstore.queries.matching import matching
from convstore.queries.pages import list_conversations
from convstore.review.bulk_rules import Conflict, can_move, check_move, conflicts_of, why_not

__all__ = ["LISTED", "BulkPreview", "BulkResult", "bulk_preview", "bulk_review"]

c = conversations.c

#: How many of the rows that stay as they are a result names; the others are counted.
LISTED = 100
_SAMPLES = 5
#: Rows that one statement moves. A million take some of them in one transaction, and between them there is a number to
#: tell, and memory to give back.
STEP_ROWS = 50_000
#: A million rows take minutes, not the minute that a page may take.
_TIMEOUT_S = 3600.0
_ROOM = text("SET LOCAL work_mem = '64MB'")


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
    check_move(actor, status)
    moves = can_move(actor, status)
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
            select(c.status, c.reviewed_by, moves, func.count()).where(*where).group_by(c.status, c.reviewed_by)
        ).all()
        released = connection.execute(select(func.count()).where(*where, moves, in_release)).scalar_one()
        picked = connection.execute(select(c.id).where(*where, moves).order_by(func.random()).limit(_SAMPLES)).scalars()
        ids = tuple(str(row) for row in picked)
        samples = list_conversations(connection, Filter(ids=ids), actor.workspace_id).items if ids else ()
        conflicts = conflicts_of(connection, actor, status, [(s, who, n) for s, who, moves, n in groups if not moves])
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
    reasons: Sequence[str] = (),
    progress: Callable[[int, int, str], None] | None = None,
) -> BulkResult:
    """Move every conversation of a filter that may move, as one batch; the rest is reported.

    Parameters
    ----------
    reasons
        Why, in the workspace's words; they stand before the note, because nobody read each conversation.
    progress
        Called with how many are done, how many will be, and a word; what it raises takes everything back.
    """
    check_move(actor, status)
    batch_id = uuid4()
    note = ": ".join(part for part in (", ".join(reasons), note) if part) or None
    context = Context.of(actor, batch_id=batch_id, note=note)
    moved, total = 0, 0
    left: Counter[tuple[Status, UUID | None]] = Counter()
    listed: list[BatchOutcome] = []
    with database.transaction(context, timeout_s=_TIMEOUT_S) as connection:
        connection.execute(_ROOM)
        where = matching(connection, wanted, actor.workspace_id)
        if progress:
            total = connection.execute(select(func.count()).where(*where, can_move(actor, status))).scalar_one()
            progress(0, total, status)
        after: UUID | None = None
        while True:
            step = connection.execute(_statement(actor, status, note, where, after)).mappings().all()
            found = {row["kind"]: row for row in step if row["kind"] in ("matched", "moved")}
            moved += found["moved"]["count"]
            for row in step:
                if row["kind"] == "left":
                    left[row["status"], row["reviewed_by"]] += row["count"]
                elif row["kind"] == "listed" and len(listed) < LISTED:
                    listed.append(_stays(actor, status, row))
            if progress:
                progress(moved, max(total, moved), status)
            if found["matched"]["count"] < STEP_ROWS:
                break
            after = found["matched"]["id"]
        conflicts = conflicts_of(connection, actor, status, [(*group, count) for group, count in left.items()])
    return BulkResult(batch_id=batch_id, status=status, moved=moved, left_alone=conflicts, listed=tuple(listed))


def _stays(actor: Actor, status: Status, row: Any) -> BatchOutcome:
    return BatchOutcome(
        conversation_id=row["conversation_id"],
        outcome="unchanged" if row["status"] == status else "refused",
        from_status=row["status"],
        to_status=status,
        reason=why_not(actor, status, row["status"], row["reviewed_by"], {}),
    )


def _statement(
    actor: Actor, status: Status, note: str | None, where: list[ColumnElement[bool]], after: UUID | None
) -> Any:
    """The moves of the next rows and a report of the rest, from one snapshot: what moved meanwhile is in the rest."""
    query = select(c.id, c.conversation_id, c.status, c.reviewed_by, can_move(actor, status).label("can_move"))
    query = query.where(*where) if after is None else query.where(*where, c.id > after)
    matched = query.order_by(c.id).limit(STEP_ROWS).cte("matched").prefix_with("MATERIALIZED")
    moved = _moves(actor, status, note, matched)
    # NOT IN, which looks every row up in a table: as a join, a wrong guess compares each with each.
    left = select(matched).where(matched.c.id.not_in(select(moved.c.id))).cte("left_alone")
    some = select(left.c.status, left.c.reviewed_by, left.c.conversation_id).limit(LISTED).subquery()
    last = select(matched.c.id).order_by(matched.c.id.desc()).limit(1).scalar_subquery()
    return union_all(
        select(
            literal("matched").label("kind"), last.label("id"), null().label("status"),
            cast(null(), Uuid).label("reviewed_by"), null().label("conversation_id"), func.count().label("count"),
        ).select_from(matched),
        select(literal("moved"), null(), null(), null(), null(), func.count()).select_from(moved),
        select(literal("left"), null(), left.c.status, left.c.reviewed_by, null(), func.count()).group_by(
            left.c.status, left.c.reviewed_by
        ),
        select(literal("listed"), null(), some.c.status, some.c.reviewed_by, some.c.conversation_id, literal(1)),
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
            can_move(actor, status),
            c.is_active,
        )
        .values(values)
        .returning(c.id)
        .cte("moved")
    )
