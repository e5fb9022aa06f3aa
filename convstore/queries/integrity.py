"""What reconciliation asks: rows with everything that their files say too, and which objects nothing names.

The second question is the one place that looks beyond a workspace, because all share one bucket: it runs as the
service role and answers with paths only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Connection,
    RowMapping,
    Text,
    Uuid,
    bindparam,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from convstore.database.tables import conversation_turns, conversations, conversations_archive, events, release_items

__all__ = [
    "ROW_PAGE",
    "KeptFile",
    "Origin",
    "Source",
    "count_kept_files",
    "find_archived_turns",
    "find_deletion",
    "find_origins",
    "find_unnamed",
    "list_kept_files",
    "list_path_bounds",
    "list_rows",
    "list_turns_of",
]

c = conversations.c
a = conversations_archive.c
r = release_items.c

#: Rows whose files are read before the next ones are asked for.
ROW_PAGE = 100

Source = Literal["conversations", "archive", "releases"]


class KeptFile(NamedTuple):
    """A file that something names. `key` is where a listing goes on."""

    key: str
    conversation_id: str
    path: str
    content_sha256: str


class Origin(NamedTuple):
    """Where an object that nothing names comes from, as far as the audit and the imports tell."""

    workspace_id: UUID | None
    was_stored: bool
    is_certain: bool


def list_rows(
    connection: Connection,
    workspace_id: UUID,
    columns: Sequence[str],
    *,
    after: UUID | None,
    through: UUID | None = None,
) -> Sequence[RowMapping]:
    """A page of conversations by row id, trashed ones too; none beyond `through`."""
    own = (
        c.id,
        c.conversation_id,
        c.file_path,
        c.storage_bucket,
        c.source_name,
        c.format,
        c.conversation_name,
        c.description,
    )
    query = (
        select(*own, *(c[name] for name in columns))
        .where(c.workspace_id == workspace_id)
        .order_by(c.id)
        .limit(ROW_PAGE)
    )
    if after is not None:
        query = query.where(c.id > after)
    if through is not None:
        query = query.where(c.id <= through)
    return connection.execute(query).mappings().all()


def list_path_bounds(connection: Connection, workspace_id: UUID, every: int) -> list[str]:
    """The path of every so many conversations' files, by owner and row as paths begin."""
    number = func.row_number().over(order_by=(c.created_by, c.id))
    numbered = select(c.id, number.label("number")).where(c.workspace_id == workspace_id).subquery()
    bounds = select(numbered.c.id).where(numbered.c.number % every == 0)
    query = select(c.file_path).where(c.workspace_id == workspace_id, c.id.in_(bounds)).order_by(c.created_by, c.id)
    return list(connection.execute(query).scalars())


def list_turns_of(
    connection: Connection, workspace_id: UUID, row_ids: Sequence[UUID], columns: Sequence[str]
) -> dict[UUID, list[tuple[Any, ...]]]:
    """The turns of some conversations, in order."""
    t = conversation_turns.c
    query = (
        select(t.conversation_id, *(t[name] for name in columns))
        .where(t.workspace_id == workspace_id, t.conversation_id.in_(row_ids))
        .order_by(t.conversation_id, t.turn_number)
    )
    found: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for row in connection.execute(query):
        found[row[0]].append(tuple(row)[1:])
    return found


def list_kept_files(
    connection: Connection,
    workspace_id: UUID,
    source: Source,
    *,
    after: str | None,
    through: UUID | None = None,
    limit: int,
) -> list[KeptFile]:
    """A page of the files that conversations, the archive or releases name; releases: versions that are not current.

    Parameters
    ----------
    through
        Of conversations: none beyond this row.
    """
    if source == "releases":
        current = select(literal(1)).where(
            c.workspace_id == workspace_id, c.id == r.conversation_id, c.file_path == r.file_path
        )
        query = (
            select(r.file_path, func.min(r.public_id), r.file_path, func.min(r.content_sha256))
            .where(r.workspace_id == workspace_id, ~current.exists())
            .group_by(r.file_path)
            .order_by(r.file_path)
            .limit(limit)
        )
        if after is not None:
            query = query.where(r.file_path > after)
    elif source == "archive":
        query = (
            select(a.id, a.conversation_id, a.row["file_path"].astext, a.row["content_sha256"].astext)
            .where(a.workspace_id == workspace_id)
            .order_by(a.id)
            .limit(limit)
        )
        if after is not None:
            query = query.where(a.id > UUID(after))
    else:
        query = (
            select(c.id, c.conversation_id, c.file_path, c.content_sha256)
            .where(c.workspace_id == workspace_id)
            .order_by(c.id)
            .limit(limit)
        )
        if after is not None:
            query = query.where(c.id > UUID(after))
        if through is not None:
            query = query.where(c.id <= through)
    return [KeptFile(str(row[0]), row[1], row[2], row[3]) for row in connection.execute(query)]


def count_kept_files(connection: Connection, workspace_id: UUID) -> int:
    """How many files conversations and the archive name."""
    stored = select(func.count()).select_from(conversations).where(c.workspace_id == workspace_id).scalar_subquery()
    archived = (
        select(func.count()).select_from(conversations_archive).where(a.workspace_id == workspace_id).scalar_subquery()
    )
    return int(connection.execute(select(stored + archived)).scalar_one())


def find_archived_turns(connection: Connection, workspace_id: UUID, conversation_id: str) -> str | None:
    """The `turns_sha256` of a conversation in the archive; None if it is not there."""
    query = select(a.row["turns_sha256"].astext).where(
        a.workspace_id == workspace_id, a.conversation_id == conversation_id
    )
    return connection.execute(query).scalar_one_or_none()


def find_deletion(connection: Connection, workspace_id: UUID, conversation_id: str) -> datetime | None:
    """When a conversation of this id was last deleted for good, as the audit knows; None if never."""
    e = events.c
    query = select(func.max(e.at)).where(
        e.workspace_id == workspace_id,
        e.action == "deleted",
        e.before["conversation_id"].astext == conversation_id,
    )
    found: datetime | None = connection.execute(query).scalar_one()
    return found


_UNNAMED = text(
    """
    WITH object AS (
        SELECT p.path, CASE WHEN split_part(p.path, '/', 2) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                            THEN split_part(p.path, '/', 2)::uuid END AS row_id,
               substring(split_part(p.path, '/', 3) FROM '^upload-([0-9a-f-]{36})$')::uuid AS job_id,
               substring(p.path FROM '^[^/]+/releases/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/')::uuid
                   AS delivered_id
        FROM unnest(:paths) AS p (path)
    )
    SELECT o.path
    FROM object AS o
    WHERE NOT EXISTS (SELECT FROM public.conversations AS c WHERE c.id = o.row_id AND c.file_path = o.path)
      AND NOT EXISTS (SELECT FROM public.conversations_archive AS a
                      WHERE a.id = o.row_id AND a.row ->> 'file_path' = o.path)
      AND NOT EXISTS (SELECT FROM public.release_items AS r WHERE r.workspace_id = ANY (:workspaces)
                      AND r.conversation_id = o.row_id AND r.file_path = o.path)
      AND NOT EXISTS (SELECT FROM public.releases AS d WHERE d.workspace_id = ANY (:workspaces)
                      AND d.status = 'sealed' AND d.id = o.delivered_id)
      AND NOT EXISTS (SELECT FROM public.jobs AS j WHERE j.id = o.job_id AND j.status <> 'succeeded')
      AND o.path <> ALL (ARRAY(
          SELECT unnest(q.object_paths) FROM public.quarantine AS q WHERE q.object_paths && :paths
      ))
    """
).bindparams(bindparam("paths", type_=ARRAY(Text)), bindparam("workspaces", type_=ARRAY(Uuid)))


def find_unnamed(connection: Connection, paths: Sequence[str]) -> set[str]:
    """Those of the paths that no conversation, archive, release, quarantine or waiting job names, in any workspace."""
    return set(connection.execute(_UNNAMED, {"paths": list(paths), "workspaces": _workspaces(connection)}).scalars())


_ORIGINS = text(
    """
    SELECT e.conversation_id AS row_id, min(e.workspace_id::text)::uuid AS workspace_id
    FROM public.events AS e
    WHERE e.workspace_id = ANY (:workspaces) AND e.conversation_id = ANY (:row_ids)
    GROUP BY e.conversation_id
    """
).bindparams(bindparam("workspaces", type_=ARRAY(Uuid)), bindparam("row_ids", type_=ARRAY(Uuid)))

_IMPORTERS = text(
    """
    SELECT i.created_by, array_agg(DISTINCT i.workspace_id) FROM public.ingest_runs AS i
    WHERE i.workspace_id = ANY (:workspaces) AND i.created_by = ANY (:owners) GROUP BY i.created_by
    """
).bindparams(bindparam("workspaces", type_=ARRAY(Uuid)), bindparam("owners", type_=ARRAY(Uuid)))


def find_origins(connection: Connection, objects: Sequence[tuple[UUID | None, UUID | None]]) -> Iterator[Origin]:
    """For each (owner, row id) of an object's path: the workspace it belongs to, and whether it was ever stored.

    The audit outlives rows, so it knows what was replaced or deleted. What it does not know was never finished: it
    belongs where its owner imports. Certain is that only if there is one such workspace.
    """
    workspaces = _workspaces(connection)
    row_ids = [row_id for _, row_id in objects if row_id is not None]
    owners = [owner for owner, _ in objects if owner is not None]
    stored = {row[0]: row[1] for row in connection.execute(_ORIGINS, {"workspaces": workspaces, "row_ids": row_ids})}
    imports = {row[0]: row[1] for row in connection.execute(_IMPORTERS, {"workspaces": workspaces, "owners": owners})}
    for owner, row_id in objects:
        if row_id in stored:
            yield Origin(stored[row_id], True, True)
            continue
        candidates = imports.get(owner) or workspaces
        yield Origin(candidates[0] if len(candidates) == 1 else None, False, len(candidates) == 1)


def _workspaces(connection: Connection) -> list[UUID]:
    return list(connection.execute(text("SELECT id FROM public.workspaces")).scalars())
