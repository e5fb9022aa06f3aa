"""Workspaces and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from convstore.core.acting import Acting
from convstore.model import Role

if TYPE_CHECKING:
    from convstore.queries.members import Member, WorkspaceSettings

__all__ = ["Administration"]


class Administration(Acting):
    """Workspaces and their members."""

    def workspace(self) -> WorkspaceSettings:
        """What is settled for this workspace."""
        from convstore.workspaces import get_workspace

        return get_workspace(self.database, self.actor)

    def create_workspace(self, slug: str, *, name: str | None = None) -> UUID:
        """Make another workspace, with this person as its admin."""
        from convstore.workspaces import create_workspace

        return create_workspace(self.database, self.actor, slug, name=name)

    def update_workspace(self, **changes: Any) -> None:
        """Rename this workspace or change its settings; see `convstore.workspaces.update_workspace`."""
        from convstore.workspaces import update_workspace

        with self._writing():
            update_workspace(self.database, self.actor, changes)

    def members(self) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
        """The members of this workspace, and for admins those who are invited."""
        from convstore.workspaces import list_people

        return list_people(self.database, self.actor)

    def add_member(self, email: str, role: Role) -> Literal["added", "invited"]:
        """Let somebody belong to this workspace, at once or from their first sign-in on."""
        from convstore.workspaces import add_member

        return add_member(self.database, self.actor, email, role)

    def change_role(self, email: str, role: Role) -> None:
        """Give a member, or somebody who is invited, another role."""
        from convstore.workspaces import change_role

        change_role(self.database, self.actor, email, role)

    def remove_member(self, email: str) -> None:
        """End a membership or withdraw an invitation."""
        from convstore.workspaces import remove_member

        remove_member(self.database, self.actor, email)
