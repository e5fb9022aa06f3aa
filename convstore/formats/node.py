"""An object of a document together with its place, read field by field.

A field of the wrong type, range or length is noted with its path and read as missing: no value of a file can raise
anything but `Refused`, which ends the conversation at hand and no other. Knows no family.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstore.formats.paths import item_path, member_path
from convstore.model import FormatWarning

__all__ = ["Node", "Notes", "Refused", "element_node", "kind_of"]

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}


def kind_of(value: object) -> str:
    """What a JSON value is, in words for people."""
    return _KINDS.get(type(value), "null")


class Refused(Exception):
    """This conversation, or this file, cannot be stored."""

    def __init__(self, code: str, reason: str, path: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.path = path


class Notes:
    """The warnings about one conversation or one file, each once."""

    def __init__(self) -> None:
        self._warnings: dict[tuple[str, str], FormatWarning] = {}

    def warn(self, code: str, path: str, message: str) -> None:
        """Note something; the first message for a code and place stands."""
        self._warnings.setdefault((code, path), FormatWarning(code, path, message))

    @property
    def warnings(self) -> tuple[FormatWarning, ...]:
        """Everything noted, in the order in which it was noted."""
        return tuple(self._warnings.values())


class Node:
    """An object at `path`. Missing or malformed objects read as empty ones."""

    __slots__ = ("_key", "_place", "notes", "value")

    def __init__(self, value: Mapping[str, Any], place: str | Node, notes: Notes, key: str = "") -> None:
        """`place` is the path, or the node whose member `key` this is."""
        self.value = value
        self.notes = notes
        self._place = place
        self._key = key

    @property
    def path(self) -> str:
        """Where it stands; put together when a warning asks, because most objects give rise to none."""
        return self._place if isinstance(self._place, str) else self._place.at(self._key)

    def at(self, key: str) -> str:
        """The path of a member."""
        return member_path(self.path, key)

    def text(self, key: str, *, limit: int | None = None) -> str | None:
        """A text that is not blank, verbatim; cut to `limit` characters with a warning."""
        value = self.value.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self._note_type(key, "a text")
            return None
        if not value or value.isspace():
            return None
        return value if limit is None else self.cut(value, limit, key)

    def cut(self, value: str, limit: int, key: str) -> str:
        """A text that fits its column, with a warning at the member `key` if something was cut off."""
        if len(value) <= limit:
            return value
        self.notes.warn("WARN_TEXT_CUT", self.at(key), f"{len(value)} characters, cut to the first {limit}")
        return value[:limit]

    def number(self, key: str, low: float, high: float, code: str) -> int | float | None:
        """A number from `low` to `high`, both included."""
        value = self.value.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._note_type(key, "a number")
            return None
        if not low <= value <= high:
            self.notes.warn(code, self.at(key), f"{value} is not between {low} and {high}; kept as unknown")
            return None
        return value

    def whole(self, key: str) -> int | None:
        """A whole number."""
        value = self.value.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self._note_type(key, "a whole number")
            return None
        return value

    def node(self, key: str) -> Node:
        """The object in a member."""
        value = self.value.get(key)
        if value is not None and not isinstance(value, dict):
            self._note_type(key, "an object")
        return Node(value if isinstance(value, dict) else {}, self, self.notes, key)

    def items(self, key: str) -> list[Any]:
        """The list in a member."""
        value = self.value.get(key)
        if value is not None and not isinstance(value, list):
            self._note_type(key, "a list")
        return value if isinstance(value, list) else []

    def required_items(self, key: str) -> list[Any]:
        """The list in a member without which nothing can be read."""
        value = self.value.get(key)
        if not isinstance(value, list):
            raise Refused("ERR_FIELD_TYPE", f"{key} is {kind_of(value)}, not a list", self.at(key))
        return value

    def required_nodes(self, key: str) -> list[Node]:
        """The objects of such a list."""
        path = self.at(key)
        return [element_node(value, item_path(path, i), self.notes) for i, value in enumerate(self.required_items(key))]

    def _note_type(self, key: str, expected: str) -> None:
        self.notes.warn("WARN_FIELD_TYPE", self.at(key), f"{kind_of(self.value[key])}, not {expected}; left out")


def element_node(value: object, path: str, notes: Notes) -> Node:
    """The object that is an element of a list."""
    if not isinstance(value, dict):
        raise Refused("ERR_FIELD_TYPE", f"{kind_of(value)} where an object is expected", path)
    return Node(value, path, notes)
