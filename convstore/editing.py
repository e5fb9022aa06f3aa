"""Changing what is not content: names, the trash, and the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, delete, select, update

from convstore.database import Context, Database
from convstore.database.tables import conversations, release_items
from convstore.errors import InvalidInputError, StorageUnavailableError, UsageError
from convstore.files import FileStore
from convstore.model import Actor, BatchOutcome, BatchResult
from convstore.queries.conversations import get_conversation, lock_conversations
from convstore.queries.filters import any_of
from convstore.rights import is_at_least, require_role

__all__ = ["delete_for_good", "edit", "set_trashed"]

c = conversations.c
MAX_NAME = 255


def edit(
    database: Database, actor: Actor, identifier: str, *, name: str | None = None, description: str | None = None
) -> None:
    """Rename or describe a conversation; what is None stays.

    Raises
    ------
    InvalidInputError
        The name is blank or too long.
    """
    values: dict[str, Any] = {}
    if name is not None:
        if not name.strip() or len(name) > MAX_NAME:
            raise InvalidInputError(f"a name has 1 to {MAX_NAME} characters", hint="Give a shorter name, or none.")
        values["conversation_name"] = name.strip()
    if description is not None:
        values["description"] = description.strip() or None
    if not values:
        raise UsageError("nothing to change", hint="Give a name, a description, or both.")
    require_role(actor, "reviewer", "editing")
    with database.transaction(Context.of(actor, batch_id=uuid4())) as connection:
        row = get_conversation(connection, identifier, actor.workspace_id)
        connection.execute(
            update(conversations).where(c.workspace_id == actor.workspace_id, c.id == row["id"]).values(values)
        )


def set_trashed(database: Database, actor: Actor, identifiers: Sequence[str], *, trashed: bool) -> BatchResult:
    """Move conversations into the trash or out of it. Reviewers move their own, leads any."""
    require_role(actor, "reviewer", "using the trash")
    batch_id = uuid4()
    target = "trash" if trashed else "restored"
    items = []
    with database.transaction(Context.of(actor, batch_id=batch_id)) as connection:
        found = lock_conversations(connection, identifiers, actor.workspace_id)
        movable = []
        for value in dict.fromkeys(identifiers):
            row = found.get(value)
            reason, outcome = None, "done"
            if row is None:
                reason, outcome = "there is no such conversation in this workspace", "refused"
            elif row["is_active"] is not trashed:
                outcome = "unchanged"
            elif not is_at_least(actor, "lead") and row["created_by"] != actor.user_id:
                reason, outcome = "somebody else imported it; only a lead may do this", "refused"
            else:
                movable.append(row["id"])
            items.append(_outcome(value, row, outcome, target, reason))
        if movable:
            connection.execute(
                update(conversations)
                .where(c.workspace_id == actor.workspace_id, any_of(c.id, movable))
                .values(is_active=not trashed)
            )
    return BatchResult(batch_id=batch_id, items=tuple(items))


def delete_for_good(
    database: Database, files: FileStore, actor: Actor, identifiers: Sequence[str], *, confirm: bool
) -> BatchResult:
    """Remove conversations with every artefact; what a release names stays.

    The rows go first: a crash in between leaves objects that nobody names, which reconciliation removes.
    """
    if not confirm:
        raise UsageError(
            "deleting for good cannot be undone", hint="Add --confirm, or leave --hard out to use the trash."
        )
    require_role(actor, "admin", "deleting for good")
    batch_id = uuid4()
    items = []
    with database.transaction(Context.of(actor, batch_id=batch_id)) as connection:
        found = lock_conversations(connection, identifiers, actor.workspace_id, to_remove=True)
        r = release_items.c
        released = set(
            connection.execute(
                select(r.conversation_id).where(
                    r.workspace_id == actor.workspace_id, any_of(r.conversation_id, _row_ids(found.values()))
                )
            ).scalars()
        )
        going = [row for row in found.values() if row["id"] not in released]
        connection.execute(
            delete(conversations).where(c.workspace_id == actor.workspace_id, any_of(c.id, _row_ids(going)))
        )
    left = _remove_objects(files, going)
    for value in dict.fromkeys(identifiers):
        row = found.get(value)
        outcome, reason = "done", None
        if row is None:
            outcome, reason = "refused", "there is no such conversation in this workspace"
        elif row["id"] in released:
            outcome, reason = "refused", "a release names it"
        elif left:
            reason = "its file could not be removed yet; `convstore reconcile --repair` does"
        items.append(_outcome(value, row, outcome, "deleted", reason))
    return BatchResult(batch_id=batch_id, items=tuple(items))


def _remove_objects(files: FileStore, rows: Sequence[RowMapping]) -> bool:
    """Remove every version of conversations that are gone; True if the store did not answer."""
    try:
        for row in rows:
            # The folder of the row, above the version's: an interrupted replacement may have left another one.
            folder = str(PurePosixPath(row["file_path"]).parents[1])
            files.delete([found.path for found in files.list(folder)])
    except StorageUnavailableError:
        return True
    return False


def _row_ids(rows: Iterable[RowMapping]) -> list[UUID]:
    return list({row["id"] for row in rows})


def _outcome(value: str, row: RowMapping | None, outcome: str, target: str, reason: str | None) -> BatchOutcome:
    return BatchOutcome(
        conversation_id=value if row is None else row["conversation_id"],
        outcome=cast(Any, outcome),
        from_status=None if row is None else row["status"],
        to_status=target,
        reason=reason,
    )
