"""Where a backup is written: beside its place, closed to others, and renamed when it is whole."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from convstore.errors import ConflictError, StorageUnavailableError, UsageError

__all__ = ["draft_of", "target_of"]

DRAFT_SUFFIX = ".part"


def target_of(path: Path, now: datetime) -> Path:
    """The file to write: in a folder, one that is named by the time.

    Raises
    ------
    UsageError
        There is no such folder.
    ConflictError
        The file exists.
    """
    target = path / f"convstore-{now:%Y%m%dT%H%M%SZ}.tar" if path.is_dir() else path
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", hint="Make it first, or name another one.")
    if target.exists():
        raise ConflictError(f"{target} exists", hint="Name another file, or a folder: then the time is the name.")
    return target


@contextmanager
def draft_of(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """An open file beside the target that becomes it at the end, and its path; an exception leaves nothing behind.

    What a killed process left is written over, or cleared away by the next backup into the same folder.

    Raises
    ------
    StorageUnavailableError
        The disk is full or refuses.
    """
    draft = target.with_name(f".{target.name}{DRAFT_SUFFIX}")
    try:
        _sweep(target.parent)
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
            if not _claim(file, draft):
                raise ConflictError(f"another backup is being written to {target}", hint="Wait for it.")
            file.truncate()
            try:
                yield file, draft
                file.flush()
                os.fsync(file.fileno())
                draft.rename(target)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
        _flush_folder(target.parent)
    except OSError as exc:
        raise StorageUnavailableError(
            f"{target} cannot be written: {exc.strerror}",
            hint="Free space there, or name a folder that is yours and has some.",
            facts={"path": str(target)},
            retryable=False,
        ) from exc


def _claim(file: BinaryIO, draft: Path) -> bool:
    """Hold the draft alone; False if somebody else does, or has just finished it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return draft.exists() and os.path.samestat(draft.stat(), os.fstat(file.fileno()))


def _sweep(folder: Path) -> None:
    """Remove the drafts of processes that were killed: nobody holds them."""
    for draft in folder.glob(f".convstore-*.tar{DRAFT_SUFFIX}"):
        with draft.open("rb") as file, suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink(missing_ok=True)


def _flush_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
