"""What changed from one release to another: conversations, and the shift of scores, lengths and coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from convstore.database import Context, Database
from convstore.model import Actor
from convstore.queries.release_items import list_changes, read_shift
from convstore.queries.releases import Release, get_sealed

__all__ = ["Change", "ReleaseDiff", "Shift", "diff_releases"]

#: Changes that are named one by one; the counts cover all of them.
MOST_CHANGES = 10_000


@dataclass(frozen=True, slots=True)
class Change:
    """A conversation that only one of the releases holds, or that they hold with different turns."""

    conversation_id: str
    change: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Shift:
    """A number in both releases; None where there is nothing to count."""

    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDiff:
    """From `before` to `after`. `changes` names at most `MOST_CHANGES`; `counts` covers all.

    `scores` and `lengths` are means; `coverage` counts conversations by persona, arc and topic where they differ.
    """

    before: UUID
    after: UUID
    counts: Mapping[str, int]
    changes: tuple[Change, ...]
    scores: Mapping[str, Shift]
    lengths: Mapping[str, Shift]
    coverage: Mapping[str, Mapping[str, Shift]]

    def of(self, change: str) -> tuple[str, ...]:
        """Ids of the conversations that were added, removed or changed."""
        return tuple(one.conversation_id for one in self.changes if one.change == change)

    def as_dict(self) -> dict[str, Any]:
        """The difference as `--json` prints it."""

        def pair(shift: Shift) -> dict[str, float | None]:
            return {"before": shift.before, "after": shift.after}

        return {
            "before": str(self.before),
            "after": str(self.after),
            "counts": dict(self.counts),
            **{change: list(self.of(change)) for change in ("added", "removed", "changed")},
            "scores": {name: pair(shift) for name, shift in self.scores.items()},
            "lengths": {name: pair(shift) for name, shift in self.lengths.items()},
            "coverage": {
                name: {value: pair(shift) for value, shift in shifts.items()} for name, shifts in self.coverage.items()
            },
        }


def diff_releases(database: Database, actor: Actor, before: str, after: str) -> ReleaseDiff:
    """Compare two sealed releases of the workspace."""
    workspace_id = actor.workspace_id
    with database.transaction(Context.of(actor), read_only=True, snapshot=True) as reading:
        rows = [get_sealed(reading, identifier, workspace_id) for identifier in (before, after)]
        counts, changes = list_changes(reading, rows[0].id, rows[1].id, workspace_id, most=MOST_CHANGES)
        was, now = (read_shift(reading, row.id, workspace_id) for row in rows)
    means = {name: Shift(was["means"][name], now["means"][name]) for name in was["means"]}
    turns = means.pop("turn_count")
    return ReleaseDiff(
        before=rows[0].id,
        after=rows[1].id,
        counts={name: counts.get(name, 0) for name in ("added", "removed", "changed", "kept")},
        changes=tuple(Change(row.conversation_id, row.change, row.before, row.after) for row in changes),
        scores=means,
        lengths={"turns": turns, "characters": Shift(_mean_length(rows[0]), _mean_length(rows[1]))},
        coverage={name: _coverage(was[name], now[name]) for name in ("persona", "arc", "topic")},
    )


def _mean_length(row: Release) -> float | None:
    count = row.conversation_count
    return row.summary["characters"] / count if count else None


def _coverage(was: Mapping[str, int], now: Mapping[str, int]) -> dict[str, Shift]:
    return {
        value: Shift(was.get(value, 0), now.get(value, 0))
        for value in sorted(was.keys() | now.keys())
        if was.get(value, 0) != now.get(value, 0)
    }
