"""What the use cases around releases answer, and how a caller watches or stops a long one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from convstore.errors import RefusedError
from convstore.release.rows import FileInfo
from convstore.release.selection import LeftOut

__all__ = ["BATCH", "Cancel", "Progress", "ReleaseReport", "Watch", "file_as_dict"]

Progress = Callable[[int, int, str], None]
Cancel = Callable[[], bool]

#: Conversations that are read, written and counted at a time.
BATCH = 500


class Watch:
    """Tells a caller how far something is, and asks whether to go on."""

    def __init__(self, progress: Progress | None, cancel: Cancel | None) -> None:
        self._progress = progress
        self._cancel = cancel

    def tell(self, done: int, total: int, what: str) -> None:
        """Report; raises `RefusedError` if the caller wants to stop."""
        if self._cancel is not None and self._cancel():
            raise RefusedError("the export was cancelled", hint="Nothing was written.", code="ERR_CANCELLED")
        if self._progress is not None:
            self._progress(done, total, what)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """What went out. `summary` holds the counts that the release keeps.

    `is_identical` is False if files made again differ from those that went out first.
    """

    release: UUID
    name: str | None
    format: str
    files: tuple[FileInfo, ...]
    manifest: FileInfo
    conversations: int
    left_out: tuple[LeftOut, ...]
    summary: Mapping[str, Any]
    is_identical: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        return {
            "release": str(self.release),
            "format": self.format,
            "files": [file_as_dict(info) for info in self.files],
            "conversations": self.conversations,
            "left_out": [item.as_dict() for item in self.left_out],
        }


def file_as_dict(info: FileInfo) -> dict[str, Any]:
    """A file as reports and releases name it."""
    return {"path": str(info.path), "sha256": info.sha256, "rows": info.rows, "bytes": info.bytes}
