"""Roles and what they reach; refused here in words, before the database refuses in its own."""

from __future__ import annotations

from convstore.errors import ForbiddenError
from convstore.model import Actor, Role

__all__ = ["ROLES", "is_at_least", "require_role"]

#: From the least to the most.
ROLES: tuple[Role, ...] = ("viewer", "reviewer", "lead", "admin")


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
