"""The JSON shapes that the command line and the HTTP API share. Pure; knows values, not where they go."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import orjson

from convstore.model import BatchResult, Conversation, ConversationDetail, Page, UndoResult

__all__ = ["as_json", "batch_shape", "detail_shape", "page_shape", "undo_shape"]


def as_json(document: object) -> bytes:
    """A document as JSON: decimals as numbers, times in ISO form, values as objects of their fields."""
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS
    return orjson.dumps(document, default=_plain, option=options)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"cannot show a {type(value).__name__} as JSON")


def page_shape(page: Page[Conversation]) -> dict[str, Any]:
    """A page of conversations: the rows, the cursor of the next page, the total."""
    return {"items": page.items, "next": page.next, "total": page.total, "total_is_exact": page.total_is_exact}


def detail_shape(detail: ConversationDetail) -> dict[str, Any]:
    """A conversation with everything about it."""
    columns = {field.name: getattr(detail.conversation, field.name) for field in dataclasses.fields(Conversation)}
    return {
        "conversation": {**columns, "system_prompt": detail.system_prompt, "extra": detail.extra},
        "turns": detail.turns,
        "findings": detail.findings,
        "reviews": detail.reviews,
        "events": detail.events,
    }


def batch_shape(result: BatchResult) -> dict[str, Any]:
    """A batch: its id and what became of each conversation."""
    items = [
        {
            "conversation_id": item.conversation_id,
            "outcome": item.outcome,
            "from": item.from_status,
            "to": item.to_status,
            "reason": item.reason,
        }
        for item in result.items
    ]
    return {"batch_id": result.batch_id, "items": items}


def undo_shape(result: UndoResult) -> dict[str, Any]:
    """What an undo gave back and what it left alone."""
    left = [{"conversation_id": identifier, "reason": reason} for identifier, reason in result.left_alone]
    return {"batch_id": result.batch_id, "undone": result.undone, "left_alone": left}
