"""Examples for the OpenAPI document: one conversation, seen through every route."""

from __future__ import annotations

from typing import Any

__all__ = ["BATCH", "CONVERSATION", "DETAIL", "FILE", "HITS", "JOB", "PAGE", "REPORT", "UNDONE"]

_ROW_ID = "3f0f6c1e-4a5d-4b7e-9d0c-2b6f0a1c9e77"
_PERSON = "9b1d7a52-0f6e-4f5c-8a63-51f0c2f7f0ab"
_BATCH = "c6a1f2de-7a4b-4a0c-b1f8-7d9a4e5b6c3d"
_AT = "2026-03-14T16:20:00+00:00"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

FILE: dict[str, Any] = {
    "conversation_id": "mortgage-17",
    "messages": [
        {"role": "user", "content": "I missed a payment. What happens now?"},
        {"role": "assistant", "content": "One missed payment can be put right. Let us look at your options."},
    ],
}
CONVERSATION: dict[str, Any] = {
    "id": _ROW_ID,
    "conversation_id": "mortgage-17",
    "conversation_name": "Busy parent: a late letter",
    "description": None,
    "status": "pending_review",
    "processing_status": "completed",
    "tier": "template",
    "category": None,
    "turn_count": 2,
    "quality_score": 4.5,
    "effective_quality": 45,
    "review_count": 0,
    "format": "chat",
    "source_name": "mortgage-17.json",
    "turns_sha256": _SHA256,
    "content_sha256": _SHA256,
    "content_bytes": 212,
    "created_at": _AT,
    "updated_at": _AT,
}
PAGE = {"items": [CONVERSATION], "next": None, "total": 1, "total_is_exact": True}
HITS = {
    "items": [
        {
            "conversation": CONVERSATION,
            "turn_number": 1,
            "role": "user",
            "pieces": [["I missed a ", False], ["payment", True], [". What happens now?", False]],
        }
    ],
    "next": None,
    "total": 1,
    "total_is_exact": True,
}
DETAIL = {
    "conversation": {**CONVERSATION, "system_prompt": None, "extra": {}},
    "turns": [{"turn_number": number, **turn} for number, turn in enumerate(FILE["messages"], 1)],
    "findings": [],
    "reviews": [],
    "events": [{"id": 1, "at": _AT, "actor": "Ana", "action": "created", "before": {}, "after": {}}],
}
REPORT = {
    "files": [
        {
            "file": "mortgage-17.json",
            "outcome": "accepted",
            "family": "chat",
            "conversations": [{"conversation_id": "mortgage-17", "outcome": "stored", "turns": 2, "warnings": []}],
        }
    ],
    "totals": {"files": 1, "accepted": 1, "rejected": 0, "stored": 1, "unchanged": 0, "replaced": 0, "conflict": 0},
}
BATCH = {
    "batch_id": _BATCH,
    "items": [
        {
            "conversation_id": "mortgage-17",
            "outcome": "done",
            "from": "pending_review",
            "to": "approved",
            "reason": None,
        }
    ],
}
UNDONE = {"batch_id": _BATCH, "undone": 1, "left_alone": []}
JOB: dict[str, Any] = {
    "id": "0d9b6f7e-31c1-4f1b-a1a7-6f2f3b0e8a55",
    "task": "verify",
    "status": "running",
    "done": 400,
    "total": 1200,
    "step": "reading files",
    "result": None,
    "error": None,
    "cancel_requested": False,
    "attempt": 1,
    "created_by": _PERSON,
    "asked_by": "Ana",
    "created_at": _AT,
    "started_at": _AT,
    "updated_at": _AT,
    "finished_at": None,
}
