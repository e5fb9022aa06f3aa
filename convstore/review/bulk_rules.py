"""Which rows a bulk decision may move, and why it leaves the others alone. The database checks every move again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, false, func, literal, or_

from convstore.database.tables import conversations
from convstore.errors import UsageError
from convstore.lifecycle import STATUSES, allowed, sources_of
from convstore.model import Actor, Status
from convstore.queries.people import names_of
from convstore.rights import is_at_least, require_role

__all__ = ["Conflict", "can_move", "check_move", "conflicts_of", "why_not"]

c = conversations.c


@dataclass(frozen=True, slots=True)
class Conflict:
    """Rows that a bulk decision leaves alone for one reason."""

    reason: str
    count: int


def check_move(actor: Actor, status: Status) -> None:
    """Refuse a status that there is none of, and a role that decides nothing."""
    if status not in STATUSES:
        raise UsageError(f"there is no status {status!r}", hint=f"Choose one of {', '.join(STATUSES)}.")
    require_role(actor, "reviewer", "deciding")


def can_move(actor: Actor, status: Status) -> ColumnElement[bool]:
    """Whether the lifecycle and the actor's role allow the move of a row."""
    possible = c.status.in_(sources_of(status))
    if is_at_least(actor, "lead"):
        return possible
    if status == "archived":
        return literal(False)
    own = func.coalesce(c.reviewed_by == actor.user_id, false())
    return possible & (c.status != "archived") & or_(c.status.not_in(("approved", "rejected")), own)


def conflicts_of(
    connection: Connection, actor: Actor, status: Status, groups: Iterable[tuple[Status, UUID | None, int]]
) -> tuple[Conflict, ...]:
    """The reasons with their counts, the most frequent first, of rows grouped by status and by who decided."""
    groups = list(groups)
    names = names_of(connection, {who for _, who, _ in groups if who is not None})
    counts: dict[str, int] = {}
    for before, who, count in groups:
        reason = why_not(actor, status, before, who, names)
        counts[reason] = counts.get(reason, 0) + count
    return tuple(Conflict(*pair) for pair in sorted(counts.items(), key=lambda pair: -pair[1]))


def why_not(actor: Actor, status: Status, before: Status, who: UUID | None, names: dict[UUID, str]) -> str:
    """Why a row stays as it is, in words."""
    person = "you" if who == actor.user_id else names.get(who, "somebody else") if who else None
    is_now = before.replace("_", " ") + (f" by {person}" if person else "")
    if before == status:
        return f"already {is_now}"
    if not allowed(before, status):
        return f"{is_now}, which cannot become {status.replace('_', ' ')}"
    if is_at_least(actor, "lead"):
        return "changed in the meantime"
    return f"{is_now}; only a lead changes that"
