"""Decisions about conversations, changes to them, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from convstore.core.acting import Acting
from convstore.model import BatchResult, Filter, Status, UndoResult

if TYPE_CHECKING:
    from convstore.review import BulkPreview, BulkResult, ReviewDesk

__all__ = ["Reviewing"]


class Reviewing(Acting):
    """Decisions about conversations, changes to them, and the way back."""

    def review(
        self,
        identifiers: Sequence[str],
        *,
        status: Status,
        note: str | None = None,
        reasons: Sequence[str] = (),
        scores: Mapping[str, Decimal | float | int | str] | None = None,
        turn_notes: Mapping[int, str] | None = None,
        seconds: int | None = None,
        read: Mapping[str, str] | None = None,
        as_review: bool = False,
    ) -> BatchResult:
        """Decide about conversations as one batch; see `convstore.review.deciding.review`."""
        from convstore.review import check_scores, review

        with self._writing():
            return review(
                self.database,
                self.actor,
                identifiers,
                status=status,
                note=note,
                reasons=reasons,
                scores=check_scores(scores or {}),
                turn_notes=turn_notes,
                seconds=seconds,
                read=read,
                as_review=as_review,
            )

    @property
    def desk(self) -> ReviewDesk:
        """Queues, leases and drafts of this person: what belongs to reviewing beside the decisions."""
        from convstore.review import ReviewDesk

        def forget() -> None:
            self.resources.cache.invalidate(self.actor.workspace_id)

        return ReviewDesk(self.database, lambda: self.files, self.actor, forget)

    def bulk_preview(self, wanted: Filter, status: Status) -> BulkPreview:
        """What a decision about a whole filter would do: counts, conflicts, five samples."""
        from convstore.review import bulk_preview

        return bulk_preview(self.database, self.actor, wanted, status)

    def bulk_review(
        self,
        wanted: Filter,
        *,
        status: Status,
        note: str | None = None,
        reasons: Sequence[str] = (),
        progress: Callable[[int, int, str], None] | None = None,
    ) -> BulkResult:
        """Decide about a whole filter as one batch; see `convstore.review.bulk.bulk_review`."""
        from convstore.review import bulk_review

        with self._writing():
            return bulk_review(
                self.database, self.actor, wanted, status=status, note=note, reasons=reasons, progress=progress
            )

    def undo(self, batch_id: UUID, *, progress: Callable[[int, int, str], None] | None = None) -> UndoResult:
        """Take a batch of decisions back; rows that changed since are left alone."""
        from convstore.review import undo

        with self._writing():
            return undo(self.database, self.actor, batch_id, progress=progress)

    def edit(self, identifier: str, *, name: str | None = None, description: str | None = None) -> None:
        """Rename or describe a conversation."""
        from convstore.editing import edit

        with self._writing():
            edit(self.database, self.actor, identifier, name=name, description=description)

    def delete(self, identifiers: Sequence[str], *, hard: bool = False, confirm: bool = False) -> BatchResult:
        """Move conversations to the trash, or with `hard` remove them with every artefact."""
        from convstore.editing import delete_for_good, set_trashed

        with self._writing():
            if hard:
                return delete_for_good(self.database, self.files, self.actor, identifiers, confirm=confirm)
            return set_trashed(self.database, self.actor, identifiers, trashed=True)

    def restore(self, identifiers: Sequence[str]) -> BatchResult:
        """Bring conversations back, from the trash or from the archive."""
        from convstore.editing import set_trashed
        from convstore.retention import restore_archived

        with self._writing():
            archived = restore_archived(self.database, self.actor, identifiers)
            others = [identifier for identifier in identifiers if identifier not in archived]
            result = set_trashed(self.database, self.actor, others, trashed=False)
        return replace(result, items=(*archived.values(), *result.items))
