"""The objects of a bucket in path order, over a listing that shows one folder at a time, by offset.

An offset moves when somebody adds or removes a neighbour, so a page is continued by name: the last entry is asked
for again, and looked for by halving if it is no longer where it was. Memory holds one page a level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Any

from convstore.files.store import FileStat

__all__ = ["iter_objects"]

PAGE = 1000
#: The least page that any server gives when more is there, whatever was asked for.
DEFAULT_PAGE = 100
#: Folders fetched ahead by threads, each only if it holds few entries all the way down.
LOOK_AHEAD = 32
SMALL_FOLDER = 8

Entry = Mapping[str, Any]
#: (folder, offset, limit) -> entries of that folder by name, subfolders first.
Fetch = Callable[[str, int, int], Sequence[Entry]]


def iter_objects(fetch: Fetch, threads: Executor, folder: str, passed: tuple[str, ...]) -> Iterator[FileStat]:
    """Objects below a folder, past the one that `passed` names (from this folder down)."""
    last = (len(passed) == 1, passed[0]) if passed else None
    for page in _iter_pages(fetch, folder, last):
        entries = page
        if _position(entries[0]) == last:
            if len(passed) > 1:
                yield from iter_objects(fetch, threads, _join(folder, passed[0]), passed[1:])
            entries = entries[1:]
        for start in range(0, len(entries), LOOK_AHEAD):
            window = entries[start : start + LOOK_AHEAD]
            fetched = threads.map(lambda entry: _small_tree(fetch, folder, entry), window)
            for entry, objects in zip(window, fetched, strict=True):
                if objects is None:
                    yield from iter_objects(fetch, threads, _join(folder, entry["name"]), ())
                else:
                    yield from objects


def _iter_pages(fetch: Fetch, folder: str, last: tuple[bool, str] | None) -> Iterator[Sequence[Entry]]:
    """Pages of one folder, the first beginning with the entry at the position `last`, or the next one after it."""
    offset = 0 if last is None else _offset_of(fetch, folder, last)
    while page := fetch(folder, offset, PAGE):
        yield page
        if len(page) < DEFAULT_PAGE:
            return
        end = _position(page[-1])
        offset += len(page) - 1
        again = fetch(folder, offset, 1)
        if not again or _position(again[0]) != end:
            offset = _offset_of(fetch, folder, end)
            again = fetch(folder, offset, 1)
        if again and _position(again[0]) == end:
            offset += 1


def _offset_of(fetch: Fetch, folder: str, wanted: tuple[bool, str]) -> int:
    """Offset of the first entry at a position or after it, in about two requests for each doubling of the folder."""

    def is_before(offset: int) -> bool:
        entries = fetch(folder, offset, 1)
        return bool(entries) and _position(entries[0]) < wanted

    low, step = 0, 1
    while is_before(low + step - 1):
        low += step
        step *= 2
    high = low + step - 1
    while low < high:
        middle = (low + high) // 2
        if is_before(middle):
            low = middle + 1
        else:
            high = middle
    return low


def _small_tree(fetch: Fetch, folder: str, entry: Entry) -> list[FileStat] | None:
    """The objects of an entry if it is one, or a small folder; None for a folder to be walked page by page."""
    path = _join(folder, entry["name"])
    if entry["id"] is not None:
        return [_file_stat(path, entry)]
    entries = fetch(path, 0, SMALL_FOLDER + 1)
    if len(entries) > SMALL_FOLDER:
        return None
    objects: list[FileStat] = []
    for child in entries:
        below = _small_tree(fetch, path, child)
        if below is None:
            return None
        objects += below
    return objects


def _position(entry: Entry) -> tuple[bool, str]:
    return entry["id"] is not None, entry["name"]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _file_stat(path: str, entry: Entry) -> FileStat:
    return FileStat(path, int(entry["metadata"]["size"]), datetime.fromisoformat(entry["updated_at"]))
