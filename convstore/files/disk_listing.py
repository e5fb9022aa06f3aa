"""The objects of a folder tree in path order. Memory holds some names of one folder a level, however many it has."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from convstore.files.store import FileStat

__all__ = ["file_stat", "iter_objects"]

#: Names of one folder that are kept at a time; a longer folder is read again for the next ones.
NAMES = 1000
START = (False, "")


def iter_objects(folder: Path, prefix: str, passed: tuple[str, ...], hidden: str) -> Iterator[FileStat]:
    """Objects below a folder, by name within a folder, subfolders first.

    Parameters
    ----------
    prefix
        The folder as a key, with a slash at its end unless it is the root.
    passed
        The names of the last object already seen, from this folder down; empty to start at the beginning.
    hidden
        Names that begin with this are not objects.
    """
    last = (len(passed) == 1, passed[0]) if passed else None
    if last is not None and len(passed) > 1:
        yield from iter_objects(folder / last[1], f"{prefix}{last[1]}/", passed[1:], hidden)
    while names := _next_names(folder, last, hidden):
        for is_file, name in names:
            if not is_file:
                yield from iter_objects(folder / name, f"{prefix}{name}/", (), hidden)
                continue
            with suppress(FileNotFoundError):
                found = (folder / name).lstat()
                if S_ISREG(found.st_mode):
                    yield file_stat(prefix + name, found)
        if len(names) < NAMES:
            return
        last = names[-1]


def _next_names(folder: Path, last: tuple[bool, str] | None, hidden: str) -> list[tuple[bool, str]]:
    """The first names of a folder after `last`, subfolders (False) before files (True)."""
    try:
        with os.scandir(folder) as scan:
            return heapq.nsmallest(
                NAMES,
                (
                    position
                    for entry in scan
                    if (position := (not entry.is_dir(follow_symlinks=False), entry.name)) > (last or START)
                    and not entry.name.startswith(hidden)
                ),
            )
    except (FileNotFoundError, NotADirectoryError):
        return []


def file_stat(path: str, found: os.stat_result) -> FileStat:
    """What the file system says of an object."""
    return FileStat(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
