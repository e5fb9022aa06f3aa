"""Makes files appear whole or not at all: everything is written in a folder beside the target and renamed at the end.

The target is renamed last, so its presence means that its side files stand too. Knows nothing of formats.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import shutil
from pathlib import Path
from typing import IO, TYPE_CHECKING

from convstore.errors import ConflictError, RefusedError, UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["HashedFile", "Staging", "manifest_path"]

_TARGET = "target"


def manifest_path(target: Path) -> Path:
    """Where the manifest of an export to `target` stands."""
    return target.with_name(target.name + ".manifest.json")


class HashedFile(io.RawIOBase):
    """A file open for writing that knows the SHA-256 of what it was given."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file: IO[bytes] = path.open("wb", buffering=1 << 16)
        self._digest = hashlib.sha256()
        self.path = path
        self.bytes = 0

    def writable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Bytes so far."""
        return self.bytes

    def write(self, data: ReadableBuffer) -> int:
        """Append `data`."""
        self._digest.update(data)
        written = self._file.write(data)
        self.bytes += written
        return written

    def seal(self) -> str:
        """Bring everything to the disk, close and return the SHA-256 in hex."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close without any promise about the disk."""
        self._file.close()
        super().close()


class Staging:
    """The folder `.NAME.partial` beside a target, locked while one export uses it.

    The lock goes with the process, so what a killed export left is taken over and emptied by the next one.

    Parameters
    ----------
    target
        Final path, a file or a folder.
    folder
        True if the target is a folder.
    force
        Replace an existing target. A folder is replaced only if it is an earlier export.

    Raises
    ------
    RefusedError
        The target exists and may not be replaced.
    ConflictError
        Another export is writing the same target.
    """

    def __init__(self, target: Path, *, folder: bool, force: bool = False) -> None:
        self.target = target.absolute()
        self.folder = folder
        self._force = force
        self._beside: list[str] = []
        if not self.target.name:
            raise UsageError(f"{target} is no path for an export.", hint="Name a file or a folder.")
        self._check_target()
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._folder = self.target.with_name(f".{self.target.name}.partial")
        self._lock: int | None = _lock(self._folder)
        _empty(self._folder)
        if folder:
            self.content.mkdir()

    @property
    def content(self) -> Path:
        """Where the target is written until it is published."""
        return self._folder / _TARGET

    def beside(self, suffix: str) -> Path:
        """Where a side file is written that will stand beside the target as its name + `suffix`."""
        if suffix not in self._beside:
            self._beside.append(suffix)
        return self._folder / f"beside{suffix}"

    def scratch(self, name: str) -> Path:
        """A path for a file that is gone when the export is."""
        return self._folder / f"scratch.{name}"

    def final(self, staged: Path) -> Path:
        """The path that `staged` will have once it is published."""
        if staged == self.content:
            return self.target
        if staged.is_relative_to(self.content):
            return self.target / staged.relative_to(self.content)
        return self.target.with_name(self.target.name + staged.name.removeprefix("beside"))

    def publish(self) -> None:
        """Rename everything to its final name, the target last."""
        self._check_target()
        for suffix in self._beside:
            staged = self._folder / f"beside{suffix}"
            staged.replace(self.final(staged))
        if self.folder:
            _sync_tree(self.content)
            if self.target.exists():
                self.target.rename(self._folder / "replaced")
        self.content.replace(self.target)
        _sync_folder(self.target.parent)
        self.abort()

    def abort(self) -> None:
        """Remove what was staged; the target is left as it is. Does nothing the second time."""
        if self._lock is None:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)
        self._lock = None

    def _check_target(self) -> None:
        if not os.path.lexists(self.target):
            return
        facts = {"path": str(self.target)}
        if not self._force:
            hint = "Choose another path, or replace it with --force."
            raise RefusedError(f"{self.target} exists.", hint=hint, facts=facts)
        if self.folder != self.target.is_dir() or self.target.is_symlink():
            kind = "a folder" if self.folder else "a file"
            raise RefusedError(
                f"{self.target} exists and is not {kind}, which this export writes.",
                hint="Choose another path.",
                facts=facts,
            )
        if self.folder and any(self.target.iterdir()) and not manifest_path(self.target).exists():
            raise RefusedError(
                f"{self.target} is not an earlier export: {manifest_path(self.target).name} is not beside it.",
                hint="Choose another path, or remove the folder yourself.",
                facts=facts,
            )


def _lock(folder: Path) -> int:
    while True:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The one who had the lock may have removed the folder between our open and our lock.
            if folder.exists() and os.path.samestat(os.fstat(handle), folder.stat()):
                return handle
        except BlockingIOError:
            os.close(handle)
            raise ConflictError(
                f"Another export is writing to {folder.parent}.",
                hint="Wait for it to end, or choose another path.",
                facts={"path": str(folder)},
                retryable=True,
            ) from None
        except FileNotFoundError:
            pass
        os.close(handle)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _sync_tree(folder: Path) -> None:
    for path, _, _ in os.walk(folder):
        _sync_folder(Path(path))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
