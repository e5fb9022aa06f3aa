"""Import of scaffolding: personas, arcs, topics and templates from one JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Numeric, String, Text

from convstore.database import Context, Database
from convstore.errors import InvalidInputError, UsageError
from convstore.model import Actor
from convstore.queries.scaffolding import KINDS, Kind, link_conversations, upsert
from convstore.rights import require_role

__all__ = ["import_scaffolding"]

_NOT_GIVEN = {"id", "workspace_id", "created_at"}


def import_scaffolding(database: Database, actor: Actor, path: Path) -> dict[str, int]:
    """Add or change what the file names, and link conversations that carry its keys; counts by kind.

    Raises
    ------
    InvalidInputError
        With the path of the first value that is wrong; nothing is changed then.
    """
    require_role(actor, "lead", "importing scaffolding")
    try:
        document = json.loads(path.read_bytes())
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror}", hint="Check the path.") from None
    except (ValueError, RecursionError) as exc:
        raise InvalidInputError(f"{path.name} is not valid JSON: {exc}", hint="Correct the file.") from None
    if not isinstance(document, dict) or not set(document) & set(KINDS):
        raise InvalidInputError(
            f"{path.name} holds no scaffolding", hint=f"Give an object with some of {', '.join(KINDS)}, each a list."
        )
    rows = {name: _rows(document.get(name, []), name, kind) for name, kind in KINDS.items()}
    batch_id = uuid4()
    with database.transaction(Context.of(actor, batch_id=batch_id, note="scaffolding")) as connection:
        counts = {name: upsert(connection, actor.workspace_id, KINDS[name], found) for name, found in rows.items()}
    elevated = Context.of(actor, elevated=True, batch_id=batch_id, note="scaffolding")
    with database.transaction(elevated) as connection:
        counts["linked"] = sum(link_conversations(connection, actor.workspace_id, kind) for kind in KINDS.values())
    return counts


def _rows(given: Any, name: str, kind: Kind) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise InvalidInputError(f"$.{name} is no list", hint="Give a list of objects.")
    rows = {}
    for index, entry in enumerate(given):
        row = _row(entry, f"$.{name}[{index}]", kind)
        if row[kind.key] in rows:
            raise InvalidInputError(f"$.{name}[{index}].{kind.key} is there twice", hint="Keep one of the two.")
        rows[row[kind.key]] = row
    return list(rows.values())


def _row(entry: Any, path: str, kind: Kind) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise InvalidInputError(f"{path} is no object", hint="Give an object.")
    columns = {column.name: column for column in kind.table.columns if column.name not in _NOT_GIVEN}
    row: dict[str, Any] = {}
    for name, column in columns.items():
        value = entry.get(name)
        if value is None:
            if name == kind.key:
                raise InvalidInputError(f"{path}.{name} is missing", hint="Every entry needs its key.")
            row[name] = entry[kind.key] if name == "name" else ("" if not column.nullable else None)
        elif isinstance(column.type, Numeric):
            row[name] = _fraction(value, f"{path}.{name}")
        else:
            row[name] = _text(value, f"{path}.{name}", column.type)
    return row


def _fraction(value: Any, path: str) -> Decimal:
    try:
        number = Decimal(str(value))
        if not isinstance(value, bool) and 0 <= number <= 1:
            return number
    except InvalidOperation:
        pass
    raise InvalidInputError(f"{path} is no number from 0 to 1", hint="Give an intensity from 0 to 1.")


def _text(value: Any, path: str, kind: String | Text | Any) -> str:
    limit = getattr(kind, "length", None)
    if not isinstance(value, str) or not value.strip() or not _is_storable(value):
        raise InvalidInputError(f"{path} is no text", hint="Give some text.")
    if limit is not None and len(value) > limit:
        raise InvalidInputError(f"{path} is longer than {limit} characters", hint="Shorten it.")
    return value


def _is_storable(text: str) -> bool:
    # PostgreSQL stores no NUL, UTF-8 no half of a surrogate pair.
    return b"\x00" not in text.encode("utf-8", "replace") and text == text.encode("utf-8", "replace").decode()
