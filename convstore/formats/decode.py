"""Bytes of a file into JSON values that can be stored, or the exact reason why not.

orjson parses and refuses NaN, lone surrogates and broken UTF-8 by itself; what it lets through is ruled out by searches
that run at the speed of memory. Together that costs what the standard library with a hook for duplicate keys costs
alone, and the library would let more through:

- *Duplicate keys.* orjson keeps the last one. Writing the value again and counting colons proves that there are
  none: every member has one colon, colons in texts are never escaped by the writer, so a lost member is a lost colon.
- *NUL* can only come from the escape `\\u0000`.
- *Nesting* is measured level by level, and with it integers beyond 64 bits, which arrive as rounded floats.

A search that hits proves nothing (a text may speak of `\\u0000`): the slow scanner in `diagnosis` then decides.
This module knows JSON and JSONL, and no conversation format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from convstore.formats.diagnosis import DEEPEST_NESTING, Fault, find_fault
from convstore.formats.paths import ROOT, item_path
from convstore.model import Rejection

__all__ = ["decode"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# NUL, and the colon that would spoil the count. Searches for a text are many times faster than one expression.
_SUSPICIOUS_PREFIX = b"\\u00"
_SUSPICIOUS = (b"\\u0000", b"\\u003a", b"\\u003A")
_LARGEST_SAFE_FLOAT = 2.0**63


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    start: int
    text: bytes


def decode(data: bytes) -> Any | Rejection:
    """The JSON value of a file, or a list of the objects of its lines if it is JSONL, or why it is neither."""
    body = data.removeprefix(_BYTE_ORDER_MARK)
    offset = len(data) - len(body)
    if not body or body.isspace():
        return Rejection(code="ERR_FILE_EMPTY", reason="empty file")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _decode_lines(body, offset)
    if _is_proven(body, [value], depth=0):
        return value
    return _find_rejection(_Line(1, 0, body), offset) or value


def _decode_lines(body: bytes, offset: int) -> list[Any] | Rejection:
    lines = _non_blank_lines(body)
    rows: list[Any] = []
    for line in lines:
        try:
            row = orjson.loads(line.text)
        except orjson.JSONDecodeError:
            row = None
        if not isinstance(row, dict):
            return _broken_line(body, line, rows, offset)
        rows.append(row)
    if not _is_proven(body, rows, depth=1):
        for index, line in enumerate(lines):
            if rejection := _find_rejection(line, offset, root=item_path(ROOT, index), depth=1):
                return rejection
    return rows


def _non_blank_lines(body: bytes) -> list[_Line]:
    lines, start = [], 0
    for number, text in enumerate(body.split(b"\n"), start=1):
        if text and not text.isspace():
            lines.append(_Line(number, start, text))
        start += len(text) + 1
    return lines


def _broken_line(body: bytes, line: _Line, rows: Sequence[Any], offset: int) -> Rejection:
    """Why the text is not JSONL: the fault of that line, or of the whole if not even its first line is an object."""
    rejection = (
        _find_rejection(line, offset, root=item_path(ROOT, len(rows)), depth=1)
        if rows
        else _find_rejection(_Line(1, 0, body), offset)
    )
    # A sound line that is no object is data after the end of the first value.
    return rejection or _rejection(Fault("ERR_JSON_SYNTAX", 0, None, "invalid JSON"), line, "", offset)


def _is_proven(body: bytes, values: Sequence[Any], *, depth: int) -> bool:
    """True if the values certainly hold everything that the text says and nothing that cannot be stored."""
    if _SUSPICIOUS_PREFIX in body and any(escape in body for escape in _SUSPICIOUS):
        return False
    if not _is_plain(values, DEEPEST_NESTING - depth):
        return False
    return body.count(b":") == sum(orjson.dumps(value).count(b":") for value in values)


def _is_plain(values: Sequence[Any], levels: int) -> bool:
    """True if no value is nested deeper than that, or a number so large that it may have been an integer."""
    level: Sequence[Any] = [values]
    for _ in range(levels + 1):
        # Texts are most of a file, and neither they nor numbers need another look.
        level = [
            value
            for container in level
            for value in (container.values() if type(container) is dict else container)
            if (kind := type(value)) is dict or kind is list or (kind is float and abs(value) >= _LARGEST_SAFE_FLOAT)
        ]
        if not level:
            return True
        if any(type(value) is float for value in level):
            return False
    return False


def _find_rejection(line: _Line, offset: int, *, root: str = ROOT, depth: int = 0) -> Rejection | None:
    try:
        text = line.text.decode("utf-8")
    except UnicodeDecodeError as exc:
        before = line.text[: exc.start].decode("utf-8")
        return _rejection(Fault("ERR_TEXT_UTF8", len(before), None, "not UTF-8 text"), line, before, offset)
    fault = find_fault(text, root=root, depth=depth)
    return _rejection(fault, line, text, offset) if fault else None


def _rejection(fault: Fault, line: _Line, text: str, offset: int) -> Rejection:
    before = text[: fault.index]
    line_number = line.number + before.count("\n")
    column = len(before) - (before.rfind("\n") + 1) + 1
    where = f"line {line_number} column {column}"
    return Rejection(
        code=fault.code,
        reason=f"{fault.explanation}, {where}" + (f", at {fault.path}" if fault.path else ""),
        path=fault.path,
        line=line_number,
        column=column,
        byte=offset + line.start + len(before.encode("utf-8")),
    )
