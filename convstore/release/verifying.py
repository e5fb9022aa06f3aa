"""Verifies a sealed release: its files against their hashes, and the stored objects that its items name."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from convstore.database import Context, Database
from convstore.files import FileStore
from convstore.model import Actor
from convstore.queries.release_items import iter_items
from convstore.queries.releases import Release, get_sealed
from convstore.release.manifest import FileFault
from convstore.release.objects import Gone, check_object
from convstore.release.reports import BATCH, Cancel, Progress, Watch

__all__ = ["ReleaseCheck", "verify_release"]

_TIMEOUT_S = 24 * 3600.0
_FETCHES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCheck:
    """What was looked at and what is wrong with it."""

    release: UUID
    name: str | None
    files_checked: int
    items_checked: int
    files: tuple[FileFault, ...]
    items: tuple[Gone, ...]

    @property
    def is_clean(self) -> bool:
        """True if everything is as it went out."""
        return not (self.files or self.items)

    def as_dict(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        return {
            "release": str(self.release),
            "name": self.name,
            "ok": self.is_clean,
            "files_checked": self.files_checked,
            "items_checked": self.items_checked,
            "files": [{"path": str(fault.path), "fault": fault.fault} for fault in self.files],
            "items": [item.as_dict() for item in self.items],
        }


def verify_release(
    database: Database,
    files: FileStore,
    actor: Actor,
    identifier: str,
    *,
    path: Path | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> ReleaseCheck:
    """Compare a release with what is on disk and in the file store.

    Parameters
    ----------
    path
        Where the export is now, if it was moved; else it is looked for where it was written.
    """
    watch = Watch(progress, cancel)
    with database.transaction(Context.of(actor), read_only=True, snapshot=True, timeout_s=_TIMEOUT_S) as reading:
        release = get_sealed(reading, identifier, actor.workspace_id)
        gone: list[Gone] = []
        done = 0
        with ThreadPoolExecutor(_FETCHES) as pool:
            for batch in iter_items(reading, release.id, actor.workspace_id, size=BATCH):
                gone += [fault for fault in pool.map(lambda item: check_object(files, item), batch) if fault]
                done += len(batch)
                watch.tell(done, release.conversation_count, "verifying")
    entries = [*release.files, release.summary["manifest"]]
    places = _places(release, path)
    faults = []
    for entry in entries:
        fault = _check_file(places[entry["path"]], entry["sha256"])
        if fault is not None:
            faults.append(fault)
    return ReleaseCheck(
        release=release.id,
        name=release.name,
        files_checked=len(entries),
        items_checked=done,
        files=tuple(faults),
        items=tuple(gone),
    )


def _places(release: Release, moved_to: Path | None) -> dict[str, Path]:
    """Where each file should be: as recorded, or the same distance from another target."""
    manifest = release.summary["manifest"]["path"]
    target = manifest.removesuffix(".manifest.json")
    paths = [entry["path"] for entry in release.files] + [manifest]
    if moved_to is None:
        return {path: Path(path) for path in paths}
    # Side files start with the target's name, files of a folder with its path.
    return {path: Path(f"{moved_to.absolute()}{path.removeprefix(target)}") for path in paths}


def _check_file(path: Path, sha256: str) -> FileFault | None:
    if not path.is_file():
        return FileFault(path, "missing")
    with path.open("rb") as stream:
        return None if hashlib.file_digest(stream, "sha256").hexdigest() == sha256 else FileFault(path, "changed")
