"""Where the embedded server keeps its things, and the locks that say who uses them.

Locks are `flock`s: the kernel drops them with the last process that holds them, so a lock is never stale and no
process number is ever believed. This module knows files and locks; it must not know PostgreSQL's programs.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from convstore.errors import DatabaseUnavailableError

__all__ = ["POLL_S", "SOCKET_NAME", "Places", "find_lock", "held", "make_socket_directory", "open_lock"]

POLL_S = 0.02
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PREFIX = "convstore-"
LONGEST_SOCKET_PATH_BYTES = 103  # 107 on Linux, 103 on other systems


@dataclass(frozen=True)
class Places:
    """The paths of one home's server."""

    home: Path

    @property
    def folder(self) -> Path:
        """All of the following."""
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        """The data directory, made elsewhere and renamed into place."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server and its keeper say."""
        return self.folder / "server.log"

    @property
    def users_lock(self) -> Path:
        """Held shared, once by each process that uses the server."""
        return self.folder / "users.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the keeper, the server and every process of the server: free means that none is left."""
        return self.folder / "server.lock"

    @property
    def start_lock(self) -> Path:
        """Held while somebody makes, starts or stops the server."""
        return self.folder / "start.lock"

    @property
    def stop_request(self) -> Path:
        """Exists while a stop is asked for."""
        return self.folder / "stop"

    @property
    def socket_record(self) -> Path:
        """Names the run-time folder of the server that was started last."""
        return self.folder / "socket"

    def make_folder(self) -> None:
        """Create the home and the folder inside it, private to the user; what exists is left as it is."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def find_socket_directory(self) -> Path | None:
        """The run-time folder of the server that was started last."""
        try:
            return Path(os.fsdecode(self.socket_record.read_bytes()))
        except FileNotFoundError:
            return None

    def replace_socket_directory(self, directory: Path) -> None:
        """Record where the next server listens, in one step, and clear away what the last one left."""
        last = self.find_socket_directory()
        draft = self.socket_record.with_suffix(".new")
        draft.write_bytes(os.fsencode(directory))
        draft.replace(self.socket_record)
        if last is not None and last.name.startswith(SOCKET_PREFIX):
            with suppress(OSError):
                for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
                    (last / name).unlink(missing_ok=True)
                last.rmdir()


def make_socket_directory(owner: tuple[int, int] | None) -> Path:
    """Make a new private folder with a path short enough for a socket.

    The server asks nobody for a password: this folder is the guard. It has mode 0700 and belongs to the account
    that runs the server (`owner`, when the caller is root), so nobody but that account and root reaches the socket.
    """
    bases = [Path(tempfile.gettempdir()), Path("/tmp")]
    if owner is not None:
        bases.insert(0, Path("/run/convstore"))
    refused: list[str] = []
    for base in bases:
        try:
            if owner is not None:
                base.mkdir(mode=0o755, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=base))
        except OSError as exc:
            refused.append(f"{base}: {exc.strerror}")
            continue
        if len(os.fsencode(made / SOCKET_NAME)) > LONGEST_SOCKET_PATH_BYTES:
            made.rmdir()
            refused.append(f"{base}: too long for a socket")
            continue
        if owner is not None:
            os.chown(made, *owner)
        return made
    raise DatabaseUnavailableError(
        f"There is no folder for the embedded database's socket: {'; '.join(refused)}.",
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
                hint=f"Read {path.parent / 'server.log'}, then try again.",
                facts={"lock": str(path)},
            )
        time.sleep(POLL_S)
    try:
        yield
    finally:
        os.close(descriptor)
