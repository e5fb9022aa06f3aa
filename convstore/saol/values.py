"""Python's values as the text that PostgreSQL's own input functions read, so that the column decides the type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from uuid import UUID

from convstore.errors import InvalidInputError
from convstore.saol.catalogue import ColumnInfo
from convstore.saol.characters import check_characters

__all__ = ["as_json", "as_text", "as_text_list"]


def as_text(value: object, column: ColumnInfo) -> str | None:
    """The value as text for a parameter without a type."""
    check_characters(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple) and column.is_array:
        return _array(value, column)
    if isinstance(value, Mapping | list | tuple):
        return as_json(value)
    found = _scalar(value)
    if found is None:
        raise InvalidInputError(
            f"column {column.name!r}: a value of type {type(value).__name__} cannot be sent to the database",
            code="ERR_CAST_INVALID_INPUT",
            hint="Give text, a number, a date, a UUID, bytes, a list or a mapping.",
        )
    return found


def as_text_list(values: list[object] | tuple[object, ...], column: ColumnInfo) -> list[str | None]:
    """Several values for one array parameter."""
    return [as_text(value, column) for value in values]


def as_json(value: object) -> str:
    """JSON with every number exact; dates, UUIDs and bytes become text."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_string(str(name))}:{as_json(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(as_json(entry) for entry in value) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if value is None or isinstance(value, str | int | bool):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        try:
            return json.dumps(value, allow_nan=False)
        except ValueError:
            return _string(str(value))
    found = _scalar(value)
    if found is None:
        raise InvalidInputError(
            f"a value of type {type(value).__name__} has no form in JSON",
            code="ERR_CAST_JSONB",
            hint="Give text, numbers, dates, UUIDs, lists and mappings.",
        )
    return _string(found)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _scalar(value: object) -> str | None:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.days} days {value.seconds}.{value.microseconds:06d} seconds"
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, int | float | Decimal | UUID | PurePath):
        return str(value)
    return None


def _array(values: list[object] | tuple[object, ...], column: ColumnInfo) -> str:
    def element(value: object) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, list | tuple):
            return _array(value, column)
        text = as_text(value, column) or ""
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "{" + ",".join(element(value) for value in values) + "}"
