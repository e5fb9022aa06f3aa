"""The exact place of what is wrong in a JSON text.

Runs only on texts that the fast decoder refused or could not prove sound, so it may be slow. It uses no recursion:
no text can exhaust the stack. It knows JSON and the limits of what can be stored, and no conversation format.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from convstore.formats.paths import ROOT, item_path, member_path

__all__ = ["DEEPEST_NESTING", "Fault", "find_fault"]

DEEPEST_NESTING = 100

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"NaN|-?Infinity")
_WORD = re.compile(r"true|false|null")
_SURROGATE = re.compile("[\ud800-\udfff]")
# What 64 bits hold, signed or unsigned. Beyond, the fast decoder would turn an integer into a rounded float.
_SMALLEST_INTEGER, _LARGEST_INTEGER, _LONGEST_INTEGER_CHARS = -(2**63), 2**64 - 1, 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at the character `index` of the text; `path` is None where the syntax itself is broken."""

    code: str
    index: int
    path: str | None
    explanation: str


@dataclass(slots=True)
class _Container:
    path: str
    is_object: bool
    keys: set[str] = field(default_factory=set)
    items: int = 0
    member: str = ""

    @property
    def here(self) -> str:
        return member_path(self.path, self.member) if self.is_object else item_path(self.path, self.items)


class _FaultFound(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


def find_fault(text: str, *, root: str = ROOT, depth: int = 0) -> Fault | None:
    """The first fault of a text that should be one JSON value, or None if it is sound.

    Parameters
    ----------
    root
        Path of the value in a larger document.
    depth
        How many containers of a larger document are around the value.
    """
    try:
        _scan(text, root, depth)
    except _FaultFound as found:
        return found.fault
    return None


def _scan(text: str, root: str, depth: int) -> None:
    open_containers: list[_Container] = []
    at = _skip_space(text, 0)
    while True:
        # One turn of this loop reads one value, or enters a container and reads its first value.
        path = open_containers[-1].here if open_containers else root
        opening = text[at : at + 1]
        if opening in ("{", "["):
            if depth + len(open_containers) >= DEEPEST_NESTING:
                raise _FaultFound(Fault("ERR_JSON_DEPTH", at, path, f"nesting beyond {DEEPEST_NESTING} levels"))
            container = _Container(path, opening == "{")
            open_containers.append(container)
            at = _skip_space(text, at + 1)
            if not text.startswith("}" if container.is_object else "]", at):
                at = _read_key(text, at, container) if container.is_object else at
                continue
        else:
            at = _skip_space(text, _read_scalar(text, at, path))
        while open_containers:
            container = open_containers[-1]
            following = text[at : at + 1]
            if following == ",":
                container.items += 1
                at = _skip_space(text, at + 1)
                at = _read_key(text, at, container) if container.is_object else at
                break
            if following != ("}" if container.is_object else "]"):
                raise _syntax_fault(text, at, container.path)
            open_containers.pop()
            at = _skip_space(text, at + 1)
        else:
            if at != len(text):
                raise _syntax_fault(text, at, root)
            return


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _read_key(text: str, at: int, container: _Container) -> int:
    found = _STRING.match(text, at)
    if found is None:
        raise _syntax_fault(text, at, container.path)
    key = json.loads(found.group())
    container.member = key
    if key in container.keys:
        raise _FaultFound(Fault("ERR_JSON_DUPLICATE_KEY", at, container.here, "the key appears twice in one object"))
    container.keys.add(key)
    _check_characters(key, at, container.here)
    at = _skip_space(text, found.end())
    if not text.startswith(":", at):
        raise _syntax_fault(text, at, container.here)
    return _skip_space(text, at + 1)


def _read_scalar(text: str, at: int, path: str) -> int:
    if found := _STRING.match(text, at):
        if "\\u" in found.group():
            _check_characters(json.loads(found.group()), at, path)
        return found.end()
    if found := _NOT_A_NUMBER.match(text, at):
        raise _FaultFound(Fault("ERR_JSON_NAN", at, path, f"{found.group()} is not a JSON number"))
    if found := _NUMBER.match(text, at):
        _check_magnitude(found, at, path)
        return found.end()
    if found := _WORD.match(text, at):
        return found.end()
    raise _syntax_fault(text, at, path)


def _check_characters(decoded: str, at: int, path: str) -> None:
    if "\0" in decoded:
        raise _FaultFound(Fault("ERR_TEXT_NUL", at, path, "a NUL character in a text"))
    if _SURROGATE.search(decoded):
        raise _FaultFound(Fault("ERR_TEXT_SURROGATE", at, path, "a lone surrogate in a text"))


def _check_magnitude(number: re.Match[str], at: int, path: str) -> None:
    digits, is_integer = number.group(), number.group(1) is None and number.group(2) is None
    if is_integer:
        too_large = len(digits) > _LONGEST_INTEGER_CHARS or not _SMALLEST_INTEGER <= int(digits) <= _LARGEST_INTEGER
    else:
        too_large = float(digits) in (float("inf"), float("-inf"))
    if too_large:
        raise _FaultFound(Fault("ERR_JSON_NUMBER", at, path, "a number too large to be kept exactly"))


def _syntax_fault(text: str, at: int, path: str) -> _FaultFound:
    """The fault where the standard library sees it, so that positions are those that editors and people know."""
    try:
        # Numbers stay text: converting thousands of digits is refused with another exception.
        json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as exc:
        at = exc.pos
    except RecursionError:
        pass  # Too deep after the fault; our own position stands.
    if text.startswith("\0", at):
        return _FaultFound(Fault("ERR_TEXT_NUL", at, path, "a NUL character in a text"))
    return _FaultFound(Fault("ERR_JSON_SYNTAX", at, None, "invalid JSON"))
