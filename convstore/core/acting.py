"""One person in one workspace: their transactions, and what is kept for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from convstore.cache import View
from convstore.core.resources import Resources
from convstore.database import Context, Database
from convstore.errors import ForbiddenError
from convstore.model import Actor
from convstore.queries import people
from convstore.settings import Settings

if TYPE_CHECKING:
    from convstore.files import FileStore

__all__ = ["Acting"]


T = TypeVar("T")


class Acting:
    """What every part of the store stands on: who acts, and in which transactions."""

    def __init__(self, resources: Resources, actor: Actor) -> None:
        self.resources = resources
        self.actor = actor

    @property
    def settings(self) -> Settings:
        """What the environment says."""
        return self.resources.settings

    @property
    def database(self) -> Database:
        """The database."""
        return self.resources.database

    @property
    def files(self) -> FileStore:
        """The file store."""
        return self.resources.files

    def memberships(self) -> tuple[people.Membership, ...]:
        """The workspaces of this person."""
        with self._reading() as connection:
            return people.list_memberships(connection, self.actor.user_id)

    def _space_check(self) -> Callable[[int], None]:
        from convstore.retention import SpaceGuard

        return SpaceGuard(self.database, self.actor).check

    def _language(self) -> str:
        own = [m for m in self.memberships() if m.workspace_id == self.actor.workspace_id]
        return own[0].language if own else "en"

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with self.database.transaction(Context.of(self.actor), read_only=True) as connection:
            yield connection

    @contextmanager
    def _reading_replica(self) -> Iterator[Any]:
        with self.database.transaction(Context.of(self.actor), read_only=True, replica=True) as connection:
            yield connection

    def _require_lead(self, what: str) -> None:
        if self.actor.role not in ("lead", "admin"):
            raise ForbiddenError(f"only a lead {what}", hint="Ask a lead of the workspace.")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # Also after a failure: a part may have been written.
        try:
            yield
        finally:
            self.resources.cache.invalidate(self.actor.workspace_id)

    def _cached(self, key: Hashable, ask: Callable[[], T]) -> T:
        return self._view().get(key, ask)

    def _view(self) -> View:
        self.resources.watch()
        return self.resources.cache.view(self.actor.workspace_id, self.actor.user_id)
