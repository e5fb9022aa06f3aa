"""Ids of conversations: where a family carries one it is taken verbatim, else it follows from the file's name."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from convstore.formats.node import Node, Refused, kind_of

__all__ = ["LONGEST_ID_CHARS", "checked_id", "conversation_id_of", "find_id", "slug", "slug_of_file"]

LONGEST_ID_CHARS = 100
# Leaves room for "-" and the number of a row.
_LONGEST_SLUG_CHARS = 80


def slug(text: str, separator: str) -> str:
    """Lower-case words joined by `separator`; letters of every script stay."""
    words = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", text).lower()).split()
    return separator.join(words)


def slug_of_file(name: str) -> str:
    """The slug of a file's name without folder and extension."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    return slug(stem, "-")[:_LONGEST_SLUG_CHARS].strip("-") or "conversation"


def find_id(value: object) -> str | None:
    """A text that can serve as an id, or None."""
    return value if isinstance(value, str) and value and not value.isspace() else None


def conversation_id_of(node: Node, key: str, *, check_length: bool = True) -> str:
    """The id in a member of an object; missing, malformed and over-long ids are refused.

    `check_length` is False where only a part of the member becomes the id.
    """
    value = node.value.get(key)
    if value is None or value == "" or (isinstance(value, str) and value.isspace()):
        raise Refused("ERR_ID_MISSING", "no conversation id", node.at(key))
    if not isinstance(value, str):
        raise Refused("ERR_FIELD_TYPE", f"the conversation id is {kind_of(value)}, not a text", node.at(key))
    return checked_id(value, node.at(key)) if check_length else value


def checked_id(conversation_id: str, path: str) -> str:
    """The id if it fits its column."""
    if len(conversation_id) > LONGEST_ID_CHARS:
        reason = f"the conversation id has {len(conversation_id)} characters, at most {LONGEST_ID_CHARS} fit"
        raise Refused("ERR_ID_LONG", reason, path)
    return conversation_id
