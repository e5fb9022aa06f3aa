"""Changing what is not content: names, the trash, and the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select, update

from convstore.database import Context, Database
from convstore.database.tables import conversations, release_items
from convstore.errors import InvalidInputError, UsageError
from convstore.files import FileStore
from convstore.model import Actor, BatchOutcome, BatchResult
from convstore.queries.conversations import get_conversation, resolve_ids

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
    with database.transaction(Context.of(actor, batch_id=uuid4())) as connection:
        row = get_conversation(connection, identifier, actor.workspace_id)
        connection.execute(
            update(conversations).where(c.workspace_id == actor.workspace_id, c.id == row["id"]).values(values)
        )


def set_trashed(database: Database, actor: Actor, identifiers: Sequence[str], *, trashed: bool) -> BatchResult:
    """Move conversations into the trash or out of it. Reviewers move their own, leads any."""
    batch_id = uuid4()
    target = "trash" if trashed else "restored"
    items = []
    with database.transaction(Context.of(actor, batch_id=batch_id)) as connection:
        found = resolve_ids(connection, identifiers, actor.workspace_id)
        movable = []
        for value in dict.fromkeys(identifiers):
            row = found.get(value)
            reason, outcome = None, "done"
            if row is None:
                reason, outcome = "there is no such conversation in this workspace", "refused"
            elif row["is_active"] is not trashed:
                outcome = "unchanged"
            elif actor.role not in ("lead", "admin") and row["created_by"] != actor.user_id:
                reason, outcome = "somebody else imported it; only a lead may do this", "refused"
            else:
                movable.append(row["id"])
            items.append(
                BatchOutcome(
                    conversation_id=value if row is None else row["conversation_id"],
                    outcome=outcome,  # type: ignore[arg-type]
                    from_status=None if row is None else row["status"],
                    to_status=target,
                    reason=reason,
                )
            )
        if movable:
            connection.execute(
                update(conversations)
                .where(c.workspace_id == actor.workspace_id, c.id.in_(movable))
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
    batch_id = uuid4()
    items, paths = [], []
    with database.transaction(Context.of(actor, batch_id=batch_id)) as connection:
        found = resolve_ids(connection, identifiers, actor.workspace_id)
        for value in dict.fromkeys(identifiers):
            row = found.get(value)
            outcome, reason = "done", None
            if row is None:
                outcome, reason = "refused", "there is no such conversation in this workspace"
            elif connection.execute(
                select(release_items.c.release_id)
                .where(release_items.c.workspace_id == actor.workspace_id, release_items.c.conversation_id == row["id"])
                .limit(1)
            ).first():
                outcome, reason = "refused", "a release names it"
            else:
                gone = connection.execute(
                    delete(conversations)
                    .where(c.workspace_id == actor.workspace_id, c.id == row["id"])
                    .returning(c.file_path)
                ).scalar_one_or_none()
                if gone is None:
                    outcome, reason = "refused", "only an admin deletes for good"
                else:
                    paths.append(gone)
            items.append(
                BatchOutcome(
                    conversation_id=value if row is None else row["conversation_id"],
                    outcome=outcome,  # type: ignore[arg-type]
                    from_status=None if row is None else row["status"],
                    to_status="deleted",
                    reason=reason,
                )
            )
    if paths:
        files.delete(paths)
    return BatchResult(batch_id=batch_id, items=tuple(items))
