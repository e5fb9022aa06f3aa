"""Deciding about conversations that are named: one or many at once, with scores or without.

Rows are locked before they are judged, so that of two people who decide at the same moment the second sees the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Connection, RowMapping, delete, update
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Context, Database
from convstore.database.tables import conversations, leases, review_drafts, reviews
from convstore.errors import UsageError
from convstore.lifecycle import STATUSES, allowed
from convstore.model import DIMENSIONS, Actor, BatchOutcome, BatchResult, Status
from convstore.queries.conversations import lock_conversations
from convstore.queries.filters import any_of
from convstore.queries.people import names_of
from convstore.rights import is_at_least, require_role
from convstore.scores import parse_score

__all__ = ["DECISIONS", "check_scores", "review"]

c = conversations.c

#: What a review may decide; reopening and archiving are no judgement of what was read.
DECISIONS = ("approved", "rejected", "needs_revision")
_DID = {"approved": "approved", "rejected": "rejected", "needs_revision": "asked for revision of"}
#: Reviews written by one statement; each takes a parameter a column.
_REVIEWS_AT_ONCE = 1000


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
        score = parse_score(value)
        if score is None or score != round(score, 1):
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
    """Move conversations to a status, as one batch that can be undone; ends the actor's leases and drafts of them.

    Parameters
    ----------
    reasons, scores, turn_notes, seconds
        Kept as the actor's review of each conversation; a batch without any of them changes the status alone. The
        review is kept also where somebody else decided first: the outcome names who.
    read
        The `turns_sha256` that was read, by identifier: where the turns changed since, the decision is refused.
    as_review
        Keep a review even if it has no scores.

    Raises
    ------
    UsageError
        No such status, or scores for one that is no decision.
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
    if said.is_review and status not in DECISIONS:
        raise UsageError(
            f"scores and reasons go with a decision, and {status} is none",
            hint=f"Decide {' or '.join(DECISIONS)}, or leave them out.",
        )
    require_role(actor, "reviewer", "deciding")
    batch_id = uuid4()
    wanted = list(dict.fromkeys(identifiers))
    with database.transaction(Context.of(actor, batch_id=batch_id, note=said.note)) as connection:
        found = lock_conversations(connection, wanted, actor.workspace_id)
        deciders = {row["reviewed_by"] for row in found.values() if row["reviewed_by"]} - {actor.user_id}
        judge = _Judge(actor=actor, status=status, names=names_of(connection, deciders), is_review=said.is_review)
        judged = {value: judge.outcome(found.get(value), value, (read or {}).get(value)) for value in wanted}
        moving = {found[v]["id"]: found[v] for v, (outcome, _) in judged.items() if outcome.outcome == "done"}
        reviewed = {found[v]["id"]: found[v] for v, (_, keeps_review) in judged.items() if keeps_review}
        _keep_reviews(connection, actor, list(reviewed.values()), status, said)
        _move(connection, actor, list(moving), status, said)
        _clear_desk(connection, actor, moving.keys() | reviewed.keys())
    return BatchResult(batch_id=batch_id, items=tuple(outcome for outcome, _ in judged.values()))


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says of each row what a decision does to it."""

    actor: Actor
    status: Status
    names: Mapping[UUID, str]
    is_review: bool

    def outcome(self, row: RowMapping | None, given: str, read: str | None) -> tuple[BatchOutcome, bool]:
        """What becomes of the row, and whether the review of it is kept."""

        def says(what: str, reason: str | None = None, *, keeps_review: bool = False) -> tuple[BatchOutcome, bool]:
            outcome = BatchOutcome(
                conversation_id=given if row is None else row["conversation_id"],
                outcome=cast(Any, what),
                from_status=None if row is None else row["status"],
                to_status=self.status,
                reason=reason,
            )
            return outcome, keeps_review

        if row is None:
            return says("refused", "there is no such conversation in this workspace")
        if not row["is_active"]:
            return says("refused", "it is in the trash")
        if read is not None and read != row["turns_sha256"]:
            return says("refused", "its turns changed after they were read")
        before, decider = row["status"], row["reviewed_by"]
        if self.is_review and before in DECISIONS and decider not in (None, self.actor.user_id):
            # A second opinion: the first decision stands until a lead reopens it, and both reviews count.
            who = self.names.get(decider, "a former member")
            first = f"{who} {_DID[before]} it first; your review is kept"
            return says("unchanged" if before == self.status else "refused", first, keeps_review=True)
        if before == self.status:
            return says("unchanged", keeps_review=self.is_review)
        if not allowed(before, self.status):
            return says("refused", f"{before} cannot become {self.status}")
        if not is_at_least(self.actor, "lead"):
            if "archived" in (before, self.status):
                return says("refused", "only a lead archives and restores")
            if before in ("approved", "rejected") and decider != self.actor.user_id:
                return says("refused", "somebody else decided it; only a lead reopens it")
        return says("done", keeps_review=self.is_review)


def _keep_reviews(
    connection: Connection, actor: Actor, rows: Sequence[RowMapping], status: Status, said: _Said
) -> None:
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
    changing = [name for name in values if name not in ("workspace_id", "reviewer_id")]
    for start in range(0, len(rows), _REVIEWS_AT_ONCE):
        some = rows[start : start + _REVIEWS_AT_ONCE]
        statement = insert(reviews).values(
            [{**values, "conversation_id": row["id"], "turns_sha256": row["turns_sha256"]} for row in some]
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["conversation_id", "reviewer_id"],
                set_={name: statement.excluded[name] for name in (*changing, "turns_sha256")},
            )
        )


def _move(connection: Connection, actor: Actor, rows: Sequence[UUID], status: Status, said: _Said) -> None:
    if not rows:
        return
    values: dict[str, Any] = {"status": status}
    if said.note is not None:
        values["review_notes"] = said.note
    connection.execute(
        update(conversations).where(c.workspace_id == actor.workspace_id, any_of(c.id, rows)).values(values)
    )


def _clear_desk(connection: Connection, actor: Actor, rows: Iterable[UUID]) -> None:
    """End the actor's leases and drafts: what is decided waits for nobody."""
    ids = list(rows)
    if not ids:
        return
    for table, person in ((leases, leases.c.holder_id), (review_drafts, review_drafts.c.reviewer_id)):
        connection.execute(
            delete(table).where(
                table.c.workspace_id == actor.workspace_id,
                any_of(table.c.conversation_id, ids),
                person == actor.user_id,
            )
        )
