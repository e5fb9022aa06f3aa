"""Files that wait to be imported: their bytes are kept first, so that a job on any machine finds them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from convstore.files import FileStore
from convstore.model import Actor

__all__ = ["Upload", "discard_uploads", "keep_uploads", "uploads_from"]

#: Bytes of one part: a bucket takes objects of 10 MiB, and gzip adds a little to what it cannot shrink.
PART_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A kept file; a source for an import."""

    files: FileStore
    name: str
    size: int
    digest: str
    paths: tuple[str, ...]

    def read(self) -> bytes:
        """The whole file."""
        return b"".join(gzip.decompress(self.files.get(path)) for path in self.paths)

    def sha256(self) -> str:
        """SHA-256 in hex."""
        return self.digest


def keep_uploads(
    files: FileStore, actor: Actor, job_id: UUID, uploads: Mapping[str, bytes]
) -> tuple[list[dict[str, Any]], int]:
    """Keep files for a job: what `uploads_from` finds them by, as JSON documents, and the bytes that they take."""
    folder = f"{actor.user_id}/{uuid5(NAMESPACE_URL, str(actor.workspace_id))}/upload-{job_id}"
    documents: list[dict[str, Any]] = []
    stored = 0

    def parts() -> Iterator[tuple[str, bytes]]:
        nonlocal stored
        for number, (name, data) in enumerate(uploads.items()):
            paths = []
            for part, start in enumerate(range(0, len(data), PART_BYTES)):
                paths.append(f"{folder}/{number:05d}-{part:04d}.gz")
                packed = gzip.compress(data[start : start + PART_BYTES], compresslevel=6, mtime=0)
                stored += len(packed)
                yield paths[-1], packed
            digest = hashlib.sha256(data).hexdigest()
            documents.append({"name": name, "size": len(data), "sha256": digest, "paths": paths})

    files.put_many(parts())
    return documents, stored


def uploads_from(files: FileStore, documents: Iterable[Mapping[str, Any]]) -> list[Upload]:
    """The kept files of a job."""
    return [
        Upload(
            files=files,
            name=document["name"],
            size=document["size"],
            digest=document["sha256"],
            paths=tuple(document["paths"]),
        )
        for document in documents
    ]


def discard_uploads(files: FileStore, uploads: Sequence[Upload]) -> None:
    """Remove kept files whose job is done."""
    files.delete(path for upload in uploads for path in upload.paths)
