"""Bytes on a disk: durable writes, flushed folders, the file system's errors as the store's own. Knows no keys."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from convstore.errors import StorageUnavailableError
from convstore.files.store import CHUNK_BYTES

__all__ = ["flush_folder", "has_same_bytes", "iter_chunks", "translated", "write_temporary"]

FULL = (errno.ENOSPC, errno.EDQUOT)
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


def write_temporary(folder: Path, chunks: Iterable[bytes]) -> Path:
    """Bring bytes to the disk as a new file of mode 0600; nothing stays behind when it fails."""
    handle, name = tempfile.mkstemp(dir=folder)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink()
        raise
    return temporary


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable; a folder that is gone meanwhile holds nothing to keep."""
    with suppress(FileNotFoundError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def iter_chunks(handle: int, subject: str) -> Iterator[bytes]:
    """The rest of an open file, which is closed at the end."""
    with os.fdopen(handle, "rb") as file, translated(subject):
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def has_same_bytes(one: Path, other: Path) -> bool:
    """True if both files hold the same."""
    with one.open("rb") as left, other.open("rb") as right:
        while True:
            chunk = left.read(CHUNK_BYTES)
            if chunk != right.read(CHUNK_BYTES):
                return False
            if not chunk:
                return True


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Turn an `OSError` into a `StorageUnavailableError` that names what was being done."""
    try:
        yield
    except OSError as exc:
        facts = {"subject": subject, "errno": errno.errorcode.get(exc.errno or 0, ""), "file": str(exc.filename)}
        if exc.errno in FULL:
            raise StorageUnavailableError(
                f"no space left for {subject}", hint="Free space under CONVSTORE_HOME and try again.", facts=facts
            ) from exc
        if exc.errno in REFUSED:
            raise StorageUnavailableError(
                f"no right to reach {subject}: {exc.strerror}",
                hint="CONVSTORE_HOME must belong to the user that runs convstore.",
                facts=facts,
                retryable=False,
            ) from exc
        raise StorageUnavailableError(f"{subject}: {exc.strerror or exc}", facts=facts) from exc
