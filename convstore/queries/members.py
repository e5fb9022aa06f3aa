"""Workspaces and who belongs to them: members, invitations, settings. Rights are the policies' matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from convstore.database.tables import profiles, workspace_invitations, workspace_members, workspaces
from convstore.model import Role

__all__ = [
    "Member",
    "WorkspaceSettings",
    "delete_invitation",
    "delete_member",
    "find_member",
    "get_settings",
    "insert_invitation",
    "insert_member",
    "list_invitations",
    "list_members",
    "update_role",
    "update_settings",
]

p = profiles.c
w = workspaces.c
m = workspace_members.c
i = workspace_invitations.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody of a workspace; `user_id` is None until an invited person signs in."""

    user_id: UUID | None
    name: str
    email: str | None
    role: Role
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSettings:
    """What an admin settles for a workspace."""

    slug: str
    name: str
    blind: bool
    guidelines: str
    reject_reasons: tuple[str, ...]
    language: str
    quota_bytes: int | None


def get_settings(connection: Connection, workspace_id: UUID) -> WorkspaceSettings:
    """The settings of a workspace that the caller belongs to."""
    columns = (w.slug, w.name, w.blind, w.guidelines, w.reject_reasons, w.language, w.quota_bytes)
    row = connection.execute(select(*columns).where(w.id == workspace_id)).mappings().one()
    return WorkspaceSettings(**{**row, "reject_reasons": tuple(row["reject_reasons"])})


def update_settings(connection: Connection, workspace_id: UUID, values: Mapping[str, Any]) -> bool:
    """Change settings; False if the caller may not."""
    return connection.execute(update(workspaces).where(w.id == workspace_id).values(dict(values))).rowcount == 1


def list_members(connection: Connection, workspace_id: UUID) -> tuple[Member, ...]:
    """The members by name."""
    query = (
        select(m.user_id, p.name, p.email, m.role, m.created_at.label("since"))
        .select_from(workspace_members.join(profiles, p.id == m.user_id))
        .where(m.workspace_id == workspace_id)
        .order_by(func.lower(p.name), p.id)
    )
    return tuple(Member(**row) for row in connection.execute(query).mappings())


def list_invitations(connection: Connection, workspace_id: UUID) -> tuple[Member, ...]:
    """People who were invited and have not signed in yet; empty for everybody but admins."""
    query = select(i.email, i.role, i.created_at.label("since")).where(i.workspace_id == workspace_id).order_by(i.email)
    return tuple(Member(user_id=None, name=row["email"], **row) for row in connection.execute(query).mappings())


def find_member(connection: Connection, workspace_id: UUID, email: str) -> Member | None:
    """The member or the invited person with this e-mail."""
    people = (*list_members(connection, workspace_id), *list_invitations(connection, workspace_id))
    return next((person for person in people if person.email == email), None)


def insert_member(connection: Connection, workspace_id: UUID, email: str, role: Role) -> bool:
    """Let a person whom we know belong to the workspace; False if nobody has this verified e-mail."""
    user_id = connection.execute(select(func.convstore.find_person(email))).scalar()
    if user_id is None:
        return False
    connection.execute(insert(workspace_members).values(workspace_id=workspace_id, user_id=user_id, role=role))
    return True


def insert_invitation(connection: Connection, workspace_id: UUID, email: str, role: Role, invited_by: UUID) -> None:
    """Let whoever first signs in with this e-mail belong to the workspace."""
    values = {"workspace_id": workspace_id, "email": email, "role": role, "invited_by": invited_by}
    connection.execute(insert(workspace_invitations).values(values))


def update_role(connection: Connection, workspace_id: UUID, user_id: UUID, role: Role) -> bool:
    """Change a member's role; False if the caller may not."""
    return (
        connection.execute(
            update(workspace_members).where(m.workspace_id == workspace_id, m.user_id == user_id).values(role=role)
        ).rowcount
        == 1
    )


def delete_member(connection: Connection, workspace_id: UUID, user_id: UUID) -> bool:
    """End a membership; False if the caller may not."""
    return (
        connection.execute(
            delete(workspace_members).where(m.workspace_id == workspace_id, m.user_id == user_id)
        ).rowcount
        == 1
    )


def delete_invitation(connection: Connection, workspace_id: UUID, email: str) -> bool:
    """Withdraw an invitation; False if the caller may not."""
    return (
        connection.execute(
            delete(workspace_invitations).where(i.workspace_id == workspace_id, i.email == email)
        ).rowcount
        == 1
    )
