"""Files held against rows, retention, space, and the health of the workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from convstore.core.acting import Acting
from convstore.model import CheckResult

if TYPE_CHECKING:
    from convstore.reconcile import Part, Phase, ReconcileReport, VerifyReport
    from convstore.retention import ArchiveReport, RetentionReport, StorageUse

__all__ = ["Upkeep"]


class Upkeep(Acting):
    """Files held against rows, retention, space, and the health of the workspace."""

    def reconcile(
        self,
        *,
        repair: bool = False,
        part: Part | None = None,
        start: Mapping[str, Any] | None = None,
        checkpoint: Callable[[Mapping[str, Any]], None] | None = None,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> ReconcileReport:
        """Hold rows and files against each other; see `convstore.reconcile.reconciling.reconcile`."""
        from convstore.reconcile import reconcile

        options: dict[str, Any] = {"part": part, "start": start, "checkpoint": checkpoint, "progress": progress}
        with self._writing():
            return reconcile(self.database, self.files, self.actor, repair=repair, language=self._language(), **options)

    def looks_to_reconcile(self) -> int:
        """How much a reconciliation has to look at, in the unit in which it tells its progress."""
        from convstore.reconcile import count_looks

        return count_looks(self.database, self.actor)

    def parts_to_reconcile(self, phase: Phase, *, rows: int) -> list[Part]:
        """A phase of reconciliation or verification in parts of so many rows; see `convstore.reconcile.parts`."""
        from convstore.reconcile import plan_parts

        return plan_parts(self.database, self.actor, phase, rows=rows)

    def verify(
        self,
        *,
        part: Part | None = None,
        start: VerifyReport | None = None,
        checkpoint: Callable[[Mapping[str, Any]], None] | None = None,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> VerifyReport:
        """Hash every file again; `start` is the report of a run that was stopped."""
        from convstore.reconcile import verify

        options: dict[str, Any] = {"start": start, "checkpoint": checkpoint, "progress": progress}
        return verify(self.database, self.files, self.actor, part=part, **options)

    def apply_retention(
        self, *, dry_run: bool = False, progress: Callable[[int, int, str], None] | None = None
    ) -> RetentionReport:
        """Move what has expired into the trash, into the archive, or out for good."""
        from convstore.retention import apply_retention

        with self._writing():
            return apply_retention(self.database, self.files, self.actor, dry_run=dry_run, progress=progress)

    def archive(self, *, progress: Callable[[int, int, str], None] | None = None) -> ArchiveReport:
        """Move conversations older than a year into the archive; `restore` brings them back."""
        from convstore.retention import archive_old

        with self._writing():
            return archive_old(self.database, self.actor, progress=progress)

    def retention_policies(self) -> dict[str, int]:
        """Days by status, and of the trash; what is not named is kept for ever."""
        from convstore.retention import list_policies

        return list_policies(self.database, self.actor)

    def set_retention(self, subject: str, keep_days: int | None) -> None:
        """Keep a status, or the trash, so many days; None: for ever."""
        from convstore.retention import set_policy

        with self._writing():
            set_policy(self.database, self.actor, subject, keep_days)

    def storage_use(self) -> StorageUse:
        """What the workspace's files take, by what holds them."""
        from convstore.retention import get_storage_use

        return get_storage_use(self.database, self.actor)

    def storage_history(self, *, days: int = 90) -> list[tuple[date, str, int]]:
        """(day, kind, bytes) of the last days."""
        from convstore.retention import list_storage_history

        return list_storage_history(self.database, self.actor, days=days)

    def note_storage_use(self) -> None:
        """Write today's use of space into the history."""
        from convstore.retention import note_storage_use

        note_storage_use(self.database, self.actor)

    def set_quota(self, quota_bytes: int | None) -> None:
        """Limit the bytes of the workspace's files; None: no limit."""
        from convstore.retention import set_quota

        set_quota(self.database, self.actor, quota_bytes)

    def health(self) -> tuple[CheckResult, ...]:
        """What is stuck, failed or nearly full in this workspace; an `ok` line a concern that is fine."""
        from convstore.health import examine_workspace

        return examine_workspace(self.database, self.actor)
