"""What becomes of a conversation, decided from what is stored. Writes nothing: a dry run decides as a real one does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from convstore.ingest.reports import ConversationReport
from convstore.model import Actor, Draft
from convstore.queries.storing import Existing
from convstore.rights import is_at_least
from convstore.sources import Source

__all__ = ["Candidate", "Known", "OnConflict", "Rehearsal", "decide"]

OnConflict = Literal["fail", "skip", "replace"]


@dataclass(slots=True)
class Candidate:
    """A conversation on its way into the store, with the report that tells what became of it."""

    draft: Draft
    family: str
    source: Source
    report: ConversationReport
    turns_sha256: str

    @property
    def size(self) -> int:
        """Bytes of the messages, at most."""
        return 4 * sum(len(turn.content) for turn in self.draft.turns)


class Known:
    """What is stored already, by id and by turns."""

    def __init__(self, rows: Iterable[Existing]) -> None:
        self._by_id: dict[str, Existing] = {}
        self._by_turns: dict[str, Existing] = {}
        for row in rows:
            self._by_id[row.conversation_id] = row
            twin = self._by_turns.get(row.turns_sha256)
            if twin is None or (row.is_active and not twin.is_active):
                self._by_turns[row.turns_sha256] = row

    def find(self, candidate: Candidate) -> Existing | None:
        """The stored conversation that a candidate is; where the file gave no id, the one with the same turns."""
        own = self._by_id.get(candidate.draft.conversation_id)
        if candidate.draft.id_is_derived and (own is None or own.turns_sha256 != candidate.turns_sha256):
            return self._by_turns.get(candidate.turns_sha256, own)
        return own


class Rehearsal:
    """What a dry run would have stored so far."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._by_id: dict[str, Existing] = {}
        self._by_turns: dict[str, Existing] = {}

    def store(self, candidate: Candidate, replaced: Existing | None) -> None:
        """Remember a conversation that a real run would store, or put in the place of another."""
        row = Existing(
            id=uuid4() if replaced is None else replaced.id,
            conversation_id=candidate.draft.conversation_id if replaced is None else replaced.conversation_id,
            turns_sha256=candidate.turns_sha256,
            file_path="",
            status="pending_review",
            reviewed_by=None,
            created_by=self._actor.user_id,
            is_active=True if replaced is None else replaced.is_active,
        )
        self._by_id[row.conversation_id] = self._by_turns[row.turns_sha256] = row

    def on_top_of(self, rows: Iterable[Existing], batch: Sequence[Candidate]) -> list[Existing]:
        """The stored rows that matter to a batch, as they would be by now."""
        merged = {row.conversation_id: self._by_id.get(row.conversation_id, row) for row in rows}
        for candidate in batch:
            for row in (
                self._by_id.get(candidate.draft.conversation_id),
                self._by_turns.get(candidate.turns_sha256),
            ):
                if row is not None:
                    merged[row.conversation_id] = self._by_id[row.conversation_id]
        return list(merged.values())


def decide(candidate: Candidate, known: Known, *, on_conflict: OnConflict, actor: Actor) -> Existing | None:
    """Set the outcome in the candidate's report; the stored conversation that it is, if there is one.

    `stored` and `replaced` still have to be carried out.
    """
    report = candidate.report
    existing = known.find(candidate)
    if existing is None:
        report.outcome = "stored"
        return None
    report.conversation_id = existing.conversation_id
    if existing.processing_status == "failed" and existing.turns_sha256 == candidate.turns_sha256:
        # Its file was lost, and here it is.
        report.outcome = "replaced"
        return existing
    if not existing.is_active:
        report.warnings.append(
            {
                "code": "in_trash",
                "path": "$",
                "message": f"it is in the trash; `convstore restore {existing.conversation_id}` brings it back",
            }
        )
    if existing.turns_sha256 == candidate.turns_sha256:
        report.outcome = "unchanged"
    elif on_conflict == "skip":
        report.outcome, report.reason = "skipped", "stored with other turns"
    elif on_conflict == "fail":
        report.outcome, report.reason = "conflict", "stored with other turns"
    elif _is_settled_by_others(existing, actor):
        report.outcome, report.reason = "conflict", "somebody else decided it; only a lead replaces it"
    else:
        report.outcome = "replaced"
    return existing


def _is_settled_by_others(existing: Existing, actor: Actor) -> bool:
    # Other turns send a conversation back to review, which for decisions of others is a lead's right.
    if is_at_least(actor, "lead") or existing.status in ("pending_review", "needs_revision"):
        return False
    return existing.status == "archived" or existing.reviewed_by != actor.user_id
