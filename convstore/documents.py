"""A stored document and its rows: what ingest writes and what reconciliation compares with. Pure but for the clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from convstore.checks import ArcPromise, CheckInput, check_conversation
from convstore.files import object_path, pack
from convstore.model import DIMENSIONS, Draft, Finding, turns_sha256
from convstore.textstats import sentence_count, word_count

__all__ = [
    "CONTENT_COLUMNS",
    "StoredDocument",
    "check_draft",
    "conversation_row",
    "finding_rows",
    "store_document",
    "turn_rows",
]

#: Columns that come from the document: what a replacement writes again.
CONTENT_COLUMNS = (
    "persona_key",
    "emotional_arc_key",
    "topic_key",
    "conversation_name",
    "description",
    "turn_count",
    "tier",
    "category",
    *DIMENSIONS.values(),
    "file_size",
    "file_path",
    "storage_bucket",
    "starting_emotion",
    "ending_emotion",
    "emotional_intensity_start",
    "emotional_intensity_end",
    "turns_sha256",
    "content_sha256",
    "content_bytes",
    "format",
    "source_name",
    "system_prompt",
    "extra",
    "word_count",
    "intensities",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A draft with its file: the gzip bytes, where they go, and what identifies both."""

    draft: Draft
    family: str
    source_name: str
    row_id: UUID
    turns_sha256: str
    content_sha256: str
    content_bytes: int
    packed: bytes
    path: str
    findings: tuple[Finding, ...]


def store_document(
    draft: Draft, *, family: str, source_name: str, row_id: UUID, created_by: UUID, language: str
) -> StoredDocument:
    """Make the file of a draft and check it."""
    document = orjson.dumps(draft.document)
    digest = hashlib.sha256(document).hexdigest()
    return StoredDocument(
        draft=draft,
        family=family,
        source_name=source_name,
        row_id=row_id,
        turns_sha256=turns_sha256(draft.turns),
        content_sha256=digest,
        content_bytes=len(document),
        packed=pack(document),
        path=object_path(created_by, row_id, digest),
        findings=check_draft(draft, language=language),
    )


def check_draft(draft: Draft, *, language: str) -> tuple[Finding, ...]:
    """The findings of a conversation by itself; checks against the whole set run later, as a job."""
    promise = ArcPromise.parse(draft.emotional_arc_key) if draft.emotional_arc_key else None
    return check_conversation(CheckInput(turns=draft.turns, promise=promise, language=language))


def conversation_row(stored: StoredDocument, *, bucket: str) -> dict[str, Any]:
    """The values of `CONTENT_COLUMNS`."""
    draft = stored.draft
    row: dict[str, Any] = {
        "persona_key": draft.persona_key,
        "emotional_arc_key": draft.emotional_arc_key,
        "topic_key": draft.topic_key,
        "conversation_name": draft.conversation_name or draft.conversation_id,
        "description": draft.description,
        "turn_count": len(draft.turns),
        "tier": draft.tier,
        "category": draft.category,
        "file_size": len(stored.packed),
        "file_path": stored.path,
        "storage_bucket": bucket,
        "starting_emotion": draft.starting_emotion,
        "ending_emotion": draft.ending_emotion,
        "emotional_intensity_start": draft.emotional_intensity_start,
        "emotional_intensity_end": draft.emotional_intensity_end,
        "turns_sha256": stored.turns_sha256,
        "content_sha256": stored.content_sha256,
        "content_bytes": stored.content_bytes,
        "format": stored.family,
        "source_name": stored.source_name,
        "system_prompt": draft.system_prompt,
        "extra": orjson.dumps(dict(draft.extra)).decode(),
        "word_count": sum(word_count(turn.content) for turn in draft.turns),
        "intensities": _intensities(draft),
    }
    for name, column in DIMENSIONS.items():
        row[column] = getattr(draft.scores, name)
    return row


def _intensities(draft: Draft) -> list[int | None] | None:
    found = [None if t.emotional_intensity is None else round(t.emotional_intensity * 100) for t in draft.turns]
    return found if any(value is not None for value in found) else None


def turn_rows(stored: StoredDocument, workspace_id: UUID) -> Sequence[tuple[Any, ...]]:
    """One tuple a turn, in the order of `convstore.queries.turns.TURN_COLUMNS`."""
    return [
        (
            workspace_id,
            stored.row_id,
            turn.turn_number,
            turn.role,
            turn.content,
            turn.detected_emotion,
            turn.emotion_confidence,
            turn.emotional_intensity,
            turn.primary_strategy,
            turn.tone,
            word_count(turn.content),
            sentence_count(turn.content),
        )
        for turn in stored.draft.turns
    ]


def finding_rows(stored: StoredDocument, workspace_id: UUID) -> Iterator[tuple[Any, ...]]:
    """One tuple a finding, in the order of `convstore.queries.storing.FINDING_COLUMNS`."""
    for finding in stored.findings:
        start, end = finding.span or (None, None)
        yield (
            workspace_id,
            stored.row_id,
            finding.code,
            finding.severity,
            finding.check_version,
            finding.turn_number,
            start,
            end,
            finding.explanation,
        )
