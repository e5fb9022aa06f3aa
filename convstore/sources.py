"""Where an import reads from: files, folders and globs, in the order of their sorted paths."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from convstore.errors import UsageError

__all__ = ["FileSource", "MemorySource", "Source", "expand"]

_CHUNK_BYTES = 1 << 20


class Source(Protocol):
    """One input: a name to report, a size to check before reading, the bytes."""

    @property
    def name(self) -> str:
        """File name, as reported."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self) -> bytes:
        """The whole input."""

    def sha256(self) -> str:
        """SHA-256 in hex."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file on disk."""

    path: Path

    @property
    def name(self) -> str:
        """File name."""
        return printable(self.path.name)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    def read(self) -> bytes:
        """The whole file."""
        return self.path.read_bytes()

    def sha256(self) -> str:
        """SHA-256 in hex, without holding the file in memory."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class MemorySource:
    """An upload."""

    given_name: str
    data: bytes

    @property
    def name(self) -> str:
        """The name it was given."""
        return printable(self.given_name)

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    def read(self) -> bytes:
        """The bytes."""
        return self.data

    def sha256(self) -> str:
        """SHA-256 in hex."""
        return hashlib.sha256(self.data).hexdigest()


def printable(name: str) -> str:
    """A file's name as it can be stored and shown: on disk names are bytes, uploads are named by strangers."""
    return name.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def expand(paths: Iterable[str | Path]) -> list[FileSource]:
    """Every file that the paths name, each once, sorted; in folders, hidden files and folders are passed over.

    Raises
    ------
    UsageError
        A path names nothing.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            matches = [p for p in path.rglob("*") if p.is_file() and not _is_hidden(p.relative_to(path))]
        elif path.exists():
            matches = [path]
        else:
            matches = [
                Path(p)
                for p in glob.glob(str(given), recursive=True)  # noqa: PTH207 - the pattern may be absolute
                if Path(p).is_file()
            ]
            if not matches:
                raise UsageError(
                    f"{given}: no such file or folder",
                    hint="Check the path; quote globs so that the shell leaves them.",
                )
        found.update(dict.fromkeys(matches))
    return [FileSource(path) for path in sorted(found)]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
