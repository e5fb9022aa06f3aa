"""The desk of one reviewer in one workspace: queues, what is handed out, drafts, and what a lead sees of the team."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from convstore.database import Context, Database
from convstore.database.tables import workspaces
from convstore.files import FileStore
from convstore.model import Actor, ConversationDetail, Turn
from convstore.queries import team
from convstore.review import changes, drafts, leases, queues, undoing
from convstore.review.changes import TurnChange
from convstore.review.drafts import Beside
from convstore.review.queues import Progress, Queue
from convstore.rights import require_role

__all__ = ["ReviewDesk", "ReviewRules", "TeamReport"]


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """What a workspace tells its reviewers."""

    guidelines: str
    reject_reasons: tuple[str, ...]
    blind: bool


@dataclass(frozen=True, slots=True)
class TeamReport:
    """What the team did since a moment."""

    since: datetime
    decisions: tuple[team.DayOfDecisions, ...]
    reviewers: tuple[team.ReviewerProfile, ...]
    disagreements: tuple[team.Disagreement, ...]


class ReviewDesk:
    """Everything about reviewing that is no decision.

    Parameters
    ----------
    files
        Gives the file store, which is asked for seldom.
    on_change
        Called after what others may have cached is no longer true.
    """

    def __init__(
        self, database: Database, files: Callable[[], FileStore], actor: Actor, on_change: Callable[[], None]
    ) -> None:
        self._database = database
        self._files = files
        self._actor = actor
        self._on_change = on_change

    # Queues

    def queues(self) -> tuple[Queue, ...]:
        """The queues of the workspace, the default one first."""
        return queues.list_queues(self._database, self._actor)

    def queue(self, name: str) -> Queue:
        """A queue by name; refuses a name that there is none of."""
        return queues.get_queue(self._database, self._actor, name)

    def save_queue(self, queue: Queue) -> None:
        """Add a queue, or change the one of this name."""
        queues.save_queue(self._database, self._actor, queue)

    def delete_queue(self, name: str) -> None:
        """Remove a saved queue; its conversations stay."""
        queues.delete_queue(self._database, self._actor, name)

    def progress(self, queue: Queue) -> Progress:
        """How far a queue is, and who decided how much today."""
        return queues.progress(self._database, self._actor, queue)

    # Leases

    def next(self, queue: Queue, *, count: int = 4, lease_s: int = leases.LEASE_S) -> tuple[UUID, ...]:
        """Row ids of up to `count` conversations that are this reviewer's from now on; see `leases.hand_out`."""
        return leases.hand_out(self._database, self._actor, queue, count=count, lease_s=lease_s)

    def take(self, row: UUID) -> bool:
        """Lease one conversation that is named; False if somebody else reads it."""
        return leases.take(self._database, self._actor, row)

    def keep_alive(self, *, lease_s: int = leases.LEASE_S) -> int:
        """Say that the reviewer is still here; how many leases were extended."""
        return leases.keep_alive(self._database, self._actor, lease_s=lease_s)

    def give_back(self, rows: Sequence[UUID] | None = None) -> int:
        """End the reviewer's leases, all of them or some, as at sign-out; how many."""
        return leases.give_back(self._database, self._actor, rows)

    def skip(self, row: UUID) -> None:
        """Give a conversation back until nothing else is left."""
        leases.skip(self._database, self._actor, row)

    # Drafts and exclusions

    def find_draft(self, row: UUID) -> Mapping[str, Any] | None:
        """What the reviewer said of a conversation and did not send."""
        return drafts.find_draft(self._database, self._actor, row)

    def save_draft(self, row: UUID, draft: Mapping[str, Any]) -> None:
        """Keep what the reviewer said so far."""
        drafts.save_draft(self._database, self._actor, row, draft)

    def exclusions(self, row: UUID) -> frozenset[int]:
        """Numbers of the messages that are kept out of training."""
        return drafts.get_beside(self._database, self._actor, row).exclusions

    def beside(self, row: UUID) -> Beside:
        """Draft, exclusions and persona of a conversation, in one question."""
        return drafts.get_beside(self._database, self._actor, row)

    def exclude_turn(self, row: UUID, turn_number: int, turns_sha256: str) -> None:
        """Keep a message out of training, as it was read."""
        drafts.exclude_turn(self._database, self._actor, row, turn_number, turns_sha256)
        self._on_change()

    def include_turn(self, row: UUID, turn_number: int) -> None:
        """Let a message into training again."""
        drafts.include_turn(self._database, self._actor, row, turn_number)
        self._on_change()

    # What to know

    def rules(self) -> ReviewRules:
        """The workspace's guidelines, reasons to reject, and whether reviews are blind."""
        w = workspaces.c
        query = select(w.guidelines, w.reject_reasons, w.blind).where(w.id == self._actor.workspace_id)
        with self._database.transaction(Context.of(self._actor), read_only=True) as connection:
            guidelines, reasons, blind = connection.execute(query).one()
        return ReviewRules(guidelines, tuple(reasons), blind)

    def changes(
        self, detail: ConversationDetail, read: str, *, read_turns: Sequence[Turn] | None = None
    ) -> tuple[TurnChange, ...] | None:
        """What differs now from the turns with the hash `read`; None where those are not kept any more.

        Parameters
        ----------
        read_turns
            The turns as they were read, where the caller still has them.
        """
        before = read_turns or changes.find_earlier_turns(
            self._database, self._files(), self._actor, detail.conversation.id, read
        )
        return None if before is None else changes.compare_turns(before, detail.turns)

    def batch_size(self, batch_id: UUID) -> int:
        """How many conversations a batch of decisions is about."""
        return undoing.count_batch(self._database, self._actor, batch_id)

    def team(self, *, days: int = 14) -> TeamReport:
        """Who decided how much and how, and where reviews disagree. Leads only."""
        require_role(self._actor, "lead", "the team's work")
        since = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
        workspace_id = self._actor.workspace_id
        context = Context.of(self._actor)
        with self._database.transaction(context, read_only=True, replica=True, snapshot=True) as connection:
            return TeamReport(
                since=since,
                decisions=team.list_decisions(connection, workspace_id, since=since),
                reviewers=team.list_reviewers(connection, workspace_id, since=since),
                disagreements=team.list_disagreements(connection, workspace_id, since=since),
            )
