"""The contract of every file store: what it holds, what it promises, how large an object may be.

Objects are small, immutable and named by their content, so a path never means two things. Nothing here knows
a backend; both are held to this text by one suite of tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal, Protocol

from convstore.errors import ConflictError, InvalidInputError, NotFoundError

__all__ = [
    "ALLOWED_CONTENT_TYPES",
    "CHUNK_BYTES",
    "GZIP",
    "MAX_LIST",
    "MAX_OBJECT_BYTES",
    "FileStat",
    "FileStore",
    "StoreFact",
    "check_content_type",
    "check_size",
    "iter_batches",
    "not_found",
    "other_content",
]

GZIP = "application/gzip"
ALLOWED_CONTENT_TYPES = ("application/json", GZIP)
MAX_OBJECT_BYTES = 10_485_760
MAX_LIST = 1000
CHUNK_BYTES = 64 * 1024
BATCH_OBJECTS = 64
BATCH_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileStat:
    """What a store knows of one object without reading it."""

    path: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class StoreFact:
    """One finding about the store itself, as `convstore doctor` prints it."""

    name: str
    status: Literal["ok", "warn", "fail"]
    fact: str
    next_action: str = ""


class FileStore(Protocol):
    """Where conversation files are kept.

    Every method raises `StorageUnavailableError` when the backend does not answer, and `InvalidInputError` for a
    path that is not a key. An object appears whole or not at all, and is durable once a call that wrote it returns.
    """

    @property
    def bucket(self) -> str:
        """Name of the bucket, as rows record it."""

    def prepare(self) -> None:
        """Make the bucket if there is none; one that is there stays as it is."""

    def put(self, path: str, data: bytes, *, content_type: str = GZIP) -> None:
        """Store an object; the same bytes again are fine, other bytes at the same path are a `ConflictError`."""

    def put_many(self, objects: Iterable[tuple[str, bytes]]) -> None:
        """Store gzip objects as one batch; if one fails, the others may or may not be there."""

    def put_stream(self, path: str, source: BinaryIO, *, content_type: str = GZIP) -> int:
        """Store an object from a file object without holding it in memory; the number of bytes stored."""

    def get(self, path: str) -> bytes:
        """Read an object; `NotFoundError` if there is none."""

    def open(self, path: str) -> Iterator[bytes]:
        """Read an object in chunks; `NotFoundError` at once if there is none."""

    def stat(self, path: str) -> FileStat | None:
        """What is known of an object; None if there is none."""

    def list(self, prefix: str = "", *, after: str | None = None, limit: int = MAX_LIST) -> list[FileStat]:
        """One page of the objects under a folder, after the path `after`, at most `limit` (1000).

        Parameters
        ----------
        prefix
            A folder, with or without a slash at its end; empty for the whole bucket.
        after
            The last path of the page before. It need not exist any more.

        Returns
        -------
        list[FileStat]
            In path order: by name within a folder, subfolders before objects. An empty page is the end.
        """

    def delete(self, paths: Iterable[str]) -> int:
        """Remove objects; how many of them were there and are gone."""

    def signed_url(self, path: str, *, expires_s: int = 3600) -> str | None:
        """An address anyone may read the object from for a while; None where files are served by the app."""

    def check(self) -> tuple[StoreFact, ...]:
        """Whether the store can be reached and written and is set up as it should be."""

    def close(self) -> None:
        """Let go of connections and threads."""


def check_size(path: str, size: int) -> None:
    """Refuse what no backend takes."""
    if size > MAX_OBJECT_BYTES:
        raise InvalidInputError(
            f"{path} has {size:,} bytes; an object may have at most {MAX_OBJECT_BYTES:,}",
            hint="Split the conversation; a single one this large cannot be stored.",
            facts={"path": path, "bytes": size, "limit": MAX_OBJECT_BYTES},
            code="ERR_FILE_TOO_LARGE",
        )


def check_content_type(path: str, content_type: str) -> None:
    """Refuse a MIME type that the bucket does not allow."""
    if content_type not in ALLOWED_CONTENT_TYPES:
        raise InvalidInputError(
            f"{path}: the bucket takes {' and '.join(ALLOWED_CONTENT_TYPES)}, not {content_type}",
            facts={"path": path, "content_type": content_type},
        )


def not_found(bucket: str, path: str) -> NotFoundError:
    """The error for a missing object, in the same words whichever the backend."""
    return NotFoundError(
        f"no object {path} in {bucket}",
        hint="`convstore reconcile` lists rows whose file is missing.",
        facts={"bucket": bucket, "path": path},
    )


def other_content(bucket: str, path: str) -> ConflictError:
    """The error for a path that holds other bytes, in the same words whichever the backend."""
    return ConflictError(
        f"{path} exists in {bucket} with other content",
        hint="Objects are never replaced; store the new content under its own path.",
        facts={"bucket": bucket, "path": path},
    )


def iter_batches(objects: Iterable[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, bytes]]]:
    """Split a batch of any length into some that fit in memory."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for path, data in objects:
        batch.append((path, data))
        size += len(data)
        if len(batch) == BATCH_OBJECTS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
