"""Conversations cut into ranges of their ids, which several workers go through side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Self
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from convstore.database.tables import conversations

__all__ = ["EVERYTHING", "IdRange", "cut", "ids_of"]

c = conversations.c


class IdRange(NamedTuple):
    """Ids beyond `after` up to `through`; None is no bound."""

    after: UUID | None
    through: UUID | None

    @classmethod
    def from_json(cls, bounds: Sequence[str | None]) -> Self:
        """What `as_json` gave."""
        after, through = (None if bound is None else UUID(bound) for bound in bounds)
        return cls(after, through)

    def as_json(self) -> list[str | None]:
        """Its two bounds."""
        return [None if bound is None else str(bound) for bound in self]


EVERYTHING = IdRange(None, None)


def ids_of(workspace_id: UUID) -> Select[UUID]:
    """The row ids of a workspace's conversations, trashed ones too."""
    return select(c.id).where(c.workspace_id == workspace_id)


def cut(connection: Connection, ids: Select[UUID], *, size: int) -> tuple[int, list[IdRange]]:
    """How many ids a query gives, and the ranges that hold `size` of them each; together they hold every id."""
    each = ids.subquery()
    numbered = select(
        each.c.id, func.row_number().over(order_by=each.c.id).label("number"), func.count().over().label("total")
    ).subquery()
    last = numbered.c.number == numbered.c.total
    rows = connection.execute(
        select(numbered.c.id, numbered.c.total, last)
        .where((numbered.c.number % size == 0) | last)
        .order_by(numbered.c.number)
    ).all()
    bounds = [None, *(row[0] for row in rows if not row[2]), None]
    return rows[-1][1] if rows else 0, [IdRange(*pair) for pair in pairwise(bounds)]
