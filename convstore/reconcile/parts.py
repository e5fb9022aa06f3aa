"""A reconciliation, or a verification, cut into parts that any number of workers look at, and mend, side by side.

The phases stay in their order, each begun when the one before has ended. A row that is mended names another file, and
what was left of the old one is on its way into quarantine: whoever looked at objects meanwhile would take it for one
that a replacement left, and remove it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

from convstore.database import Context, Database
from convstore.files import listing_order
from convstore.model import Actor
from convstore.queries.integrity import Source, count_kept_files, list_path_bounds
from convstore.queries.ranges import cut, ids_of

__all__ = ["PART_ROWS", "PHASES", "SOURCES", "Part", "Phase", "count_looks", "plan_parts"]

#: Rows of a part, and files of rows among the objects of one.
PART_ROWS = 5000

Phase: TypeAlias = Literal["rows", "others", "objects"]
PHASES: tuple[Phase, ...] = get_args(Phase)

#: What the phases read that go from what is named to the files.
SOURCES: Mapping[Phase, tuple[Source, ...]] = {"rows": ("conversations",), "others": ("archive", "releases")}


@dataclass(frozen=True, slots=True)
class Part:
    """A range of a phase: rows by id, objects as they are listed. None: from the beginning, or to the end."""

    phase: Phase
    after: str | None = None
    through: str | None = None
    #: About how much there is to look at.
    size: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The part as a JSON document."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Part:
        """A part that was queued."""
        return cls(**document)


def count_looks(database: Database, actor: Actor) -> int:
    """How much there is to look at: every file twice, from its row and in the listing."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        return 2 * count_kept_files(connection, actor.workspace_id)


def plan_parts(database: Database, actor: Actor, phase: Phase, *, rows: int = PART_ROWS) -> list[Part]:
    """The parts of a phase, in their order; together they leave nothing out, however much is added meanwhile."""
    bounds: Sequence[str] = ()
    with database.transaction(Context.of(actor), read_only=True, timeout_s=600) as connection:
        if phase == "rows":
            _, ranges = cut(connection, ids_of(actor.workspace_id), size=rows)
            bounds = [str(ids.through) for ids in ranges[:-1]]
        elif phase == "objects":
            bounds = sorted(list_path_bounds(connection, actor.workspace_id, rows), key=listing_order)
    return [Part(phase, after, through, rows) for after, through in zip([None, *bounds], [*bounds, None], strict=True)]
