"""From an identity to a profile: made at the first sign-in, with the memberships that waited for it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Context, Database, system_context
from convstore.database.tables import profiles, workspace_invitations, workspace_members
from convstore.identity.claims import Identity

__all__ = ["Person", "admit"]

p = profiles.c
i = workspace_invitations.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whom we know."""

    user_id: UUID
    name: str
    email: str | None


def admit(database: Database, identity: Identity) -> Person:
    """The person behind a verified identity. Gives nobody a workspace but those who were invited by this e-mail."""
    waiting = exists().where(i.email == identity.email) if identity.email else None
    query = select(p.id, p.name, p.email, *([] if waiting is None else [waiting])).where(
        p.issuer == identity.issuer, p.subject == identity.subject
    )
    with database.transaction(system_context(), read_only=True) as connection:
        known = connection.execute(query).first()
    if known is not None and known.email == (identity.email or known.email) and not (waiting is not None and known[3]):
        return Person(user_id=known.id, name=known.name, email=known.email)
    user_id = known.id if known is not None else identity.profile_id or uuid4()
    with database.transaction(Context(user_id=user_id, role="service_role", note="sign-in")) as connection:
        row = connection.execute(
            insert(profiles)
            .values(
                id=user_id,
                issuer=identity.issuer,
                subject=identity.subject,
                email=identity.email,
                name=identity.name,
                last_seen_at=func.now(),
            )
            .on_conflict_do_update(
                index_elements=["issuer", "subject"],
                # People may rename themselves here; their e-mail is what the issuer says, as long as it says one.
                set_={"email": func.coalesce(identity.email, p.email), "last_seen_at": func.now()},
            )
            .returning(p.id, p.name, p.email)
        ).one()
        if row.email is not None:
            invited = connection.execute(
                delete(workspace_invitations).where(i.email == row.email).returning(i.workspace_id, i.role)
            ).all()
            if invited:
                connection.execute(
                    insert(workspace_members).on_conflict_do_nothing(),
                    [{"workspace_id": w, "user_id": row.id, "role": role} for w, role in invited],
                )
    return Person(user_id=row.id, name=row.name, email=row.email)
