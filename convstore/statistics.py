"""Numbers about the set for one person: every question cached as pages are, and when each answer was found."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from convstore.duplicates import DuplicateGroup, list_duplicate_groups
from convstore.model import Filter
from convstore.queries.duplicates import count_groups
from convstore.queries.facets import Facets, count_facets
from convstore.queries.snippets import Snippet, find_snippets
from convstore.queries.statistics.coverage import Axis, Cell, Target, count_cells, list_targets
from convstore.queries.statistics.emotions import ArcIntensity, EmotionFlow, count_emotion_flow, count_intensity
from convstore.queries.statistics.findings import FindingCount, count_finding_facet, count_findings
from convstore.queries.statistics.planning import plan_for_scans
from convstore.queries.statistics.scores import (
    Breakdown,
    By,
    Correlation,
    DimensionScores,
    correlate_dimensions,
    count_scores,
    count_scores_by,
)
from convstore.queries.statistics.texts import StockPhrases, TextStatistics, count_texts, list_stock_phrases

__all__ = ["Statistics"]

T = TypeVar("T")
_PHRASES = 12


class Statistics:
    """Answers about one workspace.

    Parameters
    ----------
    reading
        Opens a read-only transaction of the person who asks.
    cached
        Keeps an answer for this person and workspace.
    """

    def __init__(
        self,
        workspace_id: UUID,
        reading: Callable[[], AbstractContextManager[Connection]],
        cached: Callable[[Hashable, Callable[[], Any]], Any],
    ) -> None:
        self._workspace_id = workspace_id
        self._reading = reading
        self._cached = cached
        self.as_of = datetime.now(UTC)
        """When the oldest of the answers given so far was found."""

    def facets(self, wanted: Filter | None = None) -> Facets:
        """Conversations by status, tier, persona, arc and topic."""
        return self._ask("facets", count_facets, wanted)

    def scores(self, wanted: Filter | None = None) -> Mapping[str, DimensionScores]:
        """The five dimensions, files and people apart."""
        return self._ask("scores", count_scores, wanted)

    def breakdown(self, by: By, dimension: str = "quality", wanted: Filter | None = None) -> Breakdown:
        """One dimension by persona, arc, topic, tier, status, source, month or reviewer."""
        return self._ask("breakdown", count_scores_by, wanted, by=by, dimension=dimension)

    def correlations(self, wanted: Filter | None = None) -> tuple[Correlation, ...]:
        """How the files' dimensions move together."""
        return self._ask("correlations", correlate_dimensions, wanted)

    def emotion_flow(self, wanted: Filter | None = None) -> EmotionFlow:
        """From the first feeling to the last."""
        return self._ask("flow", count_emotion_flow, wanted)

    def intensity(self, arc: str | None, wanted: Filter | None = None) -> ArcIntensity:
        """Intensity turn by turn, on one arc; None is those without an arc."""
        return self._ask("intensity", count_intensity, wanted, arc=arc)

    def intensities(self, wanted: Filter | None = None) -> tuple[ArcIntensity, ...]:
        """The same on every arc that has any, the largest first; an arc after the other, so it takes its time."""
        arcs = sorted(self.cells(("arc",), wanted), key=lambda cell: -cell.conversations)
        found = (self.intensity(cell.keys[0], wanted) for cell in arcs)
        return tuple(one for one in found if one.turns)

    def texts(self, wanted: Filter | None = None) -> TextStatistics:
        """Lengths in words and turns."""
        return self._ask("texts", count_texts, wanted)

    def findings(self, wanted: Filter | None = None) -> tuple[FindingCount, ...]:
        """What the checks noticed, by check."""
        return self._ask("findings", count_findings, wanted)

    def finding_facet(self, wanted: Filter | None = None) -> Mapping[str, int]:
        """Conversations by finding, as if the filter named none; nothing where more match than a form can wait for."""
        return self._ask("finding facet", count_finding_facet, replace(wanted or Filter(), findings=()))

    def cells(self, axes: Sequence[Axis], wanted: Filter | None = None) -> tuple[Cell, ...]:
        """Conversations by any of persona, arc, topic and tier."""
        return self._ask("cells", count_cells, wanted, axes=tuple(axes))

    def targets(self) -> tuple[Target, ...]:
        """What leads want, and what there is of it; the largest hole first."""
        return self._keep("targets", lambda connection: list_targets(connection, self._workspace_id))

    def stock_phrases(self) -> StockPhrases:
        """Openings and closings that several conversations share."""
        return self._keep(
            "phrases", lambda connection: list_stock_phrases(connection, self._workspace_id, most=_PHRASES)
        )

    def duplicate_counts(self) -> tuple[int, int]:
        """Groups of duplicates that are still in play, and conversations in them."""
        return self._keep("duplicate counts", lambda connection: count_groups(connection, self._workspace_id))

    def duplicate_groups(self, *, limit: int = 10, offset: int = 0) -> tuple[DuplicateGroup, ...]:
        """Groups of duplicates that are still in play, the largest first."""
        return self._keep(
            ("duplicates", limit, offset),
            lambda connection: list_duplicate_groups(connection, self._workspace_id, limit=limit, offset=offset),
        )

    def snippets(self, query: str, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Snippet]:
        """Where the words of a search stand in these conversations."""
        ids = tuple(conversation_ids)
        return self._keep(
            ("snippets", query, ids), lambda connection: find_snippets(connection, query, self._workspace_id, ids)
        )

    def _ask(self, name: str, query: Callable[..., T], wanted: Filter | None, **options: Any) -> T:
        chosen = wanted or Filter()
        return self._keep(
            (name, chosen, *sorted(options.items())),
            lambda connection: query(connection, chosen, self._workspace_id, **options),
        )

    def _keep(self, key: Hashable, query: Callable[[Connection], T]) -> T:
        def ask() -> tuple[datetime, T]:
            with self._reading() as connection:
                plan_for_scans(connection)
                return datetime.now(UTC), query(connection)

        found_at, answer = self._cached(("statistics", key), ask)
        self.as_of = min(self.as_of, found_at)
        return answer  # type: ignore[no-any-return]
