"""The set of releases: opening, sealing, looking up. A release under construction holds a lock that dies with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Text, cast, delete, func, insert, or_, select, text, update

from convstore.database.tables import profiles, release_items, releases
from convstore.errors import ConflictError, NotFoundError

__all__ = [
    "clear_stale",
    "find_release",
    "get_release",
    "insert_release",
    "list_releases",
    "list_usage",
    "lock_release",
    "mark_failed",
    "seal_release",
]

r = releases.c
i = release_items.c


def lock_release(connection: Connection, release_id: UUID) -> None:
    """Say that this release is being built, for as long as the transaction lives."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": str(release_id)})


def insert_release(connection: Connection, values: Mapping[str, Any]) -> None:
    """Open a release as `building`.

    Raises
    ------
    ConflictError
        Its name is taken.
    ForbiddenError
        The caller is no lead.
    """
    name, workspace_id = values.get("name"), values["workspace_id"]
    if name is not None:
        rival = connection.execute(
            select(r.id, r.status).where(r.workspace_id == workspace_id, r.name == name)
        ).one_or_none()
        if rival is not None and rival.status == "failed":
            connection.execute(delete(releases).where(r.workspace_id == workspace_id, r.id == rival.id))
        elif rival is not None:
            raise _name_taken(name, rival.id, is_sealed=rival.status == "sealed")
    connection.execute(insert(releases).values(dict(values)))


def clear_stale(connection: Connection, workspace_id: UUID) -> None:
    """Mark releases as failed whose builder is gone: nobody holds their lock."""
    building = connection.execute(select(r.id).where(r.workspace_id == workspace_id, r.status == "building")).scalars()
    for release_id in list(building):
        is_stale = connection.execute(
            text("SELECT pg_try_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": str(release_id)}
        ).scalar_one()
        if is_stale:
            mark_failed(connection, release_id, workspace_id, reason="interrupted")


def mark_failed(connection: Connection, release_id: UUID, workspace_id: UUID, *, reason: str) -> None:
    """Give a release up that was being built; its name is free again."""
    connection.execute(
        update(releases)
        .where(r.workspace_id == workspace_id, r.id == release_id, r.status == "building")
        .values(status="failed", summary={"failed": reason})
    )


def seal_release(
    connection: Connection,
    release_id: UUID,
    workspace_id: UUID,
    *,
    conversation_count: int,
    files: Sequence[Mapping[str, Any]],
    left_out: Sequence[Mapping[str, str]],
    summary: Mapping[str, Any],
) -> None:
    """Seal a release whose items are in, and count it with its conversations. Needs the service role."""
    connection.execute(
        update(releases)
        .where(r.workspace_id == workspace_id, r.id == release_id, r.status == "building")
        .values(
            status="sealed",
            conversation_count=conversation_count,
            files=list(files),
            left_out=list(left_out),
            summary=dict(summary),
            sealed_at=func.now(),
        )
    )
    connection.execute(
        text(
            """
            UPDATE public.conversations AS c
            SET usage_count = c.usage_count + 1, export_count = c.export_count + 1, last_exported_at = now()
            FROM public.release_items AS i
            WHERE i.release_id = :release_id AND i.workspace_id = :workspace_id
              AND c.workspace_id = :workspace_id AND c.id = i.conversation_id
            """
        ),
        {"release_id": release_id, "workspace_id": workspace_id},
    )


def list_releases(connection: Connection, workspace_id: UUID, *, limit: int = 100) -> list[RowMapping]:
    """Releases with their builder's name, newest first."""
    query = (
        select(releases, profiles.c.name.label("created_by_name"))
        .select_from(releases.outerjoin(profiles, profiles.c.id == r.created_by))
        .where(r.workspace_id == workspace_id)
        .order_by(r.created_at.desc(), r.id.desc())
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def find_release(connection: Connection, identifier: str, workspace_id: UUID) -> RowMapping | None:
    """A release by id or name; the id wins where one release's name is another's id."""
    query = (
        select(releases, profiles.c.name.label("created_by_name"))
        .select_from(releases.outerjoin(profiles, profiles.c.id == r.created_by))
        .where(r.workspace_id == workspace_id, or_(cast(r.id, Text) == identifier.lower(), r.name == identifier))
        .order_by((cast(r.id, Text) == identifier.lower()).desc())
        .limit(1)
    )
    return connection.execute(query).mappings().one_or_none()


def get_release(connection: Connection, identifier: str, workspace_id: UUID) -> RowMapping:
    """A release by id or name.

    Raises
    ------
    NotFoundError
        There is none in this workspace.
    """
    found = find_release(connection, identifier, workspace_id)
    if found is None:
        raise NotFoundError(
            f"there is no release {identifier!r} in this workspace",
            hint="`convstore release list` shows what there is.",
            facts={"release": identifier},
        )
    return found


def list_usage(connection: Connection, conversation_id: UUID, workspace_id: UUID) -> list[RowMapping]:
    """The sealed releases that hold a conversation, newest first, with the turns and split that went out."""
    query = (
        select(r.id, r.name, r.format, r.sealed_at, i.position, i.turns_sha256, i.split)
        .select_from(releases.join(release_items, (i.release_id == r.id) & (i.workspace_id == r.workspace_id)))
        .where(i.workspace_id == workspace_id, i.conversation_id == conversation_id, r.status == "sealed")
        .order_by(r.sealed_at.desc(), r.id)
    )
    return list(connection.execute(query).mappings())


def _name_taken(name: str, release_id: UUID, *, is_sealed: bool) -> ConflictError:
    if is_sealed:
        return ConflictError(
            f"there is a release {name!r} already",
            hint=f"Choose another name; `convstore release export {name} --out PATH` writes that one again.",
            facts={"release": str(release_id), "name": name},
        )
    return ConflictError(
        f"a release {name!r} is being built right now",
        hint="Wait for it to end, or choose another name.",
        facts={"release": str(release_id), "name": name},
        retryable=True,
    )
