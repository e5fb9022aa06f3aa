"""What every identity of one process shares: the database, the files, the cache."""

from __future__ import annotations

import getpass
import threading
from typing import TYPE_CHECKING

from convstore.cache import Ahead, Cache
from convstore.database import Database
from convstore.settings import Settings

if TYPE_CHECKING:
    from convstore.database.changes import ChangeListener
    from convstore.database.embedded import EmbeddedServer
    from convstore.files import FileStore
    from convstore.identity import TokenVerifier

__all__ = ["Resources", "local_name"]


class Resources:
    """What every identity of one process shares: the database, the files, the cache. Made when first used.

    Parameters
    ----------
    sets_up
        Serve this version of the database only, and bring the embedded server's to it; False for who saves or
        replaces it as it is.
    """

    def __init__(self, settings: Settings, *, sets_up: bool = True) -> None:
        self.settings = settings
        self._sets_up = sets_up
        self.cache = Cache(ttl_s=settings.cache_seconds)
        self._server: EmbeddedServer | None = None
        self._database: Database | None = None
        self._files: FileStore | None = None
        self._verifier: TokenVerifier | None = None
        self._changes: ChangeListener | None = None
        self._ahead = Ahead()
        self._is_current = False
        self._lock = threading.RLock()

    @property
    def database(self) -> Database:
        """The database; starts the embedded server if the settings name none."""
        with self._lock:
            if self._database is None:
                self._database = self._open_database()
            return self._database

    @property
    def files(self) -> FileStore:
        """The file store."""
        from convstore.files import open_store

        with self._lock:
            if self._files is None:
                self._files = open_store(self.settings)
            return self._files

    @property
    def verifier(self) -> TokenVerifier:
        """Verifies tokens of the configured issuer; keeps its keys."""
        from convstore.identity import TokenVerifier

        with self._lock:
            if self._verifier is None:
                self._verifier = TokenVerifier.of(self.settings)
            return self._verifier

    def check_version(self) -> None:
        """Refuse to serve anybody on a database of another version; asked until it fits, then never again."""
        if self._is_current:
            return
        from convstore import schema

        if self._sets_up and not self.settings.embedded:
            schema.check_version(self.database)
        self._is_current = True

    def watch(self) -> None:
        """Forget what is kept when another process writes; called by whoever keeps answers."""
        if self._changes is None and self.settings.cache_seconds:
            from convstore.database.changes import ChangeListener

            with self._lock:
                if self._changes is None:
                    database = self.database
                    self._changes = ChangeListener(
                        database.url,
                        self.cache.invalidate_all,
                        is_own=database.is_own,
                        polls=":6543/" in database.url,
                    )

    @property
    def ahead(self) -> Ahead:
        """Fetches what will probably be asked for next."""
        return self._ahead

    def close(self) -> None:
        """Give everything back; the embedded server stops when its last user has."""
        self._ahead.close()
        with self._lock:
            if self._changes is not None:
                self._changes.close()
                self._changes = None
            if self._files is not None:
                self._files.close()
                self._files = None
            if self._database is not None:
                self._database.close()
                self._database = None
            if self._server is not None:
                self._server.close()
                self._server = None

    def _open_database(self) -> Database:
        settings = self.settings
        if settings.database_url is not None:
            admin_url = settings.admin_url.get_secret_value() if settings.admin_url else None
            return Database.of(settings, settings.database_url.get_secret_value(), admin_url)
        from convstore import schema
        from convstore.database.embedded import open_server

        self._server = open_server(settings.home, pg_bin=settings.pg_bin)
        database = Database.of(settings, self._server.app_url, self._server.admin_url)
        # Our own server is ours to set up: nobody has to think of `init` first.
        if self._sets_up and not schema.get_state(database).current:
            schema.upgrade(database)
            schema.seed(database, admin_email=None, local_name=local_name())
        return database


def local_name() -> str:
    """The local user's name on this machine."""
    try:
        return getpass.getuser().capitalize()
    except (KeyError, OSError):
        return "Local user"
