"""Lists, single conversations, and what happened to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypedDict, Unpack
from uuid import UUID

from convstore.core.acting import Acting
from convstore.database import Context
from convstore.model import Conversation, ConversationDetail, Event, Filter, Order, Page, Sort

__all__ = ["Reading"]

#: A signed address is made anew after at most this long.
_SIGNED_URL_KEPT_S = 300.0


class PageOrder(TypedDict, total=False):
    """How a list is sorted and cut."""

    sort: Sort
    order: Order
    limit: int


class Reading(Acting):
    """Lists, single conversations, and what happened to them."""

    def search(
        self,
        wanted: Filter | None = None,
        *,
        sort: Sort = "created",
        order: Order = "desc",
        limit: int = 25,
        cursor: str | None = None,
    ) -> Page[Conversation]:
        """One page of conversations; see `convstore.queries.pages.list_conversations`."""
        from convstore.queries.pages import list_conversations

        wanted = wanted or Filter()
        workspace_id = self.actor.workspace_id

        view = self._view()

        def ask() -> Page[Conversation]:
            # Every page of a list, in any order, has the same total.
            total = view.find(("count", wanted))
            with self._reading() as connection:
                page = list_conversations(
                    connection, wanted, workspace_id, sort=sort, order=order, limit=limit, cursor=cursor, total=total
                )
            view.keep(("count", wanted), (page.total, page.total_is_exact))
            return page

        return view.get(("page", wanted, sort, order, limit, cursor), ask)

    def prefetch(self, page: Page[Conversation], wanted: Filter | None = None, **order: Unpack[PageOrder]) -> None:
        """Have the page behind this one ready when somebody turns to it; asked for as `search` was."""
        if page.next is not None and self.settings.cache_seconds:
            cursor = page.next
            self.resources.ahead.fetch(lambda: self.search(wanted, cursor=cursor, **order))

    def count(self, wanted: Filter | None = None) -> tuple[int, bool]:
        """How many conversations match, and whether that is exact (up to 10,000)."""
        from convstore.queries.totals import count

        wanted = wanted or Filter()

        def ask() -> tuple[int, bool]:
            with self._reading() as connection:
                return count(connection, wanted, self.actor.workspace_id)

        return self._cached(("count", wanted), ask)

    def get(self, identifier: str) -> ConversationDetail:
        """A conversation with its turns, findings, reviews and history, by conversation id or row id.

        Raises
        ------
        NotFoundError
            There is none in this workspace.
        """
        from convstore.queries.detail import get_detail

        return get_detail(self.database, Context.of(self.actor), identifier, self.actor.workspace_id)

    def document(self, identifier: str) -> bytes:
        """The stored JSON document of a conversation.

        The row's own permission is checked in the database first; the file is read after that.
        """
        from convstore.files import unpack
        from convstore.queries.conversations import get_conversation

        with self._reading() as connection:
            row = get_conversation(connection, identifier, self.actor.workspace_id)
        return unpack(self.files.get(row["file_path"]))

    def open_document(self, identifier: str) -> tuple[Conversation, Iterator[bytes]]:
        """A row and its stored document in pieces; the file is opened when the first piece is asked for."""
        from convstore.files import iter_unpacked
        from convstore.queries.conversations import as_conversation, get_conversation

        with self._reading() as connection:
            row = get_conversation(connection, identifier, self.actor.workspace_id)

        def iter_pieces() -> Iterator[bytes]:
            yield from iter_unpacked(self.files.open(row["file_path"]))

        return as_conversation(row), iter_pieces()

    def signed_url(self, identifier: str) -> str | None:
        """An address for an hour under which anyone may read the file; None where the app serves files itself."""
        from convstore.queries.conversations import get_conversation

        with self._reading() as connection:
            path = get_conversation(connection, identifier, self.actor.workspace_id)["file_path"]
        # However long other answers are kept: this one is good for an hour, and for whoever has it.
        span = int(time.monotonic() // _SIGNED_URL_KEPT_S)
        return self._cached(("signed url", path, span), lambda: self.files.signed_url(path))

    def download(self, wanted: Filter | None = None) -> Iterator[bytes]:
        """The files of every conversation that matches, as a zip in pieces."""
        from convstore.downloads import iter_zip

        return iter_zip(self.database, self.files, self.actor, wanted or Filter())

    def scaffolding(self) -> dict[str, dict[str, str]]:
        """Names of personas, arcs, topics and templates by key."""
        from convstore.queries.scaffolding import list_names

        def ask() -> dict[str, dict[str, str]]:
            with self._reading() as connection:
                return list_names(connection, self.actor.workspace_id)

        return self._cached(("scaffolding",), ask)

    def events(
        self, *, action: str | None = None, actor_id: UUID | None = None, before_id: int | None = None, limit: int = 100
    ) -> tuple[Event, ...]:
        """The workspace's audit, newest first."""
        from convstore.queries.events import list_events

        with self._reading() as connection:
            return list_events(
                connection, self.actor.workspace_id, action=action, actor_id=actor_id, before_id=before_id, limit=limit
            )
