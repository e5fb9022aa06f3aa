"""JSON paths such as `$.conversations[2].training_pairs`, printable whatever the keys hold. Knows no format."""

from __future__ import annotations

import json

__all__ = ["ROOT", "item_path", "member_path"]

ROOT = "$"
_LONGEST_KEY_CHARS = 60


def member_path(path: str, key: str) -> str:
    """The path of a member of the object at `path`."""
    if len(key) > _LONGEST_KEY_CHARS:
        key = key[:_LONGEST_KEY_CHARS] + "…"
    # json.dumps writes ASCII only: a lone surrogate in a key must not make the report itself unprintable.
    return f"{path}.{key}" if key.isascii() and key.isidentifier() else f"{path}[{json.dumps(key)}]"


def item_path(path: str, index: int) -> str:
    """The path of an element, counted from 0, of the list at `path`."""
    return f"{path}[{index}]"
