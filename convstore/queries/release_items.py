"""The conversations of a sealed release, read back: in order, with their turns, and against another release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Row, Uuid, any_, literal, select, text

from convstore.database import driver
from convstore.database.tables import conversations, release_items
from convstore.queries.turn_columns import TurnColumns, read_turns

__all__ = ["ReleasedItem", "iter_items", "list_changes", "list_items", "read_released_turns", "read_shift"]

i = release_items.c
c = conversations.c


class ReleasedItem(NamedTuple):
    """One conversation as it went out. `conversation_id` is the row's id."""

    position: int
    conversation_id: UUID
    public_id: str
    turns_sha256: str
    content_sha256: str
    file_path: str
    split: str | None
    state: Mapping[str, Any]


def list_items(
    connection: Connection, release_id: UUID, workspace_id: UUID, *, after: int, limit: int
) -> tuple[ReleasedItem, ...]:
    """The items behind the position `after`, in their order."""
    query = (
        select(
            i.position, i.conversation_id, i.public_id, i.turns_sha256, i.content_sha256, i.file_path, i.split, i.state
        )
        .where(i.workspace_id == workspace_id, i.release_id == release_id, i.position > after)
        .order_by(i.position)
        .limit(limit)
    )
    return tuple(ReleasedItem(*row) for row in connection.execute(query))


def iter_items(
    connection: Connection, release_id: UUID, workspace_id: UUID, *, size: int
) -> Iterator[Sequence[ReleasedItem]]:
    """The items in their order, `size` at a time."""
    after = -1
    while batch := list_items(connection, release_id, workspace_id, after=after, limit=size):
        yield batch
        after = batch[-1].position


def read_released_turns(
    connection: Connection, items: Sequence[ReleasedItem], workspace_id: UUID
) -> dict[UUID, TurnColumns]:
    """The turns of those conversations whose rows still are what went out."""
    ids = any_(literal([item.conversation_id for item in items], ARRAY(Uuid)))
    query = select(c.id, c.turns_sha256, c.content_sha256, c.content_bytes).where(
        c.workspace_id == workspace_id, c.id == ids
    )
    hashes = {item.conversation_id: (item.turns_sha256, item.content_sha256) for item in items}
    same = {
        row.id: row.content_bytes
        for row in connection.execute(query)
        if (row.turns_sha256, row.content_sha256) == hashes[row.id]
    }
    turns = read_turns(driver(connection), same, workspace_id)
    return {conversation_id: columns for conversation_id, columns in turns.items() if columns}


def list_changes(
    connection: Connection, before: UUID, after: UUID, workspace_id: UUID, *, most: int
) -> tuple[dict[str, int], list[Row[Any]]]:
    """Between two releases: counts of added, removed, changed and kept conversations, and the first `most` changes."""
    joined = """
        SELECT coalesce(b.public_id, a.public_id) AS conversation_id, a.turns_sha256 AS before, b.turns_sha256 AS after,
               CASE WHEN a.position IS NULL THEN 'added' WHEN b.position IS NULL THEN 'removed'
                    WHEN a.turns_sha256 <> b.turns_sha256 THEN 'changed' ELSE 'kept' END AS change
        FROM (SELECT * FROM release_items WHERE workspace_id = :workspace_id AND release_id = :before) AS a
        FULL JOIN (SELECT * FROM release_items WHERE workspace_id = :workspace_id AND release_id = :after) AS b
             ON b.conversation_id = a.conversation_id
    """
    values = {"workspace_id": workspace_id, "before": before, "after": after}
    counts = connection.execute(text(f"SELECT change, count(*) FROM ({joined}) AS j GROUP BY change"), values)
    rows = connection.execute(
        text(f"SELECT * FROM ({joined}) AS j WHERE change <> 'kept' ORDER BY change, conversation_id LIMIT :most"),
        {**values, "most": most},
    )
    return {row[0]: row[1] for row in counts}, list(rows)


def read_shift(connection: Connection, release_id: UUID, workspace_id: UUID) -> dict[str, Any]:
    """Means of a release by what its items say: scores, lengths, and conversations by persona, arc and topic."""
    values = {"workspace_id": workspace_id, "release_id": release_id}
    of_release = "FROM release_items WHERE workspace_id = :workspace_id AND release_id = :release_id"
    scores = ", ".join(
        f"avg(coalesce(state ->> 'human_{name}', state ->> '{name}')::numeric)::float8 AS {name}"
        for name in (
            "quality_score", "empathy_score", "clarity_score", "appropriateness_score", "brand_voice_alignment"
        )
    )  # fmt: skip
    means = connection.execute(
        text(f"SELECT {scores}, avg((state ->> 'turn_count')::int)::float8 AS turn_count {of_release}"), values
    ).mappings()
    found: dict[str, Any] = {"means": dict(means.one())}
    for name, key in (("persona", "persona_key"), ("arc", "emotional_arc_key"), ("topic", "topic_key")):
        rows = connection.execute(
            text(f"SELECT coalesce(state ->> '{key}', '') AS value, count(*) {of_release} GROUP BY 1"), values
        )
        found[name] = {row[0]: row[1] for row in rows}
    return found
