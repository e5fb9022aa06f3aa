"""People for tests: profiles, memberships, stores."""

from __future__ import annotations

from uuid import UUID

from convstore.core import ConvStore, Resources
from convstore.database import Database
from convstore.identity import Identity, admit
from convstore.model import Role

__all__ = ["ISSUER", "identity", "join", "sign_in"]

ISSUER = "https://login.example.org"


def identity(name: str, *, verified: bool = True) -> Identity:
    return Identity(
        issuer=ISSUER, subject=name, name=name.capitalize(), email=f"{name}@example.org" if verified else None
    )


def join(database: Database, user_id: UUID, role: Role, *, slug: str = "default") -> None:
    """Let somebody belong to a workspace, which is made if it is not there."""
    with database.admin() as connection:
        connection.execute(
            "INSERT INTO workspaces (slug, name) VALUES (%s, initcap(%s)) ON CONFLICT DO NOTHING", [slug, slug]
        )
        connection.execute(
            "INSERT INTO workspace_members (workspace_id, user_id, role)"
            " SELECT id, %s, %s FROM workspaces WHERE slug = %s",
            [user_id, role, slug],
        )


def sign_in(resources: Resources, name: str, role: Role, *, slug: str = "default") -> ConvStore:
    """A signed-in member of a workspace."""
    join(resources.database, admit(resources.database, identity(name)).user_id, role, slug=slug)
    return ConvStore.for_identity(resources, identity(name), workspace=slug)
