"""Brings a finished export to somebody else: as one zip in a stream, or into the file store with signed links."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from convstore.errors import InvalidInputError
from convstore.files import FileStore
from convstore.files.store import GZIP, MAX_OBJECT_BYTES
from convstore.files.zipped import ZipPieces
from convstore.model import Actor
from convstore.release.reports import ReleaseReport

__all__ = ["DeliveredFile", "files_in", "files_of", "iter_zip", "store_files"]

_CHUNK_BYTES = 1 << 18
# Parquet is compressed already.
_STORED_SUFFIXES = frozenset({".parquet", ".gz"})


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A file of a release in the file store, compressed. `url` is None where the app serves files itself."""

    name: str
    path: str
    bytes: int
    url: str | None


def files_of(report: ReleaseReport) -> list[tuple[str, Path]]:
    """The files of an export and its manifest: each name below the folder it was written to, and its path."""
    manifest = report.manifest.path
    return [(info.path.relative_to(manifest.parent).as_posix(), info.path) for info in (*report.files, report.manifest)]


def files_in(folder: Path) -> list[tuple[str, Path]]:
    """The files of the one export in a folder of its own; none while it is not whole."""
    if not any(folder.glob("*.manifest.json")) or any(folder.glob(".*.partial")):
        return []
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), path) for path in paths]


def iter_zip(files: Sequence[tuple[str, Path]]) -> Iterator[bytes]:
    """Files as one zip under these names, in constant memory."""
    sink = ZipPieces()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, path in files:
            kind = zipfile.ZIP_STORED if path.suffix in _STORED_SUFFIXES else zipfile.ZIP_DEFLATED
            # A fixed date, so that the same files make the same zip.
            info = zipfile.ZipInfo(name)
            info.compress_type = kind
            info.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(_CHUNK_BYTES):
                    target.write(chunk)
                    if sink.size >= _CHUNK_BYTES:
                        yield sink.take()
    yield sink.take()


def store_files(
    files: FileStore, actor: Actor, release_id: UUID, named: Sequence[tuple[str, Path]], *, expires_s: int = 3600
) -> tuple[DeliveredFile, ...]:
    """Put the files of a release into the file store under these names, gzipped, and sign a link to each.

    Raises
    ------
    InvalidInputError
        A file is larger than the store takes; nothing was stored.
    """
    with tempfile.TemporaryDirectory(prefix="convstore-") as folder:
        packed = [(name, _pack(path, Path(folder) / str(i))) for i, (name, path) in enumerate(named)]
        for name, path in packed:
            _check_size(name, path.stat().st_size)
        delivered = []
        for name, path in packed:
            key = _key(actor.user_id, release_id, name)
            with path.open("rb") as source:
                size = files.put_stream(key, source, content_type=GZIP)
            delivered.append(DeliveredFile(name, key, size, files.signed_url(key, expires_s=expires_s)))
    return tuple(delivered)


def _pack(path: Path, target: Path) -> Path:
    with path.open("rb") as source, gzip.GzipFile(target, "wb", mtime=0) as packed:
        shutil.copyfileobj(source, packed, _CHUNK_BYTES)
    return target


def _check_size(name: str, size: int) -> None:
    if size > MAX_OBJECT_BYTES:
        raise InvalidInputError(
            f"{name} has {size:,} bytes compressed; the file store takes {MAX_OBJECT_BYTES:,} a file",
            hint="Download it instead, or release a smaller slice; nothing was stored.",
            facts={"file": name, "bytes": size, "limit": MAX_OBJECT_BYTES},
            code="ERR_FILE_TOO_LARGE",
        )


def _key(user_id: UUID, release_id: UUID, name: str) -> str:
    return f"{user_id}/releases/{release_id}/{name}.gz"
