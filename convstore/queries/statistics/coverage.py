"""Where the set is thick and where it is thin: cells of persona, arc, topic and tier, against what a lead wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from convstore.database.tables import conversations, coverage_targets
from convstore.errors import UsageError
from convstore.model import Filter
from convstore.queries.matching import matching

__all__ = ["AXES", "Axis", "Cell", "Target", "count_cells", "list_targets", "set_targets"]

Axis = Literal["persona", "arc", "topic", "tier"]

c = conversations.c
t = coverage_targets.c

#: Each axis with its column.
AXES: Mapping[Axis, str] = {
    "persona": "persona_key",
    "arc": "emotional_arc_key",
    "topic": "topic_key",
    "tier": "tier",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Conversations with one key on each of the axes asked for; None is those without one.

    `quality` is the mean effective quality of those that are scored.
    """

    keys: tuple[str | None, ...]
    conversations: int
    approved: int
    scored: int
    quality: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How many approved conversations are wanted where, and how many there are. None means any."""

    persona: str | None
    arc: str | None
    topic: str | None
    tier: str | None
    wanted: int
    approved: int
    conversations: int

    @property
    def missing(self) -> int:
        """How many are lacking."""
        return max(0, self.wanted - self.approved)


def count_cells(connection: Connection, wanted: Filter, workspace_id: UUID, axes: Sequence[Axis]) -> tuple[Cell, ...]:
    """Every cell that holds a conversation.

    Raises
    ------
    UsageError
        An axis that does not exist, or one twice.
    """
    if not axes or len(set(axes)) < len(axes) or not set(axes) <= set(get_args(Axis)):
        raise UsageError(f"there are no cells of {' and '.join(axes)}", hint=f"Axes are {', '.join(AXES)}, each once.")
    keys = [c[AXES[axis]] for axis in axes]
    scored = func.count().filter(c.effective_quality > 0)
    query = (
        select(*keys, func.count(), func.count().filter(c.status == "approved"), scored, func.sum(c.effective_quality))
        .where(*matching(connection, wanted, workspace_id))
        .group_by(*keys)
        .order_by(*keys)
    )
    return tuple(
        Cell(
            keys=tuple(row[: len(keys)]),
            conversations=row[-4],
            approved=row[-3],
            scored=row[-2],
            quality=row[-1] / row[-2] / 10 if row[-2] else None,
        )
        for row in connection.execute(query)
    )


def list_targets(connection: Connection, workspace_id: UUID) -> tuple[Target, ...]:
    """Every target with what there is of it; the largest hole first."""
    keys = [c[column] for column in AXES.values()]
    cells = (
        select(
            *keys, func.count().label("conversations"), func.count().filter(c.status == "approved").label("approved")
        )
        .where(c.workspace_id == workspace_id, c.is_active)
        .group_by(*keys)
        .cte("cells")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    columns = [t[column] for column in AXES.values()]
    meets = and_(*(or_(t[column].is_(None), t[column] == cells.c[column]) for column in AXES.values()))
    query = (
        select(
            *columns,
            t.wanted,
            func.coalesce(func.sum(cells.c.approved), 0),
            func.coalesce(func.sum(cells.c.conversations), 0),
        )
        .select_from(coverage_targets.outerjoin(cells, meets))
        .where(t.workspace_id == workspace_id)
        .group_by(t.id)
    )
    found = [
        Target(
            persona=row[0], arc=row[1], topic=row[2], tier=row[3], wanted=row[4],
            approved=int(row[5]), conversations=int(row[6]),
        )
        for row in connection.execute(query)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.missing, *(str(getattr(one, axis) or "") for axis in AXES))))


def set_targets(
    connection: Connection, workspace_id: UUID, created_by: UUID, targets: Sequence[Mapping[str, Any]]
) -> int:
    """Set targets, each a mapping of axes to keys and `wanted`; 0 wanted takes a target away. How many were given."""
    for given in targets:
        keys = {column: given.get(axis) for axis, column in AXES.items()}
        where = [t.workspace_id == workspace_id, *(t[name].is_not_distinct_from(key) for name, key in keys.items())]
        if not given["wanted"]:
            connection.execute(delete(coverage_targets).where(*where))
            continue
        statement = insert(coverage_targets).values(
            workspace_id=workspace_id, created_by=created_by, wanted=given["wanted"], **keys
        )
        connection.execute(
            statement.on_conflict_do_update(
                constraint="uq_coverage_targets_cell",
                set_={"wanted": statement.excluded.wanted},
                where=t.wanted != statement.excluded.wanted,
            )
        )
    return len(targets)
