"""Where the embedded server keeps its things, and the locks that say who uses them.

    HOME/postgres/data          the data directory, made elsewhere and renamed into place
    HOME/postgres/server.log    what the server and its keeper say
    HOME/postgres/socket        names the run-time folder of the server that was started last
    HOME/postgres/users.lock    shared: one hold per process that uses the server
    HOME/postgres/server.lock   exclusive: held by the keeper, the server and every process of the server
    HOME/postgres/start.lock    exclusive: held while somebody makes, starts or stops the server
    HOME/postgres/stop          exists while a stop is asked for

Locks are `flock`s: the kernel drops them with the last process that holds them, so a lock is never stale and no
process number is ever believed. This module knows files and locks; it must not know PostgreSQL's programs.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from convstore.errors import DatabaseUnavailableError

__all__ = ["SOCKET_NAME", "Places", "find_lock", "held", "make_socket_directory", "open_lock"]

SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH_BYTES = 103  # 107 on Linux, 103 elsewhere
POLL_S = 0.02


@dataclass(frozen=True)
class Places:
    """The paths of one home's server."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def socket_record(self) -> Path:
        return self.folder / "socket"

    @property
    def users_lock(self) -> Path:
        return self.folder / "users.lock"

    @property
    def server_lock(self) -> Path:
        return self.folder / "server.lock"

    @property
    def start_lock(self) -> Path:
        return self.folder / "start.lock"

    @property
    def stop_request(self) -> Path:
        return self.folder / "stop"

    def make_folder(self) -> None:
        """Create the home and the folder inside it, private to the user; what exists is left as it is."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            os.close(open_lock(self.users_lock))
        except OSError as exc:
            raise DatabaseUnavailableError(
                f"The folder of the embedded database cannot be used: {exc.filename}: {exc.strerror}.",
                hint="Set CONVSTORE_HOME to a folder that you may write to and that has space left, "
                "or CONVSTORE_DATABASE_URL to a PostgreSQL server.",
                facts={"home": str(self.home), "errno": errno.errorcode.get(exc.errno or 0, "")},
            ) from exc

    def find_socket_directory(self) -> Path | None:
        """The run-time folder of the server that was started last."""
        try:
            return Path(os.fsdecode(self.socket_record.read_bytes()))
        except FileNotFoundError:
            return None

    def record_socket_directory(self, directory: Path) -> None:
        """Say where the next server listens, in one step."""
        draft = self.socket_record.with_suffix(".new")
        draft.write_bytes(os.fsencode(directory))
        draft.replace(self.socket_record)


def make_socket_directory(*, as_root: bool, uid: int, gid: int) -> Path:
    """Make a new private folder with a path short enough for a socket.

    The server asks nobody for a password: this folder is the guard. It has mode 0700 and belongs to the account
    that runs the server, so nobody else but root reaches the socket in it.
    """
    bases = [Path("/run/convstore")] if as_root else []
    bases += [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108
    refused: list[str] = []
    for base in bases:
        try:
            if as_root:
                base.mkdir(mode=0o755, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix="convstore-", dir=base))
        except OSError as exc:
            refused.append(f"{base}: {exc.strerror}")
            continue
        if len(os.fsencode(made / SOCKET_NAME)) > LONGEST_SOCKET_PATH_BYTES:
            made.rmdir()
            refused.append(f"{base}: too long for a socket")
            continue
        if as_root:
            os.chown(made, uid, gid)
        return made
    raise DatabaseUnavailableError(
        f"No folder for the embedded database's socket: {'; '.join(refused)}.",
        hint="Make /tmp writable, or set CONVSTORE_DATABASE_URL to a PostgreSQL server.",
    )


def open_lock(path: Path) -> int:
    """Open a lock file, making it if needed; the lock itself is not taken."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def find_lock(path: Path) -> int | None:
    """Take a lock for this process alone; None if somebody else has it. Close the descriptor to let go."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def held(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold a lock alone, waiting for others to finish."""
    deadline = time.monotonic() + timeout_s
    while (descriptor := find_lock(path)) is None:
        if time.monotonic() > deadline:
            raise DatabaseUnavailableError(
                f"Another process has been starting or stopping the embedded database for {timeout_s:.0f} s.",
                hint=f"Look into {path.parent / 'server.log'}, then try again.",
                facts={"lock": str(path)},
            )
        time.sleep(POLL_S)
    try:
        yield
    finally:
        with suppress(OSError):
            os.close(descriptor)
