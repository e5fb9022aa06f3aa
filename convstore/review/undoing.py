"""Taking a batch of decisions back in one transaction, and only where nothing came after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from convstore.database import Context, Database
from convstore.errors import ForbiddenError, NotFoundError
from convstore.model import Actor, Event, UndoResult
from convstore.rights import is_at_least, require_role

__all__ = ["count_batch", "undo", "undoable"]

#: Undoing a million decisions takes minutes, not the minute that a page may take.
_TIMEOUT_S = 3600.0

#: Decisions that one statement takes back; between two of them there is a number to tell.
STEP_ROWS = 50_000
_ROOM = text("SET LOCAL work_mem = '64MB'")

_WHOSE = text("""
    SELECT count(*) AS events, count(*) FILTER (WHERE e.actor_id IS DISTINCT FROM :me) AS of_others,
           count(*) FILTER (WHERE e.action <> 'reviewed') AS decisions
    FROM events AS e
    WHERE e.workspace_id = :workspace AND e.batch_id = :batch AND e.action IN ('status', 'undone', 'reviewed')
""")

_SIZE = text("""
    SELECT count(DISTINCT e.conversation_id) FROM events AS e
    WHERE e.workspace_id = :workspace AND e.batch_id = :batch AND e.action IN ('status', 'undone', 'reviewed')
""")

#: NOT IN, which looks every row up in a table: as a join, a wrong guess compares each with each.
_PUT_BACK = text("""
    WITH batch AS MATERIALIZED (
        SELECT e.conversation_id AS id, e.id AS event_id, e.before ->> 'status' AS was, e.after ->> 'status' AS became
        FROM events AS e
        WHERE e.workspace_id = :workspace AND e.batch_id = :batch AND e.id > :after AND e.action IN ('status', 'undone')
        ORDER BY e.id LIMIT :step
    ), undone AS (
        UPDATE conversations AS c
        SET status = b.was
        FROM batch AS b
        WHERE c.workspace_id = :workspace AND c.id = b.id AND c.status = b.became AND c.is_active
          AND NOT EXISTS (
              SELECT FROM events AS later
              WHERE later.workspace_id = :workspace AND later.conversation_id = b.id AND later.id > b.event_id
                AND (later.action = 'replaced' OR later.after ? 'status')
          )
        RETURNING c.id
    ), left_alone AS (
        SELECT b.event_id, b.id, c.conversation_id, c.is_active
        FROM batch AS b
        LEFT JOIN conversations AS c ON c.workspace_id = :workspace AND c.id = b.id
        WHERE b.id NOT IN (SELECT u.id FROM undone AS u)
    )
    SELECT (SELECT count(*) FROM undone) AS undone, (SELECT count(*) FROM batch) AS looked_at,
           (SELECT max(event_id) FROM batch) AS last, l.event_id, l.id, l.conversation_id, l.is_active
    FROM (SELECT 1) AS always
    LEFT JOIN left_alone AS l ON true
    ORDER BY l.event_id
""")

#: The actor's own reviews that the batch wrote last, where the decision went back or there was none to go with it.
_WRITTEN = """
    SELECT e.conversation_id, e.before
    FROM events AS e
    WHERE e.workspace_id = :workspace AND e.batch_id = :batch AND e.action = 'reviewed' AND e.actor_id = :me
      AND NOT EXISTS (
          SELECT FROM events AS later
          WHERE later.workspace_id = :workspace AND later.conversation_id = e.conversation_id AND later.id > e.id
            AND later.actor_id = :me AND later.action IN ('reviewed', 'review withdrawn')
      )
      AND NOT EXISTS (
          SELECT FROM events AS moved
          WHERE moved.workspace_id = :workspace AND moved.conversation_id = e.conversation_id
            AND moved.batch_id = :batch AND moved.action = 'status'
            AND NOT EXISTS (
                SELECT FROM events AS back
                WHERE back.workspace_id = :workspace AND back.conversation_id = e.conversation_id
                  AND back.batch_id = :undo AND back.action = 'undone'
            )
      )
"""

_FORGET_REVIEWS = text(f"""
    DELETE FROM reviews AS r
    USING ({_WRITTEN}) AS w
    WHERE r.workspace_id = :workspace AND r.reviewer_id = :me AND r.conversation_id = w.conversation_id
      AND w.before = '{{}}'
    RETURNING r.conversation_id
""")

_EARLIER_REVIEWS = text(f"""
    UPDATE reviews AS r
    SET quality_score = (w.before ->> 'quality_score')::numeric,
        empathy_score = (w.before ->> 'empathy_score')::numeric,
        clarity_score = (w.before ->> 'clarity_score')::numeric,
        appropriateness_score = (w.before ->> 'appropriateness_score')::numeric,
        brand_voice_alignment = (w.before ->> 'brand_voice_alignment')::numeric,
        decision = w.before ->> 'decision',
        reasons = ARRAY(SELECT jsonb_array_elements_text(w.before -> 'reasons')),
        note = w.before ->> 'note',
        turn_notes = w.before -> 'turn_notes',
        seconds = (w.before ->> 'seconds')::integer,
        turns_sha256 = w.before ->> 'turns_sha256'
    FROM ({_WRITTEN}) AS w
    WHERE r.workspace_id = :workspace AND r.reviewer_id = :me AND r.conversation_id = w.conversation_id
      AND w.before <> '{{}}'
    RETURNING r.conversation_id
""")

_PUT_BACK_AMONG = text("""
    SELECT e.conversation_id
    FROM events AS e
    WHERE e.workspace_id = :workspace AND e.batch_id = :undo AND e.action = 'undone' AND e.conversation_id = ANY (:ids)
""")


def undo(
    database: Database, actor: Actor, batch_id: UUID, *, progress: Callable[[int, int, str], None] | None = None
) -> UndoResult:
    """Give every conversation of a batch the status back that it had, unless it changed since.

    The actor's own reviews of the batch go with it; an earlier review that one of them replaced comes back.

    Parameters
    ----------
    progress
        Called with how many were looked at, how many there are, and a word; what it raises takes everything back.

    Raises
    ------
    NotFoundError
        There is no such batch in this workspace.
    ForbiddenError
        Somebody else's batch, and the actor is no lead.
    """
    require_role(actor, "reviewer", "undoing")
    undo_id = uuid4()
    context = Context.of(actor, batch_id=undo_id, undo_batch=batch_id, note=f"undo of {batch_id}")
    values = {"workspace": actor.workspace_id, "batch": batch_id, "me": actor.user_id, "undo": undo_id}
    with database.transaction(context, timeout_s=_TIMEOUT_S) as connection:
        connection.execute(_ROOM)
        found, of_others, decisions = connection.execute(_WHOSE, values).one()
        if not found:
            raise NotFoundError(
                f"there is no batch {batch_id} here", hint="`convstore show ID` lists the batches of a conversation."
            )
        if of_others and not is_at_least(actor, "lead"):
            raise ForbiddenError("only a lead undoes what somebody else decided", hint="Ask a lead of the workspace.")
        undone, left_alone = _put_back(connection, values, decisions, progress)
        undone += _withdraw_reviews(connection, values)
    return UndoResult(batch_id=batch_id, undone=undone, left_alone=tuple(left_alone))


def undoable(events: Sequence[Event], actor: Actor) -> dict[int, UUID]:
    """Which batches the actor may take back, by the event that shows them, among the newest of one conversation.

    Only what came last: the last move of its status, and the actor's own last review where that moved nothing.
    """
    found: dict[int, UUID] = {}
    replacing = {event.batch_id for event in events if event.action == "replaced"}
    move = next((event for event in events if event.action == "replaced" or "status" in event.after), None)
    if (
        move is not None
        and move.action in ("status", "undone")
        and move.batch_id is not None
        and move.batch_id not in replacing
        and (move.actor_id == actor.user_id or is_at_least(actor, "lead"))
    ):
        found[move.id] = move.batch_id
    said = next(
        (e for e in events if e.actor_id == actor.user_id and e.action in ("reviewed", "review withdrawn")), None
    )
    if said is not None and said.action == "reviewed" and said.batch_id is not None:
        moved = {event.batch_id for event in events if event.action in ("status", "undone")}
        if said.batch_id not in moved:
            found[said.id] = said.batch_id
    return found


def count_batch(database: Database, actor: Actor, batch_id: UUID) -> int:
    """How many conversations a batch of decisions is about."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        values = {"workspace": actor.workspace_id, "batch": batch_id}
        return int(connection.execute(_SIZE, values).scalar_one())


def _put_back(
    connection: Connection,
    values: dict[str, Any],
    decisions: int,
    progress: Callable[[int, int, str], None] | None,
) -> tuple[int, list[tuple[str, str]]]:
    """Give the statuses back, step by step; how many, and what was left alone and why."""
    undone, looked_at, after = 0, 0, 0
    left_alone: list[tuple[str, str]] = []
    while True:
        rows = connection.execute(_PUT_BACK, {**values, "after": after, "step": STEP_ROWS}).mappings().all()
        undone += rows[0]["undone"]
        looked_at += rows[0]["looked_at"]
        left_alone += [
            (row["conversation_id"] or str(row["id"]), _why(row["conversation_id"], row["is_active"]))
            for row in rows
            if row["id"] is not None
        ]
        if progress:
            progress(looked_at, max(decisions, looked_at), "undone")
        if rows[0]["looked_at"] < STEP_ROWS:
            return undone, left_alone
        after = rows[0]["last"]


def _withdraw_reviews(connection: Connection, values: dict[str, Any]) -> int:
    """Take the reviews back; how many of them came second and had moved no status."""
    withdrawn = [
        *connection.execute(_FORGET_REVIEWS, values).scalars(),
        *connection.execute(_EARLIER_REVIEWS, values).scalars(),
    ]
    if not withdrawn:
        return 0
    moved = set(connection.execute(_PUT_BACK_AMONG, {**values, "ids": withdrawn}).scalars())
    return len(set(withdrawn) - moved)


def _why(conversation_id: str | None, is_active: bool | None) -> str:
    if conversation_id is None:
        return "it is gone"
    return "it changed since" if is_active else "it is in the trash"
