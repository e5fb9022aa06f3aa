"""Named queues: saved filters with an order, from which reviewers are handed work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Context, Database
from convstore.database.tables import events, leases, queues
from convstore.errors import NotFoundError, UsageError
from convstore.filtering import filter_as_json, filter_from_json
from convstore.model import Actor, Filter, Sort
from convstore.queries.totals import count
from convstore.review.deciding import DECISIONS
from convstore.rights import require_role

__all__ = ["DEFAULT_QUEUE", "Progress", "Queue", "delete_queue", "get_queue", "list_queues", "progress", "save_queue"]

_LONGEST_NAME = 80


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
    if not name or len(name) > _LONGEST_NAME or name == DEFAULT_QUEUE.name:
        raise UsageError(
            f"a queue cannot be called {queue.name!r}",
            hint=f"Give 1 to {_LONGEST_NAME} characters other than the default queue's.",
        )
    if queue.sort not in get_args(Sort):
        raise UsageError(f"cannot sort by {queue.sort}", hint=f"Sort by {', '.join(get_args(Sort))}.")
    require_role(actor, "lead", "keeping queues")
    values = {"filter": filter_as_json(queue.wanted), "sort": queue.sort, "descending": queue.descending}
    statement = insert(queues).values(workspace_id=actor.workspace_id, name=name, created_by=actor.user_id, **values)
    with database.transaction(Context.of(actor)) as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "name"], set_=values))


def delete_queue(database: Database, actor: Actor, name: str) -> None:
    """Remove a saved queue; its conversations stay. Leads only."""
    require_role(actor, "lead", "keeping queues")
    if get_queue(database, actor, name) is DEFAULT_QUEUE:
        raise UsageError(f"the queue {name!r} is always there", hint="Name one that somebody saved.")
    with database.transaction(Context.of(actor)) as connection:
        connection.execute(delete(queues).where(queues.c.workspace_id == actor.workspace_id, queues.c.name == name))


def progress(database: Database, actor: Actor, queue: Queue) -> Progress:
    """How far the queue is, and who did what today. What was undone again does not count."""
    e, lease = events.c, leases.c
    is_decision = (e.action == "status") & e.after["status"].astext.in_(DECISIONS)
    taken_back = (e.action == "undone") & e.before["status"].astext.in_(DECISIONS)
    mine = e.actor_id == actor.user_id
    today = select(
        func.count().filter(is_decision) - func.count().filter(taken_back),
        func.count().filter(is_decision & mine) - func.count().filter(taken_back & mine),
    ).where(
        e.workspace_id == actor.workspace_id,
        e.action.in_(("status", "undone")),
        e.at >= func.date_trunc("day", func.now()),
    )
    held = select(func.count()).where(
        lease.workspace_id == actor.workspace_id, lease.holder_id != actor.user_id, lease.expires_at > func.now()
    )
    with database.transaction(Context.of(actor), read_only=True) as connection:
        left, exact = count(connection, queue.wanted, actor.workspace_id)
        done, done_by_me = connection.execute(today).one()
        held_by_others = connection.execute(held).scalar_one()
    return Progress(
        left=left,
        left_is_exact=exact,
        # An undo of yesterday's work must not make today's negative.
        done_today=max(0, done),
        done_today_by_me=max(0, done_by_me),
        held_by_others=held_by_others,
    )
