"""People and their memberships, as the database knows them. Whether somebody is who they say is settled before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from convstore.database.tables import profiles, workspace_members, workspaces
from convstore.model import Actor, Role

__all__ = ["Membership", "find_profile", "labels_of", "list_memberships", "names_of"]

p = profiles.c
w = workspaces.c
m = workspace_members.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A workspace that a person belongs to."""

    workspace_id: UUID
    slug: str
    name: str
    role: Role
    blind: bool
    language: str

    def actor(self, *, user_id: UUID, name: str, email: str | None) -> Actor:
        """The person acting in this workspace."""
        return Actor(
            user_id=user_id,
            workspace_id=self.workspace_id,
            workspace_slug=self.slug,
            role=self.role,
            name=name,
            email=email,
        )


def find_profile(
    connection: Connection, *, issuer: str | None = None, subject: str | None = None, email: str | None = None
) -> tuple[UUID, str, str | None] | None:
    """Id, name and e-mail of a person by identity, or by e-mail; needs the service role."""
    where: list[ColumnElement[bool]] = []
    if email is not None:
        where.append(p.email == email.strip().lower())
    else:
        where += [p.issuer == issuer, p.subject == subject]
    row = connection.execute(select(p.id, p.name, p.email).where(*where).order_by(p.created_at).limit(1)).first()
    return None if row is None else (row[0], row[1], row[2])


def list_memberships(connection: Connection, user_id: UUID) -> tuple[Membership, ...]:
    """The workspaces of a person, by name."""
    query = (
        select(w.id.label("workspace_id"), w.slug, w.name, m.role, w.blind, w.language)
        .select_from(workspaces.join(workspace_members, m.workspace_id == w.id))
        .where(m.user_id == user_id)
        .order_by(w.name, w.slug)
    )
    return tuple(Membership(**row) for row in connection.execute(query).mappings())


def names_of(connection: Connection, user_ids: set[UUID]) -> dict[UUID, str]:
    """Names of the people among these that the caller may see."""
    if not user_ids:
        return {}
    return {row[0]: row[1] for row in connection.execute(select(p.id, p.name).where(p.id.in_(user_ids)))}


def labels_of(connection: Connection, user_ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """A name for each of these people that no other has: e-mail or id stand with one that colleagues share."""
    wanted = set(user_ids)
    names = select(p.name).where(p.id.in_(wanted - {None}))
    namesakes = {row.id: row for row in connection.execute(select(p.id, p.name, p.email).where(p.name.in_(names)))}
    former = [who for who in wanted if who not in namesakes]
    count = Counter(row.name for row in namesakes.values())
    labels = {who: f"a former member ({str(who)[:8]})" if len(former) > 1 else "a former member" for who in former}
    for who in wanted.intersection(namesakes):
        name, email = namesakes[who].name, namesakes[who].email
        labels[who] = f"{name} ({email or str(who)[:8]})" if count[name] > 1 else name
    return labels
