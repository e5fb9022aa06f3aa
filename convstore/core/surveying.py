"""The set as a whole: numbers, findings, duplicates, targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from convstore.core.reviewing import Reviewing
from convstore.database import Context
from convstore.model import BatchResult, Filter

if TYPE_CHECKING:
    from convstore.queries.facets import Facets
    from convstore.queries.ranges import IdRange
    from convstore.statistics import Statistics

__all__ = ["Surveying"]


class Surveying(Reviewing):
    """The set as a whole: numbers, findings, duplicates, targets."""

    @property
    def statistics(self) -> Statistics:
        """Numbers about the set, by filter; anew for every screen, so that its `as_of` is the screen's."""
        from convstore.statistics import Statistics

        return Statistics(self.actor.workspace_id, self._reading_replica, self._cached)

    def facets(self, wanted: Filter | None = None) -> Facets:
        """How many conversations there are by status, tier, persona, arc and topic."""
        from convstore.queries.rollup import MOST_PENDING, count_pending_changes

        def fold_if_many() -> None:
            with self._reading() as connection:
                pending = count_pending_changes(connection, self.actor.workspace_id, most=MOST_PENDING)
            if pending == MOST_PENDING:
                # Whoever meets a long tail folds it, so that no store depends on a worker for its speed.
                self.compact_facets()

        self._cached(("facets folded",), fold_if_many)
        return self.statistics.facets(wanted)

    def compact_facets(self) -> int:
        """Fold the changes of facets into their counts; how many changes there were. The counts stay the same."""
        from convstore.queries.rollup import compact_facets

        with self.database.transaction(Context.of(self.actor, elevated=True)) as connection:
            return compact_facets(connection)

    def refresh(self) -> None:
        """Forget every kept answer about this workspace."""
        self.resources.cache.invalidate(self.actor.workspace_id)

    def dismiss_finding(self, finding_id: UUID, reason: str | None) -> None:
        """Say why a finding does not matter; None lets it stand again.

        Raises
        ------
        NotFoundError
            There is no such finding in this workspace.
        """
        from convstore.queries.reviews import dismiss_finding

        with self._writing(), self.database.transaction(Context.of(self.actor, note=reason)) as connection:
            dismiss_finding(connection, finding_id, self.actor.workspace_id, reason)

    def recheck(self, *, progress: Callable[[int, int, str], None] | None = None) -> int:
        """Count the set anew and run every check that is due over it; how many conversations were checked."""
        from convstore.rechecking import count_set, rerun_checks

        self._require_lead("runs checks over the whole set")
        workspace_id = self.actor.workspace_id
        with self._writing():
            count_set(self.database, workspace_id)
            return rerun_checks(self.database, workspace_id, language=self._language(), progress=progress)

    def begin_recheck(self) -> dict[str, int]:
        """Count the set anew; the checks that are due by then, with their versions."""
        from convstore.rechecking import count_set, find_due

        self._require_lead("runs checks over the whole set")
        with self._writing():
            count_set(self.database, self.actor.workspace_id)
            return find_due(self.database, self.actor.workspace_id)

    def recheck_part(
        self,
        versions: Mapping[str, int],
        within: IdRange,
        *,
        keep: Callable[[IdRange, int], None],
        progress: Callable[[int, int, str], None],
    ) -> int:
        """Run these checks over a range of the set, see `convstore.rechecking.check_range`."""
        from convstore.rechecking import check_range

        self._require_lead("runs checks over the whole set")
        with self._writing():
            return check_range(
                self.database,
                self.actor.workspace_id,
                versions,
                within,
                language=self._language(),
                keep=keep,
                progress=progress,
            )

    def close_recheck(self, versions: Mapping[str, int]) -> None:
        """Note that these checks were run over every range of the set."""
        from convstore.rechecking import close_checks

        close_checks(self.database, self.actor.workspace_id, versions)

    def update_duplicates(
        self, *, within: IdRange | None = None, progress: Callable[[int, int, str], None] | None = None
    ) -> int:
        """Compare what is new or changed, in a range or at all, with everything else; how many were compared."""
        from convstore.duplicates import update_duplicates
        from convstore.queries.ranges import EVERYTHING

        self._require_lead("compares the whole set")
        with self._writing():
            return update_duplicates(
                self.database, self.actor.workspace_id, within=within or EVERYTHING, progress=progress
            )

    def keep_best(self, group_ids: Sequence[UUID]) -> BatchResult:
        """Reject every member of these groups of duplicates but the best one, as one batch that can be undone.

        Only members that wait for review are rejected; approved ones and those under revision are reported as refused.
        """
        from convstore.duplicates import find_duplicate_groups

        with self._reading() as connection:
            groups = find_duplicate_groups(connection, self.actor.workspace_id, group_ids)
        others = [member for group in groups for member in group.members[1:]]
        return self.review(
            [str(member.id) for member in others],
            status="rejected",
            note="A duplicate: the best of its group is kept",
            read={str(member.id): member.turns_sha256 for member in others},
        )

    def set_targets(self, targets: Sequence[Mapping[str, Any]]) -> int:
        """Say how many approved conversations are wanted where; see `convstore.queries.statistics.coverage`."""
        from convstore.queries.statistics.coverage import set_targets

        self._require_lead("sets targets")
        with self._writing(), self.database.transaction(Context.of(self.actor)) as connection:
            return set_targets(connection, self.actor.workspace_id, self.actor.user_id, targets)
