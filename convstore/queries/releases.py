"""The set of releases: opening, sealing, looking up. A release under construction holds a lock that dies with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from convstore.database.tables import profiles, release_items, releases
from convstore.errors import ConflictError, NotFoundError, RefusedError

__all__ = [
    "Release",
    "ReleaseHead",
    "ReleaseUse",
    "clear_stale",
    "get_release",
    "get_sealed",
    "insert_release",
    "list_releases",
    "list_usage",
    "lock_release",
    "mark_failed",
    "seal_release",
]

r = releases.c
i = release_items.c

_INTERRUPTED = "interrupted"
#: Nobody holds the lock of `lock_release`, which is found without taking it: a reader is in no builder's way.
_HAS_NO_BUILDER = text(
    "NOT EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE l.locktype = 'advisory' AND l.objsubid = 1"
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
    " AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended(releases.id::text, 0))"
)
_IS_STALE = and_(r.status == "building", _HAS_NO_BUILDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHead:
    """A release as a list shows it. `status` is building, sealed or failed, as is one whose builder is gone."""

    id: UUID
    name: str | None
    format: str
    status: str
    conversation_count: int
    filter: Mapping[str, Any]
    rules: Mapping[str, Any]
    seed: int
    exporter_version: str
    created_by: UUID
    created_by_name: str | None
    created_at: datetime
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(ReleaseHead):
    """A release with its files, what it left out and its counts."""

    options: Mapping[str, Any]
    files: Sequence[Mapping[str, Any]]
    left_out: Sequence[Mapping[str, str]]
    summary: Mapping[str, Any]


class ReleaseUse(NamedTuple):
    """A release that holds a conversation: where in it, with which turns, in which split."""

    id: UUID
    name: str | None
    format: str
    sealed_at: datetime
    position: int
    turns_sha256: str
    split: str | None


def lock_release(connection: Connection, release_id: UUID) -> None:
    """Say that this release is being built, for as long as the transaction lives."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": str(release_id)})


def insert_release(connection: Connection, values: Mapping[str, Any]) -> None:
    """Open a release as `building`.

    Raises
    ------
    ConflictError
        Its name is taken, or it is being built.
    ForbiddenError
        The caller is no lead.
    """
    name, release_id, workspace_id = values.get("name"), values["id"], values["workspace_id"]
    # Its own id is taken where an earlier attempt of the same job was killed.
    same = r.id == release_id if name is None else or_(r.name == name, r.id == release_id)
    rivals = connection.execute(select(r.id, r.status).where(r.workspace_id == workspace_id, same))
    for rival in rivals.all():
        if rival.status != "failed":
            raise _name_taken(name or str(release_id), rival.id, is_sealed=rival.status == "sealed")
        connection.execute(delete(releases).where(r.workspace_id == workspace_id, r.id == rival.id))
    connection.execute(insert(releases).values(dict(values)))


def clear_stale(connection: Connection, workspace_id: UUID, *, held: UUID) -> None:
    """Mark releases as failed whose builder is gone: nobody holds their lock, or the caller does, as for `held`."""
    building = connection.execute(select(r.id).where(r.workspace_id == workspace_id, r.status == "building")).scalars()
    for release_id in list(building):
        is_stale = (
            release_id == held
            or connection.execute(
                text("SELECT pg_try_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": str(release_id)}
            ).scalar_one()
        )
        if is_stale:
            mark_failed(connection, release_id, workspace_id, reason=_INTERRUPTED)


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
    """Seal a release whose items are in. Needs the service role."""
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


def list_releases(connection: Connection, workspace_id: UUID, *, limit: int = 100) -> tuple[ReleaseHead, ...]:
    """Releases without their long parts, newest first."""
    query = _heads().where(r.workspace_id == workspace_id).order_by(r.created_at.desc(), r.id.desc()).limit(limit)
    return tuple(ReleaseHead(**row) for row in connection.execute(query).mappings())


def get_release(connection: Connection, identifier: str, workspace_id: UUID) -> Release:
    """A release by id or name; the id wins where one release's name is another's id.

    Raises
    ------
    NotFoundError
        There is none in this workspace.
    """
    is_id = cast(r.id, Text) == identifier.lower()
    cut_off = literal({"failed": _INTERRUPTED}, r.summary.type)
    summary = case((_IS_STALE, cut_off), else_=r.summary).label("summary")
    query = (
        _heads()
        .add_columns(r.options, r.files, r.left_out, summary)
        .where(r.workspace_id == workspace_id, or_(is_id, r.name == identifier))
        .order_by(is_id.desc())
        .limit(1)
    )
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFoundError(
            f"there is no release {identifier!r} in this workspace",
            hint="`convstore release list` shows what there is.",
            facts={"release": identifier},
        )
    return Release(**found)


def get_sealed(connection: Connection, identifier: str, workspace_id: UUID) -> Release:
    """A release that went out.

    Raises
    ------
    NotFoundError
        There is none in this workspace.
    RefusedError
        It was never finished.
    """
    found = get_release(connection, identifier, workspace_id)
    if found.status != "sealed":
        raise RefusedError(
            f"the release {identifier} is {found.status}, it never went out",
            hint="Build it again with `convstore export`.",
            facts={"release": str(found.id), "status": found.status},
        )
    return found


def _heads() -> Select[Any]:
    return select(
        r.id,
        r.name,
        r.format,
        case((_IS_STALE, "failed"), else_=r.status).label("status"),
        r.conversation_count,
        r.filter,
        r.rules,
        r.seed,
        r.exporter_version,
        r.created_by,
        profiles.c.name.label("created_by_name"),
        r.created_at,
        r.sealed_at,
    ).select_from(releases.outerjoin(profiles, profiles.c.id == r.created_by))


def list_usage(connection: Connection, conversation_id: UUID, workspace_id: UUID) -> tuple[ReleaseUse, ...]:
    """The sealed releases that hold a conversation, newest first."""
    query = (
        select(r.id, r.name, r.format, r.sealed_at, i.position, i.turns_sha256, i.split)
        .select_from(releases.join(release_items, (i.release_id == r.id) & (i.workspace_id == r.workspace_id)))
        .where(i.workspace_id == workspace_id, i.conversation_id == conversation_id, r.status == "sealed")
        .order_by(r.sealed_at.desc(), r.id)
    )
    return tuple(ReleaseUse(*row) for row in connection.execute(query))


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
