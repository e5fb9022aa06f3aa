"""Handing out work: named queues, and leases so that nobody is handed what somebody else reads.

A lease is a row with an expiry. Whoever dies without a word loses it by time, and nothing else has to happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Context, Database
from convstore.database.tables import conversations, events, leases, queues, review_drafts
from convstore.errors import NotFoundError, UsageError
from convstore.filtering import filter_as_json, filter_from_json
from convstore.model import Actor, Filter, Sort
from convstore.queries.conversations import SORT_COLUMNS, matching

__all__ = [
    "DEFAULT_QUEUE",
    "LEASE_S",
    "Progress",
    "Queue",
    "delete_queue",
    "get_queue",
    "give_back",
    "hand_out",
    "keep_alive",
    "list_queues",
    "progress",
    "save_queue",
    "skip",
]

#: How long a lease lasts without a sign of life, in seconds.
LEASE_S = 600
#: Tries to find something free before a reviewer is told that nothing is: each lost one was taken by somebody else.
_TRIES = 20

c = conversations.c
lease = leases.c
draft = review_drafts.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A saved filter with an order."""

    name: str
    wanted: Filter
    sort: Sort = "created"
    descending: bool = False


#: What there is without anybody having saved a queue: everything to review, oldest first.
DEFAULT_QUEUE = Queue(name="To review", wanted=Filter(statuses=("pending_review",)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a queue is. `left` is exact up to 10,000; the others count decisions since midnight UTC."""

    left: int
    left_is_exact: bool
    done_today: int
    done_today_by_me: int
    held_by_others: int


def list_queues(database: Database, actor: Actor) -> tuple[Queue, ...]:
    """The queues of the workspace by name, the default one first."""
    query = select(queues).where(queues.c.workspace_id == actor.workspace_id).order_by(queues.c.name)
    with database.transaction(Context.of(actor), read_only=True) as connection:
        saved = [
            Queue(
                name=row["name"],
                wanted=filter_from_json(row["filter"]),
                sort=row["sort"],
                descending=row["descending"],
            )
            for row in connection.execute(query).mappings()
        ]
    return (DEFAULT_QUEUE, *(queue for queue in saved if queue.name != DEFAULT_QUEUE.name))


def get_queue(database: Database, actor: Actor, name: str) -> Queue:
    """A queue by name.

    Raises
    ------
    NotFoundError
        There is none; the message names those there are.
    """
    found = {queue.name: queue for queue in list_queues(database, actor)}
    if name not in found:
        raise NotFoundError(f"there is no queue {name!r}", hint=f"There are: {', '.join(found)}.")
    return found[name]


def save_queue(database: Database, actor: Actor, queue: Queue) -> None:
    """Add a queue, or change the one of this name. Leads only."""
    name = queue.name.strip()
    if not name or len(name) > 80 or name == DEFAULT_QUEUE.name:
        raise UsageError(
            f"a queue cannot be called {queue.name!r}", hint="Give 1 to 80 characters other than the default queue's."
        )
    if queue.sort not in get_args(Sort):
        raise UsageError(f"cannot sort by {queue.sort}", hint=f"Sort by {', '.join(get_args(Sort))}.")
    values = {"filter": filter_as_json(queue.wanted), "sort": queue.sort, "descending": queue.descending}
    statement = insert(queues).values(workspace_id=actor.workspace_id, name=name, created_by=actor.user_id, **values)
    with database.transaction(Context.of(actor)) as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "name"], set_=values))


def delete_queue(database: Database, actor: Actor, name: str) -> None:
    """Remove a saved queue; its conversations stay."""
    get_queue(database, actor, name)
    with database.transaction(Context.of(actor)) as connection:
        gone = connection.execute(
            delete(queues).where(queues.c.workspace_id == actor.workspace_id, queues.c.name == name)
        ).rowcount
    if not gone:
        raise UsageError(f"the queue {name!r} stays", hint="It is the default one, or only a lead removes it.")


def hand_out(
    database: Database, actor: Actor, queue: Queue, *, count: int = 4, lease_s: int = LEASE_S
) -> tuple[UUID, ...]:
    """Row ids of up to `count` conversations that are now this reviewer's, in the queue's order.

    Those that the reviewer holds already come first, with their time extended. What the reviewer skipped comes back
    when nothing else is left.
    """
    with database.transaction(Context.of(actor)) as connection:
        where = matching(connection, queue.wanted, actor.workspace_id)
        held = _extend(connection, actor, queue, where, count=count, lease_s=lease_s)
        for with_skipped in (False, True):
            for _ in range(_TRIES):
                if len(held) >= count:
                    break
                wanted = count - len(held)
                free = _find_free(connection, actor, queue, where, count=wanted, with_skipped=with_skipped)
                if not free:
                    break
                held += _take(connection, actor, free, lease_s=lease_s)
            if held:
                break
    return tuple(held[:count])


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
    mine = list(
        connection.execute(
            select(c.id)
            .join(leases, and_(lease.conversation_id == c.id, lease.workspace_id == actor.workspace_id))
            .where(*where, lease.holder_id == actor.user_id, lease.expires_at > func.now())
            .order_by(*_order(queue))
            .limit(count)
        ).scalars()
    )
    if mine:
        connection.execute(
            update(leases)
            .where(
                lease.workspace_id == actor.workspace_id,
                lease.conversation_id.in_(mine),
                lease.holder_id == actor.user_id,
            )
            .values(expires_at=func.now() + timedelta(seconds=lease_s))
        )
    return mine


def _find_free(
    connection: Connection,
    actor: Actor,
    queue: Queue,
    where: Sequence[ColumnElement[bool]],
    *,
    count: int,
    with_skipped: bool,
) -> list[UUID]:
    held = exists().where(
        lease.workspace_id == actor.workspace_id, lease.conversation_id == c.id, lease.expires_at > func.now()
    )
    query = select(c.id).where(*where, ~held)
    if not with_skipped:
        query = query.where(
            ~exists().where(
                draft.workspace_id == actor.workspace_id,
                draft.conversation_id == c.id,
                draft.reviewer_id == actor.user_id,
                draft.draft.has_key("skipped"),
            )
        )
    # Whoever asks at the same moment passes over the rows locked here instead of waiting for them.
    query = (
        query.order_by(*_order(queue)).limit(count).with_for_update(skip_locked=True, key_share=True, of=conversations)
    )
    return list(connection.execute(query).scalars())


def _take(connection: Connection, actor: Actor, rows: Sequence[UUID], *, lease_s: int) -> list[UUID]:
    """Lease the rows; those that somebody leased in between are left out."""
    expires_at = func.now() + timedelta(seconds=lease_s)
    statement = insert(leases).values(
        [
            {
                "workspace_id": actor.workspace_id,
                "conversation_id": row,
                "holder_id": actor.user_id,
                "expires_at": expires_at,
            }
            for row in rows
        ]
    )
    taken = set(
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["conversation_id"],
                set_={"holder_id": actor.user_id, "acquired_at": func.now(), "expires_at": expires_at},
                where=lease.expires_at <= func.now(),
            ).returning(lease.conversation_id)
        ).scalars()
    )
    return [row for row in rows if row in taken]


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
            .values(expires_at=func.now() + timedelta(seconds=lease_s))
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


def progress(database: Database, actor: Actor, queue: Queue) -> Progress:
    """How far the queue is, and who did what today."""
    from convstore.queries.conversations import count

    e = events.c
    midnight = func.date_trunc("day", func.now())
    decided = (e.workspace_id == actor.workspace_id, e.action == "status", e.at >= midnight)
    with database.transaction(Context.of(actor), read_only=True) as connection:
        left, exact = count(connection, queue.wanted, actor.workspace_id)
        done, mine = connection.execute(
            select(func.count(), func.count().filter(e.actor_id == actor.user_id)).where(*decided)
        ).one()
        held = connection.execute(
            select(func.count()).where(
                lease.workspace_id == actor.workspace_id,
                lease.holder_id != actor.user_id,
                lease.expires_at > func.now(),
            )
        ).scalar_one()
    return Progress(left=left, left_is_exact=exact, done_today=done, done_today_by_me=mine, held_by_others=held)
