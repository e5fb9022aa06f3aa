"""How many days what is kept. The database turns days into dates, for every change and for every new policy."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Context, Database
from convstore.database.tables import retention_policies
from convstore.errors import InvalidInputError, UsageError
from convstore.model import Actor

__all__ = ["RETAINED", "list_policies", "set_policy"]

p = retention_policies.c

#: What a policy can be about: the statuses, in the order of their screens, and the trash.
RETAINED = ("pending_review", "needs_revision", "approved", "rejected", "archived", "trash")
MAX_DAYS = 36_500


def list_policies(database: Database, actor: Actor) -> dict[str, int]:
    """Days by subject; what is not named is kept for ever."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        rows = connection.execute(select(p.subject, p.keep_days).where(p.workspace_id == actor.workspace_id))
        days: dict[str, int] = {row[0]: row[1] for row in rows}
    return {subject: days[subject] for subject in RETAINED if subject in days}


def set_policy(database: Database, actor: Actor, subject: str, keep_days: int | None) -> None:
    """Keep a subject so many days, or for ever with None. Admins only, as the database sees to."""
    if subject not in RETAINED:
        raise UsageError(f"nothing is called {subject!r}", hint=f"Name one of {', '.join(RETAINED)}.")
    if keep_days is not None and not 0 <= keep_days <= MAX_DAYS:
        raise InvalidInputError(f"days are 0 to {MAX_DAYS:,}", hint="Give another number, or none for ever.")
    with database.transaction(Context.of(actor)) as connection:
        if keep_days is None:
            connection.execute(
                delete(retention_policies).where(p.workspace_id == actor.workspace_id, p.subject == subject)
            )
            return
        row = {"workspace_id": actor.workspace_id, "subject": subject, "keep_days": keep_days}
        connection.execute(
            insert(retention_policies)
            .values(row)
            .on_conflict_do_update(index_elements=["workspace_id", "subject"], set_={"keep_days": keep_days})
        )
