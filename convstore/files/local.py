"""A file store in a folder. Knows the file system and nothing of conversations.

An object is written to `#incoming`, flushed, and then linked to its path: a link appears at once and whole, and
unlike a rename it never replaces what is there. No key holds a `#`, so a cut upload can be neither read nor listed.
Every folder above a new object is flushed before a call returns, whoever made it: another writer may have made it
a moment ago and not have come that far.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from convstore.errors import InvalidInputError, StorageUnavailableError
from convstore.files.disk import flush_folder, has_same_bytes, iter_chunks, translated, write_temporary
from convstore.files.disk_listing import file_stat, iter_objects
from convstore.files.keys import check_folder, check_key, names_below
from convstore.files.store import (
    CHUNK_BYTES,
    GZIP,
    MAX_LIST,
    FileStat,
    StoreFact,
    check_content_type,
    check_size,
    iter_batches,
    not_found,
    other_content,
)

__all__ = ["LocalStore"]

INCOMING = "#incoming"
#: An upload that has not grown for this long was cut.
STALE_S = 6 * 3600
#: Flushing waits for the disk, not for a processor; more threads than this only queue there.
FLUSH_THREADS = 8
FOLDER_MODE = 0o700


class LocalStore:
    """Objects as files under `root`, one folder a bucket."""

    def __init__(self, root: Path, bucket: str) -> None:
        self.bucket = bucket
        self.root = Path(os.path.realpath(root)) / check_key(bucket)
        self._incoming = self.root / INCOMING
        self._flushers = ThreadPoolExecutor(FLUSH_THREADS, thread_name_prefix="convstore-files")
        self._is_swept = False

    def prepare(self) -> None:
        """Make the folder."""
        with translated(str(self.root)):
            self._make_root()

    # Writing

    def put(self, path: str, data: bytes, *, content_type: str = GZIP) -> None:
        """Store an object; the same bytes again are fine, other bytes at the same path are a `ConflictError`."""
        check_content_type(path, content_type)
        self._put_batch([(path, data)])

    def put_many(self, objects: Iterable[tuple[str, bytes]]) -> None:
        """Store gzip objects as one batch; if one fails, the others may or may not be there."""
        for batch in iter_batches(objects):
            self._put_batch(batch)

    def put_stream(self, path: str, source: BinaryIO, *, content_type: str = GZIP) -> int:
        """Store an object from a file object without holding it in memory; the number of bytes stored."""
        check_content_type(path, content_type)
        target = self._locate(path)
        size = 0

        def chunks() -> Iterator[bytes]:
            nonlocal size
            while chunk := source.read(CHUNK_BYTES):
                size += len(chunk)
                check_size(path, size)
                yield chunk

        with translated(path):
            self._make_root()
            temporary = self._write(chunks())
            try:
                self._publish(temporary, target, path)
                self._flush_folders([target])
            finally:
                temporary.unlink()
        return size

    def _put_batch(self, batch: Sequence[tuple[str, bytes]]) -> None:
        targets = []
        for path, data in batch:
            check_size(path, len(data))
            targets.append(self._locate(path))
        with translated(batch[0][0] if len(batch) == 1 else f"a batch of {len(batch)} objects"):
            self._make_root()
            writing = [self._flushers.submit(self._write, (data,)) for _, data in batch]
            try:
                for write, target, (path, _) in zip(writing, targets, batch, strict=True):
                    self._publish(write.result(), target, path)
                self._flush_folders(targets)
            finally:
                wait(writing)
                for write in writing:
                    if write.exception() is None:
                        write.result().unlink()

    def _write(self, chunks: Iterable[bytes]) -> Path:
        return write_temporary(self._incoming, chunks)

    def _publish(self, temporary: Path, target: Path, path: str) -> None:
        while True:
            try:
                self._make_folders(target.parent)
                os.link(temporary, target)
            except FileNotFoundError:
                if temporary.exists():
                    continue  # a delete took the folder, empty as it was, between the two calls
                raise
            except (FileExistsError, NotADirectoryError):
                try:
                    is_same = has_same_bytes(temporary, target)
                except FileNotFoundError:
                    continue  # a delete took it between the two calls
                except (IsADirectoryError, NotADirectoryError):
                    is_same = False
                if not is_same:
                    raise other_content(self.bucket, path) from None
            return

    def _flush_folders(self, targets: Iterable[Path]) -> None:
        depth = len(self.root.parents)
        folders = {folder for target in targets for folder in list(target.parents)[:-depth]}
        # Draining the iterator is what raises a thread's exception here.
        for _ in self._flushers.map(flush_folder, folders):
            pass

    def _make_root(self) -> None:
        """Make the store's folders, and clear what uploads left that were cut before this process came."""
        if not self._incoming.is_dir():
            for folder in self._make_folders(self._incoming):
                flush_folder(folder.parent)
        if not self._is_swept:
            self._is_swept = True
            self._sweep()

    def _make_folders(self, folder: Path) -> Sequence[Path]:
        """Make a folder and those above it; the ones that were missing, uppermost first."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        missing.reverse()
        for step in missing:
            step.mkdir(mode=FOLDER_MODE, exist_ok=True)  # `parents=True` would forget the mode
        return missing

    # Reading

    def get(self, path: str) -> bytes:
        """Read an object; `NotFoundError` if there is none."""
        return b"".join(self.open(path))

    def open(self, path: str) -> Iterator[bytes]:
        """Read an object in chunks; `NotFoundError` at once if there is none."""
        target = self._locate(path)
        with translated(path):
            try:
                handle = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                raise not_found(self.bucket, path) from None
            if not S_ISREG(os.fstat(handle).st_mode):
                os.close(handle)
                raise not_found(self.bucket, path)
        return iter_chunks(handle, path)

    def stat(self, path: str) -> FileStat | None:
        """What is known of an object; None if there is none."""
        target = self._locate(path)
        with translated(path):
            try:
                found = target.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return file_stat(path, found) if S_ISREG(found.st_mode) else None

    def list(self, prefix: str = "", *, after: str | None = None, limit: int = MAX_LIST) -> list[FileStat]:
        """One page of the objects under a folder in path order; see `FileStore.list`."""
        folder = check_folder(prefix)
        passed = names_below(folder, after) if after is not None else ()
        with translated(folder or self.bucket):
            start = self._locate(folder) if folder else self.root
            objects = iter_objects(start, f"{folder}/" if folder else "", passed, hidden=INCOMING)
            return list(islice(objects, min(limit, MAX_LIST)))

    # Removing

    def delete(self, paths: Iterable[str]) -> int:
        """Remove objects; how many of them were there and are gone."""
        gone = 0
        touched: set[Path] = set()
        for path in paths:
            target = self._locate(path)
            with translated(path):
                try:
                    target.unlink()
                except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    continue
                gone += 1
                touched.add(self._remove_empty_folders(target.parent))
        with translated(f"the folders of {gone} objects"):
            for _ in self._flushers.map(flush_folder, touched):
                pass
        return gone

    def _remove_empty_folders(self, folder: Path) -> Path:
        """Remove folders upwards while they are empty; the first that stays."""
        while folder != self.root:
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError as exc:
                if exc.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    break
                raise
            folder = folder.parent
        return folder

    def _sweep(self) -> None:
        """Remove what cut uploads left; a file still being written has a young time."""
        with os.scandir(self._incoming) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE_S:
                        Path(entry.path).unlink()

    # Asking

    def signed_url(self, path: str, *, expires_s: int = 3600) -> str | None:
        """None: files on disk are served by the app."""
        check_key(path)
        return None

    def check(self) -> tuple[StoreFact, ...]:
        """Whether the folder can be written and is closed to others."""
        try:
            self.prepare()
            with translated(str(self.root)):
                self._write((b"convstore",)).unlink()
                mode = self.root.stat().st_mode & 0o777
        except StorageUnavailableError as exc:
            return (StoreFact("storage", "fail", str(exc), f"Make {self.root} a folder that this user may write."),)
        writable = StoreFact("storage", "ok", f"{self.root} can be written")
        if not mode & 0o077:
            return (writable,)
        fact = f"{self.root} has mode {mode:04o}: others can read it"
        return (writable, StoreFact("storage privacy", "warn", fact, f"Run `chmod 700 '{self.root}'`."))

    def close(self) -> None:
        """Let go of the threads."""
        self._flushers.shutdown(wait=True)

    def _locate(self, path: str) -> Path:
        """Where a key lies; refused if a symbolic link leads it elsewhere."""
        target = self.root / check_key(path)
        if os.path.realpath(target.parent) != str(target.parent):
            raise InvalidInputError(
                f"{path!r} leaves the store through a symbolic link",
                hint=f"Remove the link from {self.root}.",
                facts={"path": path},
                code="ERR_INVALID_KEY",
            )
        return target
