"""Handing out work by leases, so that nobody is handed what somebody else reads.

A lease is a row with an expiry. Whoever dies without a word loses it by time, and nothing else has to happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Connection, Uuid, and_, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Context, Database
from convstore.database.tables import conversations, leases, review_drafts
from convstore.model import Actor
from convstore.queries.matching import matching
from convstore.queries.pages import SORT_COLUMNS
from convstore.review.queues import Queue
from convstore.rights import require_role

__all__ = ["LEASE_S", "give_back", "hand_out", "keep_alive", "skip", "take"]

#: How long a lease lasts without a sign of life, in seconds.
LEASE_S = 600
#: Tries to find something free before a reviewer is told that nothing is: each lost one was taken by somebody else.
_TRIES = 20

c = conversations.c
lease = leases.c
draft = review_drafts.c


def hand_out(
    database: Database, actor: Actor, queue: Queue, *, count: int = 4, lease_s: int = LEASE_S
) -> tuple[UUID, ...]:
    """Row ids of up to `count` conversations that are now this reviewer's, in the queue's order.

    Those that the reviewer holds already come first, with their time extended. What the reviewer skipped comes back
    when nothing else is left, the longest skipped first.
    """
    require_role(actor, "reviewer", "reviewing")
    with database.transaction(Context.of(actor)) as connection:
        where = matching(connection, queue.wanted, actor.workspace_id)
        held = _extend(connection, actor, queue, where, count=count, lease_s=lease_s)
        held += _take_free(connection, actor, queue, where, count=count - len(held), lease_s=lease_s, skipped=False)
        if not held:
            held = _take_free(connection, actor, queue, where, count=count, lease_s=lease_s, skipped=True)
    return tuple(held)


def _order(queue: Queue) -> tuple[ColumnElement[Any], ...]:
    key = SORT_COLUMNS[queue.sort]
    return (key.desc(), c.id.desc()) if queue.descending else (key.asc(), c.id.asc())


def _extend(
    connection: Connection,
    actor: Actor,
    queue: Queue,
    where: Sequence[ColumnElement[bool]],
    *,
    count: int,
    lease_s: int,
) -> list[UUID]:
    mine = (
        select(c.id)
        .join(leases, and_(lease.conversation_id == c.id, lease.workspace_id == actor.workspace_id))
        .where(*where, lease.holder_id == actor.user_id, lease.expires_at > func.now())
        .order_by(*_order(queue))
        .limit(count)
        .cte("mine")
    )
    # The answer counts, not the question: between the two a lease may have run out and gone to somebody else.
    extended = (
        update(leases)
        .where(
            lease.workspace_id == actor.workspace_id,
            lease.conversation_id == mine.c.id,
            lease.holder_id == actor.user_id,
        )
        .values(expires_at=_in(lease_s))
        .returning(lease.conversation_id)
        .cte("extended")
    )
    return _in_order(connection, actor, queue, extended.c.conversation_id)


def _in_order(connection: Connection, actor: Actor, queue: Queue, rows: ColumnElement[UUID]) -> list[UUID]:
    """Carry out a change that gives back row ids, and put them in the queue's order."""
    query = select(c.id).where(c.workspace_id == actor.workspace_id, c.id == rows).order_by(*_order(queue))
    return list(connection.execute(query).scalars())


def _take_free(
    connection: Connection,
    actor: Actor,
    queue: Queue,
    where: Sequence[ColumnElement[bool]],
    *,
    count: int,
    lease_s: int,
    skipped: bool,
) -> list[UUID]:
    taken: list[UUID] = []
    for _ in range(_TRIES):
        wanted = count - len(taken)
        free = _find_free(connection, actor, queue, where, count=wanted, skipped=skipped) if wanted > 0 else []
        if not free:
            break
        taken += _take(connection, actor, free, lease_s=lease_s)
    return taken


def _find_free(
    connection: Connection,
    actor: Actor,
    queue: Queue,
    where: Sequence[ColumnElement[bool]],
    *,
    count: int,
    skipped: bool,
) -> list[UUID]:
    held = exists().where(
        lease.workspace_id == actor.workspace_id, lease.conversation_id == c.id, lease.expires_at >= func.now()
    )
    mine = (
        draft.workspace_id == actor.workspace_id,
        draft.conversation_id == c.id,
        draft.reviewer_id == actor.user_id,
        draft.draft.has_key("skipped"),
    )
    query = select(c.id).where(*where, ~held)
    if skipped:
        query = query.join(review_drafts, and_(*mine)).order_by(draft.updated_at, c.id)
    else:
        query = query.where(~exists().where(*mine)).order_by(*_order(queue))
    # Whoever asks at the same moment passes over the rows locked here instead of waiting for them.
    query = query.limit(count).with_for_update(skip_locked=True, key_share=True, of=conversations)
    return list(connection.execute(query).scalars())


def _take(connection: Connection, actor: Actor, rows: Sequence[UUID], *, lease_s: int) -> list[UUID]:
    """Lease the rows; those that somebody leased in between are left out."""
    given = select(
        literal(actor.workspace_id, Uuid),
        func.unnest(literal(list(rows), ARRAY(Uuid))),
        literal(actor.user_id, Uuid),
        _in(lease_s),
    )
    statement = insert(leases).from_select(["workspace_id", "conversation_id", "holder_id", "expires_at"], given)
    taken = set(
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["conversation_id"],
                set_={"holder_id": actor.user_id, "acquired_at": func.now(), "expires_at": _in(lease_s)},
                where=(lease.expires_at < func.now()) | (lease.holder_id == actor.user_id),
            ).returning(lease.conversation_id)
        ).scalars()
    )
    return [row for row in rows if row in taken]


def _in(seconds: int) -> ColumnElement[Any]:
    return func.now() + timedelta(seconds=seconds)


def take(database: Database, actor: Actor, row: UUID, *, lease_s: int = LEASE_S) -> bool:
    """Lease one conversation that is named; False if somebody else reads it."""
    with database.transaction(Context.of(actor)) as connection:
        return bool(_take(connection, actor, [row], lease_s=lease_s))


def keep_alive(database: Database, actor: Actor, *, lease_s: int = LEASE_S) -> int:
    """Extend every lease that the reviewer still holds; how many."""
    with database.transaction(Context.of(actor)) as connection:
        return connection.execute(
            update(leases)
            .where(
                lease.workspace_id == actor.workspace_id,
                lease.holder_id == actor.user_id,
                lease.expires_at > func.now(),
            )
            .values(expires_at=_in(lease_s))
        ).rowcount


def give_back(database: Database, actor: Actor, rows: Sequence[UUID] | None = None) -> int:
    """End the reviewer's leases, all of them or those of some conversations; how many."""
    query = delete(leases).where(lease.workspace_id == actor.workspace_id, lease.holder_id == actor.user_id)
    if rows is not None:
        query = query.where(lease.conversation_id.in_(rows))
    with database.transaction(Context.of(actor)) as connection:
        return connection.execute(query).rowcount


def skip(database: Database, actor: Actor, row: UUID) -> None:
    """Give a conversation back and hand it to this reviewer again only when nothing else is left."""
    statement = insert(review_drafts).values(
        workspace_id=actor.workspace_id,
        conversation_id=row,
        reviewer_id=actor.user_id,
        draft={"skipped": True},
    )
    with database.transaction(Context.of(actor)) as connection:
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["conversation_id", "reviewer_id"],
                set_={"draft": draft.draft.op("||")(statement.excluded.draft), "updated_at": func.now()},
            )
        )
        connection.execute(
            delete(leases).where(
                lease.workspace_id == actor.workspace_id,
                lease.conversation_id == row,
                lease.holder_id == actor.user_id,
            )
        )
