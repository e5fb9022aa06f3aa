"""Opens the embedded server: joins the one that runs, or makes the database and starts it.

A process that uses the server holds `users.lock`, shared, from `open_server` to `close` or to its end, however it
ends. Whether a server runs is found out by connecting and comparing the data directory it names. Must not know
schemas, roles of the application or SQLAlchemy.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from convstore.database.embedded import keeper
from convstore.database.embedded.cluster import SUPERUSER, check_version, make_cluster, server_settings
from convstore.database.embedded.places import (
    SOCKET_NAME,
    Places,
    find_lock,
    held,
    make_socket_directory,
    open_lock,
)
from convstore.database.embedded.programs import ENVIRONMENT, find_account, get_programs
from convstore.errors import DatabaseUnavailableError

__all__ = ["EmbeddedServer", "open_server", "stop_server"]

DATABASE = "convstore"
APP_ROLE = "convstore_app"
START_TIMEOUT_S = 120.0
POLL_S = 0.02
LINGER_S = 3.0
LOG_LIMIT_BYTES = 4 * 1024 * 1024
LOG_TAIL_BYTES = 1500


class _Use:
    """This process's hold of `users.lock`."""

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = open_lock(path)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        os.utime(self._descriptor)  # the keeper lingers after the last use, however short that was

    def release(self) -> None:
        if self._descriptor is not None:
            os.utime(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server and this process's use of it; a context manager."""

    data_directory: Path
    socket_directory: Path
    version: int
    _use: _Use = field(repr=False, compare=False)

    @property
    def admin_url(self) -> str:
        """The database `convstore` for the superuser."""
        return self.admin_url_for(DATABASE)

    @property
    def app_url(self) -> str:
        """The database `convstore` for the role that the application signs in as; migrations make that role."""
        return _url(APP_ROLE, DATABASE, self.socket_directory)

    def admin_url_for(self, database: str) -> str:
        """Another database of the same server for the superuser."""
        return _url(SUPERUSER, database, self.socket_directory)

    def close(self) -> None:
        """End this process's use; the server stops a few seconds after the last one."""
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
        The home cannot be written, there are no programs or no account to run them, the data directory is of
        another major version, or the server does not start.
    """
    places = Places(home.absolute())
    places.make_folder()
    use = _Use(places.users_lock)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        server = _find_running(places, use)
        if server is None:
            with held(places.start_lock, START_TIMEOUT_S):
                while (server := _find_running(places, use)) is None:
                    lock = find_lock(places.server_lock)
                    if lock is not None:
                        try:
                            _start(places, pg_bin, lock)
                        finally:
                            os.close(lock)
                    elif time.monotonic() > deadline:
                        raise _silent(places)
                    else:
                        time.sleep(POLL_S)  # a server that ends, or one that is too busy to answer
    except BaseException:
        use.release()
        raise
    return server


def stop_server(home: Path) -> bool:
    """Stop the server of this home, whoever uses it; False if none ran."""
    places = Places(home.absolute())
    if not places.folder.is_dir():
        return False
    with held(places.start_lock, START_TIMEOUT_S):
        deadline = time.monotonic() + START_TIMEOUT_S
        ran = False
        while (lock := find_lock(places.server_lock)) is None:
            ran = True
            places.stop_request.touch()
            if time.monotonic() > deadline:
                raise _silent(places)
            time.sleep(POLL_S)
        os.close(lock)
        places.stop_request.unlink(missing_ok=True)
        return ran


def _url(role: str, database: str, socket_directory: Path) -> str:
    return f"postgresql://{role}@/{quote(database, safe='')}?host={quote(str(socket_directory), safe='')}&port=5432"


def _find_running(places: Places, use: _Use) -> EmbeddedServer | None:
    directory = places.find_socket_directory()
    if directory is None or not (directory / SOCKET_NAME).exists():
        return None
    try:
        try:
            connection = psycopg.connect(_url(SUPERUSER, DATABASE, directory), autocommit=True)
        except psycopg.OperationalError as exc:
            if "does not exist" not in str(exc):
                return None
            _create_database(directory)
            connection = psycopg.connect(_url(SUPERUSER, DATABASE, directory), autocommit=True)
        with connection:
            row = connection.execute("SELECT current_setting('convstore.data_directory', true)").fetchone()
            version = connection.info.server_version // 10000
    except psycopg.OperationalError:
        return None
    if row is None or row[0] != str(places.data):
        return None
    return EmbeddedServer(places.data, directory, version, use)


def _create_database(socket_directory: Path) -> None:
    with psycopg.connect(_url(SUPERUSER, "postgres", socket_directory), autocommit=True) as connection:
        try:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            pass  # somebody else was first


def _start(places: Places, pg_bin: Path | None, lock: int) -> None:
    """Start a keeper with the server, and wait until the server is ready."""
    account = find_account(places.data)
    programs = get_programs(pg_bin, account)
    if not places.data.exists():
        make_cluster(places.data, programs, account)
    check_version(places.data, programs)
    uid, gid = (account.uid, account.gid) if account else (None, None)
    socket_directory = make_socket_directory(as_root=account is not None, uid=uid or 0, gid=gid or 0)
    places.record_socket_directory(socket_directory)
    data_descriptor = os.open(places.data, os.O_RDONLY | os.O_DIRECTORY)
    report, report_end = os.pipe()
    settings = server_settings(places.data, socket_directory)
    order = {
        "command": [
            str(programs.folder / "postgres"),
            "-D",
            f"/proc/self/fd/{data_descriptor}" if account else str(places.data),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ],
        "uid": uid,
        "gid": gid,
        "data": str(places.data),
        "data_descriptor": data_descriptor,
        "lock_descriptor": lock,
        "report_descriptor": report_end,
        "users_lock": str(places.users_lock),
        "stop_request": str(places.stop_request),
        "socket": str(socket_directory / SOCKET_NAME),
        "linger_s": LINGER_S,
    }
    try:
        with _log(places) as log:
            subprocess.run(
                [sys.executable, "-I", "-S", keeper.__file__, json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[data_descriptor, lock, report_end],
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,
                check=True,
            )
        os.close(report_end)
        report_end = -1
        if select.select([report], [], [], START_TIMEOUT_S)[0] and os.read(report, 16) == b"ready":
            return
        raise DatabaseUnavailableError(
            f"The embedded database did not start: {_log_tail(places)}",
            hint=f"Read {places.log}; check that the disk of {places.home} has space left.",
            facts={"data_directory": str(places.data), "programs": str(programs.folder)},
        )
    finally:
        for descriptor in (data_descriptor, report, report_end):
            if descriptor >= 0:
                os.close(descriptor)


@contextmanager
def _log(places: Places) -> Iterator[int]:
    if places.log.exists() and places.log.stat().st_size > LOG_LIMIT_BYTES:
        places.log.replace(places.log.with_suffix(".log.1"))
    descriptor = os.open(places.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _log_tail(places: Places) -> str:
    text = places.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
    return " / ".join(text.splitlines()[-4:])


def _silent(places: Places) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        f"The embedded database in {places.data} runs but does not answer.",
        hint=f"Wait for its other users to finish, then try again; {places.log} tells more.",
    )
