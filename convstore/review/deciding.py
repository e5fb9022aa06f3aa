"""Deciding about conversations that are named: one or many at once, with scores or without.

Rows are locked before they are judged, so that of two people who decide at the same moment the second sees the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Connection, Integer, Numeric, RowMapping, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from convstore.database import Context, Database
from convstore.errors import UsageError
from convstore.lifecycle import STATUSES, allowed
from convstore.model import DIMENSIONS, Actor, BatchOutcome, BatchResult, Status
from convstore.queries.conversations import lock_conversations
from convstore.queries.people import names_of
from convstore.rights import is_at_least, require_role
from convstore.scores import parse_score

__all__ = ["DECISIONS", "check_scores", "review"]

#: What a review may decide; reopening and archiving are no judgement of what was read.
DECISIONS = ("approved", "rejected", "needs_revision")
_DID = {"approved": "approved", "rejected": "rejected", "needs_revision": "asked for revision of"}
_SCORES = tuple(DIMENSIONS.values())
_SAID = (*_SCORES, "decision", "reasons", "note", "turn_notes", "seconds", "turns_sha256")
#: Everything that decisions write, at once: the reviews, the moves, and the end of leases and drafts, because what is
#: decided waits for nobody.
_WRITE = text(f"""
    WITH said AS (
        INSERT INTO reviews (workspace_id, conversation_id, reviewer_id, {", ".join(_SAID)})
        SELECT :workspace, r.id, :me, {", ".join(f":{column}" for column in _SCORES)},
               :status, :reasons, :note, :turn_notes, :seconds, r.turns_sha256
        FROM unnest(:reviewed, :read) AS r (id, turns_sha256)
        ON CONFLICT (conversation_id, reviewer_id) DO UPDATE
        SET {", ".join(f"{column} = excluded.{column}" for column in _SAID)}
    ), moved AS (
        UPDATE conversations SET status = :status, review_notes = coalesce(:told, review_notes)
        WHERE workspace_id = :workspace AND id = ANY (:moving)
    ), freed AS (
        DELETE FROM leases
        WHERE workspace_id = :workspace AND holder_id = :me AND conversation_id = ANY (:moving || :reviewed)
    )
    DELETE FROM review_drafts
    WHERE workspace_id = :workspace AND reviewer_id = :me AND conversation_id = ANY (:moving || :reviewed)
""").bindparams(
    bindparam("workspace", type_=Uuid),
    bindparam("me", type_=Uuid),
    bindparam("status", type_=Text),
    bindparam("note", type_=Text),
    bindparam("told", type_=Text),
    bindparam("reasons", type_=ARRAY(Text)),
    bindparam("turn_notes", type_=JSONB),
    bindparam("seconds", type_=Integer),
    *(bindparam(column, type_=Numeric(2, 1)) for column in _SCORES),
    bindparam("moving", type_=ARRAY(Uuid)),
    bindparam("reviewed", type_=ARRAY(Uuid)),
    bindparam("read", type_=ARRAY(Text)),
)

_IS_BLIND = text("SELECT blind FROM workspaces WHERE id = :workspace")
#: Takes the note off what this transaction writes to the audit, but for what reviews say themselves.
_WITHHOLD = text("SELECT set_config('convstore.note', '', true)")


@dataclass(frozen=True, slots=True)
class _Said:
    """What the reviewer said beside the status; `told` is the part of it that everybody is told at once."""

    note: str | None
    told: str | None
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
        Keep a review even if it has no scores. In a blind workspace a note makes one: there it stands in the review
        alone, which others see when theirs is in.

    Raises
    ------
    UsageError
        No such status, or scores for one that is no decision.
    """
    if status not in STATUSES:
        raise UsageError(f"there is no status {status!r}", hint=f"Choose one of {', '.join(STATUSES)}.")
    said = _Said(
        note=note or None,
        told=note or None,
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
        if said.note and status in DECISIONS and _is_blind(connection, actor):
            connection.execute(_WITHHOLD)
            said = replace(said, told=None, is_review=True)
        found = lock_conversations(connection, wanted, actor.workspace_id)
        deciders = {row["reviewed_by"] for row in found.values() if row["reviewed_by"]} - {actor.user_id}
        judge = _Judge(actor=actor, status=status, names=names_of(connection, deciders), is_review=said.is_review)
        judged = {value: judge.outcome(found.get(value), value, (read or {}).get(value)) for value in wanted}
        moving = {found[v]["id"]: found[v] for v, (outcome, _) in judged.items() if outcome.outcome == "done"}
        reviewed = {found[v]["id"]: found[v] for v, (_, keeps_review) in judged.items() if keeps_review}
        if moving or reviewed:
            connection.execute(_WRITE, _values(actor, moving.keys(), list(reviewed.values()), status, said))
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


def _is_blind(connection: Connection, actor: Actor) -> bool:
    return bool(connection.execute(_IS_BLIND, {"workspace": actor.workspace_id}).scalar_one())


def _values(
    actor: Actor, moving: Iterable[UUID], reviewed: Sequence[RowMapping], status: Status, said: _Said
) -> dict[str, Any]:
    return {
        "workspace": actor.workspace_id,
        "me": actor.user_id,
        "status": status,
        "note": said.note,
        "told": said.told,
        "reasons": list(said.reasons),
        "turn_notes": {str(number): words for number, words in said.turn_notes.items()},
        "seconds": said.seconds,
        **{column: said.scores.get(name) for name, column in DIMENSIONS.items()},
        "moving": list(moving),
        "reviewed": [row["id"] for row in reviewed],
        "read": [row["turns_sha256"] for row in reviewed],
    }
