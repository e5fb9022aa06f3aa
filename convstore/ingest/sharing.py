"""A large queued import in parts, which any number of workers store side by side.

What two files have in common decides what becomes of the later one, so files that share a conversation's id or its
turns stay together, in their order: the outcome is that of one worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from convstore.files import FileStore
from convstore.formats import parse
from convstore.model import Rejection, turns_sha256
from convstore.uploads import Upload, uploads_from

__all__ = ["files_to_look_at", "files_to_store", "find_keys", "is_large"]

#: Files and bytes of a part, at most; a larger file is a part of its own.
_PART_FILES = 100
_PART_BYTES = 32 << 20

_KEY_BYTES = 8


def is_large(arguments: Mapping[str, Any]) -> bool:
    """True if a queued import is worth sharing out."""
    return len(list(_cut(_each(arguments["files"]), arguments["files"]))) > 1


def files_to_look_at(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The arguments of the parts that read what the files have in common; `find_keys` takes one."""
    files = arguments["files"]
    return [{"files": [files[position] for position in part]} for part in _cut(_each(files), files)]


def find_keys(
    files: FileStore, arguments: Mapping[str, Any], *, max_file_bytes: int, progress: Callable[[int, int, str], None]
) -> list[list[str]]:
    """For each file what must not be stored side by side: short hashes of the ids and of the turns in it."""
    uploads = uploads_from(files, arguments["files"])
    keys = []
    for done, upload in enumerate(uploads):
        progress(done, len(uploads), upload.name)
        keys.append(_keys_in(upload) if upload.size <= max_file_bytes else [])
    progress(len(uploads), len(uploads), "")
    return keys


def files_to_store(
    run_id: UUID, arguments: Mapping[str, Any], looked_at: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The arguments of the parts that store the files, from the results of those that looked at them."""
    files = arguments["files"]
    keys = [found for result in looked_at for found in result["keys"]]
    return [
        {
            "import": str(run_id),
            "on_conflict": arguments["on_conflict"],
            "positions": part,
            "files": [files[position] for position in part],
        }
        for part in _cut(_groups(keys), files)
    ]


def _keys_in(upload: Upload) -> list[str]:
    parsed = parse(upload.read(), name=upload.name)
    if isinstance(parsed, Rejection):
        return []
    drafts = [found for found in parsed.conversations if not isinstance(found, Rejection)]
    named = {key for draft in drafts for key in (draft.conversation_id, turns_sha256(draft.turns))}
    return [hashlib.blake2b(key.encode(), digest_size=_KEY_BYTES).hexdigest() for key in sorted(named)]


def _groups(keys: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    """Positions of files that hang together by their keys, each group in the order of the files."""
    first: dict[str, int] = {}
    root = list(range(len(keys)))

    def find(position: int) -> int:
        while root[position] != position:
            root[position] = root[root[position]]
            position = root[position]
        return position

    for position, found in enumerate(keys):
        for key in found:
            one, other = find(first.setdefault(key, position)), find(position)
            root[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for position in range(len(keys)):
        groups.setdefault(find(position), []).append(position)
    yield from groups.values()


def _each(files: Sequence[object]) -> Iterator[list[int]]:
    return ([position] for position in range(len(files)))


def _cut(groups: Iterable[list[int]], files: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
    part: list[int] = []
    size = 0
    for group in groups:
        weight = sum(files[position]["size"] for position in group)
        if part and (len(part) + len(group) > _PART_FILES or size + weight > _PART_BYTES):
            yield sorted(part)
            part, size = [], 0
        part += group
        size += weight
    if part:
        yield sorted(part)
