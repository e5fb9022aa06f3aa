"""Counts exports with their conversations: a few at once, very many by a job."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Connection

from convstore.database import Context, Database
from convstore.model import Actor
from convstore.queries.usage import fold, note_export
from convstore.queue import defer

__all__ = ["count_uses", "fold_uses"]


def count_uses(
    connection: Connection, release_id: UUID, workspace_id: UUID, *, conversations: int, is_first: bool
) -> None:
    """Count an export with its conversations, in the transaction of its seal. Needs the service role."""
    if note_export(connection, release_id, workspace_id, conversations=conversations, is_first=is_first):
        defer(connection, workspace_id, "usage")


def fold_uses(database: Database, actor: Actor, *, progress: Callable[[int, int, str], None] | None = None) -> int:
    """Bring counts up to date that exports left behind; how many conversations that were."""
    done = 0
    while True:
        with database.transaction(Context.of(actor, elevated=True)) as connection:
            folded = fold(connection, actor.workspace_id)
        done += folded
        if not folded:
            return done
        if progress is not None:
            progress(done, 0, "counting exports")
