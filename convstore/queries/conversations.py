"""Single conversations, whole or held, and the columns that lists show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Connection,
    RowMapping,
    Text,
    func,
    or_,
    select,
)

from convstore.database.prepared import Prepared
from convstore.database.tables import conversations, findings
from convstore.model import Conversation
from convstore.queries import usage
from convstore.queries.filters import any_of
from convstore.queries.naming import named, naming, not_found, row_id_in

__all__ = [
    "CONVERSATION",
    "FINDING_CODES",
    "LISTED_COLUMNS",
    "as_conversation",
    "get_conversation",
    "lock_conversations",
]

c = conversations.c

_UNLISTED = {
    "workspace_id",
    "system_prompt",
    "extra",
    "sort_name",
    "file_url",
    "deleted_by",
    "word_count",
    "intensities",
    "file_tenths",
}
LISTED_COLUMNS = [usage.current(column) for column in conversations.c if column.name not in _UNLISTED]
FINDING_CODES = func.array(
    select(findings.c.code)
    .distinct()
    .where(
        findings.c.workspace_id == c.workspace_id,
        findings.c.conversation_id == c.id,
        findings.c.dismissed_at.is_(None),
    )
    .order_by(findings.c.code)
    .scalar_subquery(),
    type_=ARRAY(Text),
).label("finding_codes")

#: The conversation that `naming` names, whole.
CONVERSATION = Prepared(
    named(select(*LISTED_COLUMNS, c.system_prompt, c.extra, FINDING_CODES).select_from(usage.CURRENT))
)


def get_conversation(connection: Connection, identifier: str, workspace_id: UUID) -> Mapping[str, Any]:
    """The whole row by conversation id or row id, trashed ones too.

    Raises
    ------
    NotFoundError
        There is none, or it is hidden.
    """
    row = CONVERSATION.send(connection, **naming(identifier, workspace_id)).fetchone()
    if row is None:
        raise not_found(identifier)
    return row


def lock_conversations(
    connection: Connection, identifiers: Sequence[str], workspace_id: UUID, *, to_remove: bool = False
) -> dict[str, RowMapping]:
    """Hold conversations until the transaction ends: what is judged now is still so when it is changed.

    Returns row id, public id, status, hash, who decided, who imported and where the file is, keyed by identifier; an
    identifier that names nothing is left out. Unless they are to be removed, what belongs to them can still be added.
    """
    row_ids = {value: row_id for value in identifiers if (row_id := row_id_in(value)) is not None}
    query = (
        select(c.id, c.conversation_id, c.status, c.turns_sha256, c.reviewed_by, c.is_active, c.created_by, c.file_path)
        .where(
            c.workspace_id == workspace_id,
            or_(any_of(c.conversation_id, identifiers), any_of(c.id, list(row_ids.values()))),
        )
        # In one order everywhere: two batches that wait for each other's rows would never end.
        .order_by(c.id)
        .with_for_update(key_share=not to_remove)
    )
    rows = list(connection.execute(query).mappings())
    by_name: dict[str, RowMapping] = {row["conversation_id"]: row for row in rows}
    by_row_id: dict[UUID, RowMapping] = {row["id"]: row for row in rows}
    by_id = {value: by_row_id[row_id] for value, row_id in row_ids.items() if row_id in by_row_id}
    # Where one conversation's id is another's row id, the id that people gave wins.
    return by_id | {value: by_name[value] for value in identifiers if value in by_name}


def as_conversation(row: Mapping[str, Any]) -> Conversation:
    """The listed part of a row."""
    fields = {name: value for name, value in row.items() if name not in ("sort_value", "system_prompt", "extra")}
    fields["finding_codes"] = tuple(fields["finding_codes"])
    return Conversation(**fields)
