"""The store that is measured: made and filled in a folder, or one that is there already."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from benchmarks.loading import load
from benchmarks.spreading import spread
from convstore.core import ConvStore, Resources
from convstore.settings import Settings

__all__ = ["open_store"]

_LOG = logging.getLogger(__name__)


@contextmanager
def open_store(
    *, home: Path, url: str | None = None, admin_url: str | None = None, conversations: int = 0, workspaces: int = 1
) -> Iterator[ConvStore]:
    """A store with many conversations, or with none; an empty one is filled first, a full one is taken as it is.

    Parameters
    ----------
    home
        Folder of the embedded server, and of the files.
    workspaces
        Deal the conversations out to so many, of which the actor belongs to one.
    url, admin_url
        A server that runs already; without them the embedded one is used.
    """
    settings = Settings(
        home=home,
        database_url=SecretStr(url) if url else None,
        admin_url=SecretStr(admin_url or url) if url else None,
        # What is measured is the database's answer, not the memory of it.
        cache_seconds=0,
        statement_timeout_s=600,
        pool_size=20,
    )
    resources = Resources(settings)
    try:
        store = ConvStore.for_operator(resources)
        if conversations and not store.search(limit=1).items:
            _LOG.info("loading %s conversations", f"{conversations:,}")
            actor = store.actor
            seconds = load(
                store.database.admin_url, workspace_id=actor.workspace_id, user_id=actor.user_id, count=conversations
            )
            if workspaces > 1:
                spread(store, workspaces=workspaces)
            _LOG.info("loaded in %.0f s", seconds)
        yield store
    finally:
        resources.close()
