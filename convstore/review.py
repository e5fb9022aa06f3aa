"""Deciding about conversations: one or many at once, with scores or without, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Connection, RowMapping, Text, delete, func, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Context, Database
from convstore.database.tables import conversations, events, reviews
from convstore.errors import ForbiddenError, NotFoundError, UsageError
from convstore.lifecycle import STATUSES, allowed, sources_of
from convstore.model import DIMENSIONS, Actor, BatchOutcome, BatchResult, Status, UndoResult
from convstore.queries.conversations import resolve_ids
from convstore.scores import in_range

__all__ = ["check_scores", "review", "undo"]

c = conversations.c
e = events.c

_LEADS = ("lead", "admin")


@dataclass(frozen=True, slots=True)
class _Said:
    """What the reviewer said beside the status."""

    note: str | None
    reasons: tuple[str, ...]
    scores: Mapping[str, Decimal]
    turn_notes: Mapping[int, str]
    seconds: int | None
    is_review: bool


def check_scores(scores: Mapping[str, Decimal | float | int | str]) -> dict[str, Decimal]:
    """Scores by dimension as the database keeps them: 1 to 5 in halves or tenths.

    Raises
    ------
    UsageError
        An unknown dimension, or a value that is no score.
    """
    checked = {}
    for name, value in scores.items():
        if name not in DIMENSIONS:
            raise UsageError(f"there is no score {name!r}", hint=f"Give some of {', '.join(DIMENSIONS)}.")
        score = Decimal(str(value))
        if not in_range(score) or score != round(score, 1):
            raise UsageError(f"{name}={value} is no score", hint="Scores run from 1 to 5, with at most one decimal.")
        checked[name] = score
    return checked


def review(
    database: Database,
    actor: Actor,
    identifiers: Sequence[str],
    *,
    status: Status,
    note: str | None = None,
    reasons: Sequence[str] = (),
    scores: Mapping[str, Decimal] | None = None,
    turn_notes: Mapping[int, str] | None = None,
    seconds: int | None = None,
    read: Mapping[str, str] | None = None,
    as_review: bool = False,
) -> BatchResult:
    """Move conversations to a status, as one batch that can be undone.

    Parameters
    ----------
    reasons, scores, turn_notes, seconds
        Kept as the actor's review of each conversation; a batch without any of them changes the status alone.
    read
        The `turns_sha256` that was read, by identifier: where the turns changed since, the decision is refused.
    as_review
        Keep a review even if it has no scores.
    """
    if status not in STATUSES:
        raise UsageError(f"there is no status {status!r}", hint=f"Choose one of {', '.join(STATUSES)}.")
    said = _Said(
        note=note or None,
        reasons=tuple(reasons),
        scores=check_scores(scores or {}),
        turn_notes=dict(turn_notes or {}),
        seconds=seconds,
        is_review=as_review or bool(reasons or scores or turn_notes),
    )
    batch_id = uuid4()
    wanted = list(dict.fromkeys(identifiers))
    with database.transaction(Context.of(actor, batch_id=batch_id, note=said.note)) as connection:
        found = resolve_ids(connection, wanted, actor.workspace_id)
        outcomes = {value: _judge(found.get(value), actor, status, (read or {}).get(value), value) for value in wanted}
        movable = [found[value] for value in wanted if outcomes[value].outcome == "done"]
        if said.is_review and status not in ("pending_review", "archived"):
            _keep_reviews(connection, actor, _reviewed(found, outcomes), status, said)
        moved = _move(connection, actor, movable, status, said)
    for value, outcome in outcomes.items():
        if outcome.outcome == "done" and found[value]["id"] not in moved:
            outcomes[value] = BatchOutcome(
                conversation_id=outcome.conversation_id,
                outcome="refused",
                from_status=outcome.from_status,
                to_status=status,
                reason="somebody decided it in the meantime",
            )
    return BatchResult(batch_id=batch_id, items=tuple(outcomes.values()))


def _judge(row: RowMapping | None, actor: Actor, status: Status, read: str | None, given: str) -> BatchOutcome:
    def outcome(what: str, reason: str | None = None) -> BatchOutcome:
        return BatchOutcome(
            conversation_id=given if row is None else row["conversation_id"],
            outcome=cast(Any, what),
            from_status=None if row is None else row["status"],
            to_status=status,
            reason=reason,
        )

    if row is None:
        return outcome("refused", "there is no such conversation in this workspace")
    if not row["is_active"]:
        return outcome("refused", "it is in the trash")
    if read is not None and read != row["turns_sha256"]:
        return outcome("refused", "its turns changed after they were read")
    if row["status"] == status:
        return outcome("unchanged")
    if not allowed(row["status"], status):
        return outcome("refused", f"{row['status']} cannot become {status}")
    if actor.role not in _LEADS:
        if "archived" in (row["status"], status):
            return outcome("refused", "only a lead archives and restores")
        if row["status"] in ("approved", "rejected") and row["reviewed_by"] != actor.user_id:
            return outcome("refused", "somebody else decided it; only a lead reopens it")
    return outcome("done")


def _reviewed(found: Mapping[str, RowMapping], outcomes: Mapping[str, BatchOutcome]) -> list[RowMapping]:
    """Conversations that get the review: those that move, and those where another was first with the same decision."""
    return [found[value] for value, outcome in outcomes.items() if outcome.outcome in ("done", "unchanged")]


def _keep_reviews(
    connection: Connection, actor: Actor, rows: Sequence[RowMapping], status: Status, said: _Said
) -> None:
    if not rows:
        return
    values = {
        "workspace_id": actor.workspace_id,
        "reviewer_id": actor.user_id,
        "decision": status,
        "reasons": list(said.reasons),
        "note": said.note,
        "turn_notes": {str(number): text for number, text in said.turn_notes.items()},
        "seconds": said.seconds,
        **{column: said.scores.get(name) for name, column in DIMENSIONS.items()},
    }
    statement = insert(reviews).values(
        [{**values, "conversation_id": row["id"], "turns_sha256": row["turns_sha256"]} for row in rows]
    )
    changes = {name: statement.excluded[name] for name in values if name not in ("workspace_id", "reviewer_id")}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["conversation_id", "reviewer_id"],
            set_={**changes, "turns_sha256": statement.excluded.turns_sha256},
        )
    )


def _move(connection: Connection, actor: Actor, rows: Sequence[RowMapping], status: Status, said: _Said) -> set[UUID]:
    if not rows:
        return set()
    values: dict[str, Any] = {"status": status}
    if said.note is not None:
        values["review_notes"] = said.note
    query = (
        update(conversations)
        .where(
            c.workspace_id == actor.workspace_id,
            c.id.in_([row["id"] for row in rows]),
            # Once more, now under the row's lock: whoever came first stands.
            c.status.in_(sources_of(status)),
            c.is_active,
            c.turns_sha256.in_({row["turns_sha256"] for row in rows}),
        )
        .values(values)
        .returning(c.id)
    )
    return set(connection.execute(query).scalars())


def undo(database: Database, actor: Actor, batch_id: UUID) -> UndoResult:
    """Give every conversation of a batch the status back that it had, unless it changed since.

    Raises
    ------
    NotFoundError
        There is no such batch in this workspace.
    ForbiddenError
        Somebody else's batch, and the actor is no lead.
    """
    context = Context.of(actor, batch_id=uuid4(), undo_batch=batch_id, note=f"undo of {batch_id}")
    with database.transaction(context) as connection:
        done = (
            select(
                e.conversation_id,
                func.max(e.id).label("event_id"),
                func.min(sql_cast(e.actor_id, Text)).label("actor"),
            )
            .where(e.workspace_id == actor.workspace_id, e.batch_id == batch_id, e.after.has_key("status"))
            .group_by(e.conversation_id)
            .subquery()
        )
        rows = list(
            connection.execute(
                select(
                    done.c.conversation_id.label("id"),
                    done.c.actor,
                    c.conversation_id,
                    e.before["status"].astext.label("before"),
                    (c.status == e.after["status"].astext).label("is_same"),
                )
                .select_from(
                    done.join(events, e.id == done.c.event_id).outerjoin(
                        conversations, (c.id == done.c.conversation_id) & (c.workspace_id == actor.workspace_id)
                    )
                )
                .order_by(done.c.event_id)
            ).mappings()
        )
        if not rows:
            raise NotFoundError(
                f"there is no batch {batch_id} here", hint="`convstore show ID` lists the batches of a conversation."
            )
        if actor.role not in _LEADS and any(row["actor"] != str(actor.user_id) for row in rows):
            raise ForbiddenError("only a lead undoes what somebody else decided", hint="Ask a lead of the workspace.")
        later = events.alias("later")
        latest = (
            select(func.max(later.c.id))
            .where(
                later.c.workspace_id == actor.workspace_id,
                later.c.conversation_id == c.id,
                later.c.after.has_key("status"),
            )
            .scalar_subquery()
        )
        undone = set(
            connection.execute(
                update(conversations)
                .where(
                    c.workspace_id == actor.workspace_id,
                    c.id == done.c.conversation_id,
                    e.id == done.c.event_id,
                    c.status == e.after["status"].astext,
                    c.is_active,
                    latest == done.c.event_id,
                )
                .values(status=e.before["status"].astext)
                .returning(c.id)
            ).scalars()
        )
        _withdraw_reviews(connection, actor, batch_id, undone)
    return UndoResult(
        batch_id=batch_id,
        undone=len(undone),
        left_alone=tuple(
            (
                row["conversation_id"] or str(row["id"]),
                "it is gone" if row["conversation_id"] is None else "it changed since",
            )
            for row in rows
            if row["id"] not in undone
        ),
    )


def _withdraw_reviews(connection: Connection, actor: Actor, batch_id: UUID, undone: set[UUID]) -> None:
    """Take the actor's own reviews back that this batch wrote."""
    written = select(e.conversation_id).where(
        e.workspace_id == actor.workspace_id,
        e.batch_id == batch_id,
        e.action == "reviewed",
        e.actor_id == actor.user_id,
    )
    connection.execute(
        delete(reviews).where(
            reviews.c.workspace_id == actor.workspace_id,
            reviews.c.reviewer_id == actor.user_id,
            reviews.c.conversation_id.in_(undone),
            reviews.c.conversation_id.in_(written),
        )
    )
