"""The objects of a folder tree in path order, one folder a level in memory at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from convstore.files.store import FileStat

__all__ = ["file_stat", "iter_objects"]


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
    try:
        with os.scandir(folder) as scan:
            entries = sorted((not entry.is_dir(follow_symlinks=False), entry.name) for entry in scan)
    except (FileNotFoundError, NotADirectoryError):
        return
    last = (len(passed) == 1, passed[0]) if passed else None
    for is_file, name in entries:
        if name.startswith(hidden) or (last is not None and (is_file, name) < last):
            continue
        on_the_way = last == (is_file, name)
        if not is_file:
            yield from iter_objects(folder / name, f"{prefix}{name}/", passed[1:] if on_the_way else (), hidden)
        elif not on_the_way:
            with suppress(FileNotFoundError):
                found = (folder / name).lstat()
                if S_ISREG(found.st_mode):
                    yield file_stat(prefix + name, found)


def file_stat(path: str, found: os.stat_result) -> FileStat:
    """What the file system says of an object."""
    return FileStat(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
