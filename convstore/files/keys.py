"""What an object may be called: one alphabet for all backends, so that a file can move between them."""

from __future__ import annotations

import re
from uuid import UUID

from convstore.errors import InvalidInputError

__all__ = ["check_folder", "check_key", "listing_order", "names_below", "object_path"]

#: What Supabase Storage takes; everything else in a name is free for a backend's own use.
ALPHABET = re.compile(r"[A-Za-z0-9_/!.*'() &$=@;:+,?-]+", re.ASCII)
MAX_KEY_CHARS = 900
MAX_NAME_CHARS = 255


def object_path(created_by: UUID, row_id: UUID, content_sha256: str) -> str:
    """Where a version of a conversation is kept: owner, row, content."""
    return f"{created_by}/{row_id}/{content_sha256[:12]}/conversation.json.gz"


def check_key(path: str) -> str:
    """The path itself if it may name an object; `InvalidInputError` otherwise."""
    names = path.split("/")
    if (
        not ALPHABET.fullmatch(path)
        or len(path) > MAX_KEY_CHARS
        or any(name in ("", ".", "..") or len(name) > MAX_NAME_CHARS for name in names)
    ):
        raise InvalidInputError(
            f"{path!r} cannot name an object",
            hint="Use letters, digits and _!.-*'() &$=@;:+,? in names separated by single slashes.",
            facts={"path": path},
            code="ERR_INVALID_KEY",
        )
    return path


def listing_order(path: str) -> list[tuple[bool, str]]:
    """What to sort by to have the order in which a store lists: by name within a folder, subfolders before objects."""
    *folders, name = path.split("/")
    return [*((False, folder) for folder in folders), (True, name)]


def check_folder(prefix: str) -> str:
    """The folder without a slash at its end, empty for the root; `InvalidInputError` if none can be called so."""
    folder = prefix.removesuffix("/")
    return check_key(folder) if folder else ""


def names_below(folder: str, path: str) -> tuple[str, ...]:
    """The names that lead from a folder to a path in it; `InvalidInputError` if it lies elsewhere."""
    names = check_key(path).split("/")
    above = folder.split("/") if folder else []
    if names[: len(above)] != above or len(names) == len(above):
        raise InvalidInputError(f"{path!r} is not under {folder!r}", facts={"path": path, "folder": folder})
    return tuple(names[len(above) :])
