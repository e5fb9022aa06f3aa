"""Reads what a release names out of the file store: the very version that went out, checked by both hashes."""

from __future__ import annotations

import hashlib
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple
from uuid import UUID

from convstore.errors import InvalidInputError, NotFoundError
from convstore.files import FileStore, unpack
from convstore.formats import parse
from convstore.model import Draft, Rejection, Turn, turns_sha256
from convstore.queries.release_items import ReleasedItem
from convstore.queries.turn_columns import TurnColumns

__all__ = ["Gone", "check_object", "read_turns"]

_HUNDREDTH = Decimal("0.01")


class Gone(NamedTuple):
    """A conversation of a release that can't be read any more, and why."""

    conversation_id: str
    row_id: UUID
    file_path: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """As reports show it."""
        return {"conversation_id": self.conversation_id, "file_path": self.file_path, "reason": self.reason}


def check_object(files: FileStore, item: ReleasedItem) -> Gone | None:
    """What is wrong with the object of an item; None if it is the version that went out."""
    document = _document(files, item)
    return document if isinstance(document, Gone) else None


def read_turns(files: FileStore, item: ReleasedItem) -> TurnColumns | Gone:
    """The turns that went out, from the object; or why they can't be had."""
    document = _document(files, item)
    if isinstance(document, Gone):
        return document
    parsed = parse(document, name=item.state.get("source_name") or "conversation.json", conversation_id=item.public_id)
    if isinstance(parsed, Rejection):
        return _gone(item, f"its file can't be read: {parsed.reason}")
    for draft in parsed.conversations:
        if isinstance(draft, Draft) and turns_sha256(draft.turns) == item.turns_sha256:
            return TurnColumns.of(_as_stored(turn) for turn in draft.turns)
    return _gone(item, "its file holds other turns")


def _document(files: FileStore, item: ReleasedItem) -> bytes | Gone:
    try:
        document = unpack(files.get(item.file_path))
    except NotFoundError:
        return _gone(item, "its file is missing")
    except InvalidInputError as exc:
        return _gone(item, f"its file is damaged: {exc.message}")
    if hashlib.sha256(document).hexdigest() != item.content_sha256:
        return _gone(item, "its file is damaged: the content is another")
    return document


def _as_stored(turn: Turn) -> Turn:
    """The turn as the database would hand it out, which keeps two places."""
    return Turn(
        turn_number=turn.turn_number,
        role=turn.role,
        content=turn.content,
        detected_emotion=turn.detected_emotion,
        emotion_confidence=_rounded(turn.emotion_confidence),
        emotional_intensity=_rounded(turn.emotional_intensity),
        primary_strategy=turn.primary_strategy,
        tone=turn.tone,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(Decimal(str(value)).quantize(_HUNDREDTH, ROUND_HALF_UP))


def _gone(item: ReleasedItem, reason: str) -> Gone:
    return Gone(item.public_id, item.conversation_id, item.file_path, reason)
