"""Workspaces and their members: make, rename, settle; invite, change, remove. The database decides who may."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection, func, select

from convstore.database import Context, Database
from convstore.errors import ConflictError, ConvstoreError, ForbiddenError, InvalidInputError, NotFoundError
from convstore.model import Actor, Role
from convstore.queries import members
from convstore.queries.members import Member, WorkspaceSettings
from convstore.rights import require_role

__all__ = [
    "add_member",
    "change_role",
    "create_workspace",
    "get_workspace",
    "list_people",
    "normal_email",
    "remove_member",
    "update_workspace",
]

SLUG = re.compile(r"[a-z0-9](-?[a-z0-9]){0,62}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
MAX_NAME = 100
_LAST_ADMIN = "workspace_members_last_admin"


def create_workspace(database: Database, actor: Actor, slug: str, *, name: str | None = None) -> UUID:
    """Make a workspace with the actor as its admin.

    Raises
    ------
    InvalidInputError
        The slug cannot stand in commands and addresses.
    ConflictError
        The slug is taken.
    ForbiddenError
        The actor is admin nowhere.
    """
    if not SLUG.fullmatch(slug):
        raise InvalidInputError(
            f"{slug!r} cannot name a workspace",
            hint="Use up to 63 small letters and digits, with single hyphens between them.",
        )
    with (
        _in_words(taken=f"there is a workspace {slug!r} already"),
        database.transaction(Context.of(actor)) as connection,
    ):
        made = connection.execute(select(func.convstore.create_workspace(slug, _name(name or slug)))).scalar_one()
    assert isinstance(made, UUID)
    return made


def get_workspace(database: Database, actor: Actor) -> WorkspaceSettings:
    """What is settled for the actor's workspace."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        return members.get_settings(connection, actor.workspace_id)


def update_workspace(database: Database, actor: Actor, changes: Mapping[str, Any]) -> None:
    """Rename the actor's workspace or change its settings.

    Parameters
    ----------
    changes
        By the names of `WorkspaceSettings`, without `slug`.
    """
    require_role(actor, "admin", "changing the workspace")
    values = dict(changes)
    if "name" in values:
        values["name"] = _name(values["name"])
    if "language" in values and not re.fullmatch(r"[a-z]{2}", values["language"]):
        raise InvalidInputError(f"{values['language']!r} is no language", hint="Give an ISO 639-1 code such as en.")
    if "reject_reasons" in values:
        values["reject_reasons"] = [reason.strip() for reason in values["reject_reasons"] if reason.strip()]
    with database.transaction(Context.of(actor)) as connection:
        if not members.update_settings(connection, actor.workspace_id, values):
            raise _refused(actor)


def list_people(database: Database, actor: Actor) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    """The members of the actor's workspace, and for admins those who are invited."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        return (
            members.list_members(connection, actor.workspace_id),
            members.list_invitations(connection, actor.workspace_id),
        )


def add_member(database: Database, actor: Actor, email: str, role: Role) -> Literal["added", "invited"]:
    """Let somebody belong to the workspace: at once if we know the e-mail, else from their first sign-in on."""
    require_role(actor, "admin", "adding members")
    address = normal_email(email)
    _check_role(role)
    with _in_words(), database.transaction(Context.of(actor)) as connection:
        present = members.find_member(connection, actor.workspace_id, address)
        if present is not None:
            state = "a member" if present.user_id else "invited"
            raise ConflictError(
                f"{address} is {state} already, as {present.role}",
                hint=f"Another role: convstore member role {address} {role}.",
                facts={"role": present.role},
            )
        if members.insert_member(connection, actor.workspace_id, address, role):
            return "added"
        members.insert_invitation(connection, actor.workspace_id, address, role, actor.user_id)
        return "invited"


def change_role(database: Database, actor: Actor, email: str, role: Role) -> None:
    """Give a member, or somebody who is invited, another role. The last admin stays admin."""
    require_role(actor, "admin", "changing roles")
    _check_role(role)
    with _in_words(), database.transaction(Context.of(actor)) as connection:
        person = _get_person(connection, actor, normal_email(email))
        if person.user_id is not None:
            done = members.update_role(connection, actor.workspace_id, person.user_id, role)
        else:
            assert person.email is not None
            done = members.delete_invitation(connection, actor.workspace_id, person.email)
            members.insert_invitation(connection, actor.workspace_id, person.email, role, actor.user_id)
        if not done:
            raise _refused(actor)


def remove_member(database: Database, actor: Actor, email: str) -> None:
    """End a membership or withdraw an invitation. The last admin stays."""
    require_role(actor, "admin", "removing members")
    with _in_words(), database.transaction(Context.of(actor)) as connection:
        person = _get_person(connection, actor, normal_email(email))
        if person.user_id is not None:
            done = members.delete_member(connection, actor.workspace_id, person.user_id)
        else:
            assert person.email is not None
            done = members.delete_invitation(connection, actor.workspace_id, person.email)
        if not done:
            raise _refused(actor)


def normal_email(email: str) -> str:
    """An e-mail as it is kept: trimmed, in lower case; `InvalidInputError` if it is none."""
    address = email.strip().lower()
    if not EMAIL.fullmatch(address) or len(address) > 254:
        raise InvalidInputError(f"{email!r} is no e-mail address", hint="Give one such as jana@example.org.")
    return address


def _name(name: str) -> str:
    stripped = name.strip()
    if not stripped or len(stripped) > MAX_NAME:
        raise InvalidInputError(f"a workspace's name has 1 to {MAX_NAME} characters", hint="Give another name.")
    return stripped


def _check_role(role: str) -> None:
    if role not in get_args(Role):
        raise InvalidInputError(f"there is no role {role!r}", hint=f"Choose one of {', '.join(get_args(Role))}.")


def _get_person(connection: Connection, actor: Actor, email: str) -> Member:
    person = members.find_member(connection, actor.workspace_id, email)
    if person is None:
        raise NotFoundError(
            f"{email} is no member of {actor.workspace_slug} and not invited", hint="`convstore member list` shows all."
        )
    return person


def _refused(actor: Actor) -> ForbiddenError:
    return ForbiddenError(
        f"only an admin of {actor.workspace_slug} may do this", hint="Ask one; `convstore member list` names them."
    )


@contextmanager
def _in_words(*, taken: str = "somebody else did the same in this moment") -> Iterator[None]:
    """Say what the database's refusals mean here."""
    try:
        yield
    except ConvstoreError as exc:
        if exc.facts.get("constraint") == _LAST_ADMIN:
            raise ConflictError(
                "the last admin of a workspace stays", hint="Make somebody else admin first.", code="ERR_LAST_ADMIN"
            ) from exc
        if exc.code == "ERR_DB_UNIQUE_VIOLATION":
            raise ConflictError(taken, hint="Look at the list again, or choose another name.") from exc
        raise
