"""Roles and what they reach; refused here in words, before the database refuses in its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from convstore.errors import ForbiddenError
from convstore.model import Actor, Role

__all__ = ["ROLES", "Action", "is_at_least", "may", "require_role"]

Action = Literal[
    "read", "review", "import", "edit", "assign", "archive", "release", "scaffold", "members", "settle", "purge"
]

#: From the least to the most.
ROLES: tuple[Role, ...] = ("viewer", "reviewer", "lead", "admin")

#: The least role for what screens offer; db/README.md has the same in terms of tables.
_LEAST: Mapping[Action, Role] = {
    "read": "viewer",
    "review": "reviewer",
    "import": "reviewer",
    "edit": "reviewer",
    "assign": "lead",
    "archive": "lead",
    "release": "lead",
    "scaffold": "lead",
    "members": "admin",
    "settle": "admin",
    "purge": "admin",
}


def may(role: Role, action: Action) -> bool:
    """True if a role may do something; what it may not do is not on its screens."""
    return ROLES.index(role) >= ROLES.index(_LEAST[action])


def is_at_least(actor: Actor, least: Role) -> bool:
    """True if the actor's role reaches this one."""
    return ROLES.index(actor.role) >= ROLES.index(least)


def require_role(actor: Actor, least: Role, what: str) -> None:
    """Refuse what the actor's role does not reach.

    Parameters
    ----------
    what
        What is asked for, as in "importing".
    """
    if not is_at_least(actor, least):
        raise ForbiddenError(
            f"{what} takes the role {least}; {actor.name} is {actor.role} of {actor.workspace_slug}",
            hint="Ask an admin of the workspace for the role.",
            facts={"role": actor.role, "needed": least},
        )
