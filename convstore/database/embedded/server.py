"""Opens the embedded server: joins the one that runs, or has it made and started.

A process that uses the server holds `users.lock`, shared, from `open_server` to `close` or to its end, however it
ends. Whether a server runs is found out by connecting and comparing the data directory it names. Must not know the
schema, roles beyond their names, or SQLAlchemy.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from convstore.database.addresses import APP_ROLE
from convstore.database.embedded.cluster import SUPERUSER, identity_of
from convstore.database.embedded.launch import launch
from convstore.database.embedded.places import POLL_S, SOCKET_NAME, Places, find_lock, held, open_lock
from convstore.errors import DatabaseUnavailableError

__all__ = ["EmbeddedServer", "open_server", "stop_server"]

DATABASE = "convstore"
ANSWER_TIMEOUT_S = 10
TIMEOUT_S = 120.0


class _Use:
    """This process's hold of `users.lock`."""

    def __init__(self, places: Places) -> None:
        self._descriptor: int | None = open_lock(places.users_lock)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)  # waits for a server that ends for want of users
        os.utime(self._descriptor)  # tells the keeper of a use too short to be seen

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server and this process's use of it; a context manager.

    Forked children share the use; other processes call `open_server` themselves.
    """

    data_directory: Path
    socket_directory: Path
    version: int
    _use: _Use = field(repr=False, compare=False)

    @property
    def admin_url(self) -> str:
        """The database `convstore`, for the superuser."""
        return self.admin_url_for(DATABASE)

    @property
    def app_url(self) -> str:
        """The database `convstore`, for the role that the application signs in as; migrations make that role."""
        return _url(APP_ROLE, DATABASE, self.socket_directory)

    def admin_url_for(self, database: str) -> str:
        """Another database of the same server, for the superuser."""
        return _url(SUPERUSER, database, self.socket_directory)

    def close(self) -> None:
        """End this use; the server stops a few seconds after the last one."""
        self._use.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_server(home: Path, *, pg_bin: Path | None = None) -> EmbeddedServer:
    """Join the server of this home, making its database and starting it if needed.

    Parameters
    ----------
    pg_bin
        Folder of PostgreSQL's programs; without it the wheel's, else the system's.

    Raises
    ------
    DatabaseUnavailableError
        The home cannot be written, there are no programs or no account to run them, the data directory was made
        by another major version, or the server does not start.
    """
    places = Places(home.absolute())
    try:
        places.make_folder()
        use = _Use(places)
        try:
            directory, version = _find_running(places) or _started(places, pg_bin)
        except BaseException:
            use.release()
            raise
    except OSError as exc:
        raise DatabaseUnavailableError(
            f"The embedded database cannot use its folder {places.folder}: {exc}.",
            hint="Set CONVSTORE_HOME to a folder that you may write to and that has space left, "
            "or CONVSTORE_DATABASE_URL to a PostgreSQL server.",
            facts={"home": str(places.home)},
        ) from exc
    return EmbeddedServer(places.data, directory, version, use)


def stop_server(home: Path) -> bool:
    """Stop the server of this home, whoever uses it, and wait for its end; False if none ran."""
    places = Places(home.absolute())
    if not places.folder.is_dir():
        return False
    with held(places.start_lock, TIMEOUT_S):
        deadline = time.monotonic() + TIMEOUT_S
        ran = False
        while (lock := find_lock(places.server_lock)) is None:
            ran = True
            places.stop_request.touch()
            _check_time(places, deadline)
            time.sleep(POLL_S)
        os.close(lock)
        places.stop_request.unlink(missing_ok=True)
        return ran


def _started(places: Places, pg_bin: Path | None) -> tuple[Path, int]:
    with held(places.start_lock, TIMEOUT_S):
        deadline = time.monotonic() + TIMEOUT_S
        while (running := _find_running(places)) is None:
            lock = find_lock(places.server_lock)
            if lock is None:  # a server that ends, or one too busy to answer
                _check_time(places, deadline)
                time.sleep(POLL_S)
                continue
            try:
                launch(places, pg_bin, lock)
            finally:
                os.close(lock)
            _check_time(places, deadline)
        return running


def _check_time(places: Places, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise DatabaseUnavailableError(
            f"The embedded database in {places.data} runs but neither answers nor ends.",
            hint=f"Read {places.log}; end the processes that use it, then try again.",
        )


def _find_running(places: Places) -> tuple[Path, int] | None:
    """Socket folder and major version of the server that answers and serves this data directory."""
    directory = places.find_socket_directory()
    if directory is None or not (directory / SOCKET_NAME).exists():
        return None
    try:
        with _connected(directory) as connection:
            row = connection.execute("SELECT current_setting('convstore.data_directory', true)").fetchone()
            if row is None or row[0] != identity_of(places.data):
                return None
            return directory, connection.info.server_version // 10000
    except psycopg.OperationalError:
        return None


def _connected(directory: Path) -> psycopg.Connection:
    """A connection to the product's database, which is made if it is missing."""
    url = _url(SUPERUSER, DATABASE, directory)
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=ANSWER_TIMEOUT_S)
    except psycopg.OperationalError as exc:
        if f'database "{DATABASE}" does not exist' not in str(exc):  # a failed sign-in carries no SQLSTATE
            raise
    maintenance = _url(SUPERUSER, "postgres", directory)
    somebody_was_first = suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
    with (
        psycopg.connect(maintenance, autocommit=True, connect_timeout=ANSWER_TIMEOUT_S) as connection,
        somebody_was_first,
    ):
        connection.execute(f"CREATE DATABASE {DATABASE}")
    return psycopg.connect(url, autocommit=True, connect_timeout=ANSWER_TIMEOUT_S)


def _url(role: str, database: str, socket_directory: Path) -> str:
    return f"postgresql://{role}@/{quote(database, safe='')}?host={quote(str(socket_directory), safe='')}&port=5432"
