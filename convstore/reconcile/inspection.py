"""One stored conversation against its file: is the file there, is it whole, and what do the rows say otherwise.

Knows how to compare, not where rows come from or what becomes of a difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal
from uuid import UUID

import orjson

from convstore.documents import CONTENT_COLUMNS, StoredDocument, check_draft, conversation_row, turn_rows
from convstore.errors import NotFoundError
from convstore.files import DamagedFileError, FileStore, unpack
from convstore.formats import parse
from convstore.model import Draft, Rejection, turns_sha256
from convstore.queries.turns import TURN_COLUMNS

__all__ = [
    "COMPARED_COLUMNS",
    "COMPARED_TURN_COLUMNS",
    "Inspection",
    "StoredRow",
    "inspect_row",
    "read_document",
    "read_draft",
    "with_findings",
]

#: People may rename and describe; where the file lies is a fact of the row, and its family one of the first import.
_OWN_TO_THE_ROW = {"conversation_name", "description", "source_name", "storage_bucket", "file_path", "format"}
COMPARED_COLUMNS = tuple(name for name in CONTENT_COLUMNS if name not in _OWN_TO_THE_ROW)
COMPARED_TURN_COLUMNS = ("turn_number", "role", "content", "detected_emotion", "primary_strategy", "tone")
_TURN_POSITIONS = tuple(TURN_COLUMNS.index(name) for name in COMPARED_TURN_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """What the database says of a conversation: `values` of `COMPARED_COLUMNS`, turns of `COMPARED_TURN_COLUMNS`."""

    id: UUID
    conversation_id: str
    file_path: str
    storage_bucket: str
    source_name: str | None
    format: str
    conversation_name: str
    description: str | None
    values: Mapping[str, Any]
    turns: Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found; `document` is what the rows should say, where the file tells."""

    kind: Literal["equal", "missing", "damaged", "drifted"]
    reason: str = ""
    fields: tuple[str, ...] = ()
    document: StoredDocument | None = None


def read_document(files: FileStore, path: str, content_sha256: str) -> tuple[bytes, bytes, str]:
    """A file as it is kept, its document and the document's hash.

    Raises
    ------
    NotFoundError
        There is no such file.
    DamagedFileError
        It is not the file that was stored.
    """
    packed = files.get(path)
    document = unpack(packed)
    digest = hashlib.sha256(document).hexdigest()
    # The path carries the hash too: where both agree it is the row that is wrong.
    if digest != content_sha256 and f"/{digest[:12]}/" not in path:
        raise DamagedFileError("the file holds another document than was stored", facts={"path": path})
    return packed, document, digest


def inspect_row(files: FileStore, row: StoredRow) -> Inspection:
    """Hold a row and its turns against the file."""
    try:
        packed, document, digest = read_document(files, row.file_path, row.values["content_sha256"])
    except NotFoundError:
        return Inspection(kind="missing", reason="there is no such file")
    except DamagedFileError as damage:
        return Inspection(kind="damaged", reason=damage.message)
    read = read_draft(document, name=row.source_name or "conversation.json", conversation_id=row.conversation_id)
    if isinstance(read, Rejection):
        return Inspection(kind="damaged", reason=f"the file cannot be read: {read.reason}")
    draft, _ = read
    expected = StoredDocument(
        draft=draft,
        family=row.format,
        source_name=row.source_name or "",
        row_id=row.id,
        turns_sha256=turns_sha256(draft.turns),
        content_sha256=digest,
        content_bytes=len(document),
        packed=packed,
        path=row.file_path,
        findings=(),
    )
    wanted = conversation_row(expected, bucket=row.storage_bucket)
    fields = [name for name in COMPARED_COLUMNS if not _same(wanted[name], row.values[name])]
    turns = [tuple(turn[p] for p in _TURN_POSITIONS) for turn in turn_rows(expected, row.id)]
    if turns != list(row.turns):
        fields.append("turns")
    if not fields:
        return Inspection(kind="equal")
    return Inspection(kind="drifted", reason=f"differs in {', '.join(fields)}", fields=tuple(fields), document=expected)


def read_draft(document: bytes, *, name: str, conversation_id: str) -> tuple[Draft, str] | Rejection:
    """The one conversation of a stored document and its family; name and id serve families that carry none."""
    parsed = parse(document, name=name, conversation_id=conversation_id)
    if isinstance(parsed, Rejection):
        return parsed
    if len(parsed.conversations) != 1:
        return Rejection(code="ERR_FILE_DAMAGED", reason=f"it holds {len(parsed.conversations)} conversations")
    [found] = parsed.conversations
    return found if isinstance(found, Rejection) else (found, parsed.family)


def with_findings(document: StoredDocument, *, language: str) -> StoredDocument:
    """The document with what the checks say of it, which comparing does not need."""
    return replace(document, findings=check_draft(document.draft, language=language))


def _same(expected: Any, found: Any) -> bool:
    if isinstance(found, Decimal) and expected is not None:
        # As the column rounds, so that a file's 0.555 equals the 0.56 that was stored of it.
        return Decimal(str(expected)).quantize(found, rounding=ROUND_HALF_UP) == found
    if isinstance(found, dict) and isinstance(expected, str):
        return bool(orjson.loads(expected) == found)
    return bool(expected == found)
