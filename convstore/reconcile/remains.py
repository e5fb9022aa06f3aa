"""What is left of a file that is damaged or gone, and whether it proves what the file held. Writes nothing."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from convstore.documents import StoredDocument, store_document
from convstore.files.packing import MAX_DOCUMENT_BYTES
from convstore.formats import document_of
from convstore.model import DIMENSIONS, Draft, Scores, Turn, turns_sha256

__all__ = ["document_in", "document_of_rows", "turns_of"]

#: Packed bytes that are inflated at a time: what comes before a fault is worth as much as without one.
_STEP_BYTES = 64
#: What gzip puts before the compressed data when nothing is named.
_HEAD_BYTES = 10
_TEXTS = (
    "conversation_id", "conversation_name", "description", "category", "tier", "persona_key", "emotional_arc_key",
    "topic_key", "starting_emotion", "ending_emotion", "system_prompt",
)  # fmt: skip
_TURN_FIELDS = frozenset(field.name for field in fields(Turn))


def document_in(packed: bytes, content_sha256: str) -> bytes | None:
    """The document of this hash that damaged bytes still hold; None if they do not."""
    # Without the checksum at the end, which may be what is damaged: the hash proves more than it does.
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    pieces: list[bytes] = []
    size = 0
    with suppress(zlib.error):
        for start in range(_HEAD_BYTES, len(packed), _STEP_BYTES):
            pieces.append(inflater.decompress(packed[start : start + _STEP_BYTES], MAX_DOCUMENT_BYTES))
            size += len(pieces[-1])
            if size > MAX_DOCUMENT_BYTES:
                return None
    # The second: somebody unpacked it in place.
    for candidate in (b"".join(pieces), packed):
        if hashlib.sha256(candidate).hexdigest() == content_sha256:
            return candidate
    return None


def document_of_rows(row: Mapping[str, Any], turns: Sequence[Turn], *, language: str) -> StoredDocument | None:
    """A file of convstore's own family that says what a row and its turns say; None if their hash does not prove them.

    `row` is one of `conversations`, or what the archive keeps of one.
    """
    if not turns or turns_sha256(turns) != row["turns_sha256"]:
        return None
    scores = {name: row[column] for name, column in DIMENSIONS.items()}
    draft = Draft(
        turns=tuple(turns),
        document=None,
        scores=Scores(**{name: None if score is None else Decimal(str(score)) for name, score in scores.items()}),
        emotional_intensity_start=_number(row["emotional_intensity_start"]),
        emotional_intensity_end=_number(row["emotional_intensity_end"]),
        extra=row["extra"],
        **{name: row[name] for name in _TEXTS},
    )
    return store_document(
        replace(draft, document=document_of(draft)),
        family=row["format"],
        source_name=row["source_name"] or "",
        row_id=UUID(str(row["id"])),
        created_by=UUID(str(row["created_by"])),
        language=language,
    )


def turns_of(records: Iterable[Mapping[str, Any]]) -> list[Turn]:
    """Turns from what the archive keeps of them."""
    return [Turn(**{name: value for name, value in record.items() if name in _TURN_FIELDS}) for record in records]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
