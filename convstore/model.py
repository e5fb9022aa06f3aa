"""The words of the product as frozen values. Nothing here knows a database, a file or a screen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

__all__ = [
    "DIMENSIONS",
    "Actor",
    "BatchOutcome",
    "BatchResult",
    "CheckResult",
    "Conversation",
    "ConversationDetail",
    "Draft",
    "Event",
    "Filter",
    "Finding",
    "FormatWarning",
    "Job",
    "JobStatus",
    "Order",
    "Page",
    "ParsedFile",
    "Rejection",
    "Review",
    "Role",
    "ScoreRange",
    "Scores",
    "Sort",
    "Status",
    "Tier",
    "Turn",
    "UndoResult",
    "turns_sha256",
]

Status = Literal["pending_review", "needs_revision", "approved", "rejected", "archived"]
Role = Literal["viewer", "reviewer", "lead", "admin"]
Tier = Literal["template", "scenario", "edge_case"]
Sort = Literal["created", "quality", "updated", "name"]
Order = Literal["asc", "desc"]
Severity = Literal["error", "warning", "notice"]

T = TypeVar("T")

#: The five scored dimensions, in the order of every screen, with the column that holds each.
DIMENSIONS: Mapping[str, str] = {
    "quality": "quality_score",
    "empathy": "empathy_score",
    "clarity": "clarity_score",
    "appropriateness": "appropriateness_score",
    "brand_voice": "brand_voice_alignment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message. `turn_number` counts messages from 1."""

    turn_number: int
    role: str
    content: str
    detected_emotion: str | None = None
    emotion_confidence: float | None = None
    emotional_intensity: float | None = None
    primary_strategy: str | None = None
    tone: str | None = None


def turns_sha256(turns: Iterable[Turn]) -> str:
    """Identity of content: SHA-256 (hex) of `[[turn_number, role, content], …]` as JSON in UTF-8."""
    rows = [[turn.turn_number, turn.role, turn.content] for turn in turns]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Five scores from 1.0 to 5.0 with one decimal; None is unscored."""

    quality: Decimal | None = None
    empathy: Decimal | None = None
    clarity: Decimal | None = None
    appropriateness: Decimal | None = None
    brand_voice: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FormatWarning:
    """Something in a file that was accepted and deserves a look.

    `path` is a JSON path such as `$.training_pairs[2].target_response`.
    """

    code: str
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check noticed about a conversation.

    `span` is a half-open range of characters in the content of turn `turn_number`. `id` is known once it is stored;
    `dismissed_reason` is a reviewer's word that it does not matter.
    """

    code: str
    severity: Severity
    explanation: str
    check_version: int
    turn_number: int | None = None
    span: tuple[int, int] | None = None
    id: UUID | None = None
    dismissed_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A conversation as a file presents it, ready to be checked and stored.

    Attributes
    ----------
    conversation_id
        The file's own id, at most 100 characters; derived from the file name where the family has none.
    id_is_derived
        True if the family carries no id, so that the same turns under another id are the same conversation.
    document
        What is stored as `conversation.json`: the file's metadata and profile with this conversation alone.
        Ingesting it gives the same id and turns.
    extra
        Everything of the metadata that has no column: original tier and status, extra criteria, dates, names.
    """

    conversation_id: str
    turns: tuple[Turn, ...]
    document: Any
    id_is_derived: bool = False
    conversation_name: str = ""
    description: str | None = None
    category: str | None = None
    tier: Tier = "template"
    scores: Scores = field(default_factory=Scores)
    persona_key: str | None = None
    emotional_arc_key: str | None = None
    topic_key: str | None = None
    starting_emotion: str | None = None
    ending_emotion: str | None = None
    emotional_intensity_start: float | None = None
    emotional_intensity_end: float | None = None
    system_prompt: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[FormatWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A file, or one conversation of it, that cannot be stored.

    `line` and `column` count from 1, `byte` from 0; all None where the syntax was fine. `path` is a JSON path.
    """

    code: str
    reason: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    byte: int | None = None
    conversation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """A file whose family is known: its conversations in file order, each a draft or the reason why not."""

    family: str
    conversations: Sequence[Draft | Rejection]
    warnings: tuple[FormatWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreRange:
    """A closed range of one dimension's effective score."""

    dimension: str
    minimum: Decimal
    maximum: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which conversations are meant. Everything given must hold; several values of one field are alternatives.

    Nothing is implied: an empty filter means every conversation that is not in the trash.
    `min_quality`, `max_quality` compare the effective quality: the human mean if there is one, else the file's.
    An empty persona, arc or topic means those without one; an emotion stands at either end, `first>last` at both.
    `release` is a release's name or id, `group` a duplicate group, `text` a web-style search over all turns,
    `ids` holds conversation ids or row ids.
    """

    statuses: tuple[Status, ...] = ()
    tiers: tuple[str, ...] = ()
    personas: tuple[str, ...] = ()
    arcs: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    min_quality: Decimal | None = None
    max_quality: Decimal | None = None
    unscored: bool = False
    scores: tuple[ScoreRange, ...] = ()
    emotions: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    group: str | None = None
    release: str | None = None
    processing: tuple[str, ...] = ()
    text: str | None = None
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # Lists are welcome from callers; tuples make a filter hashable, which is what caches need.
        for name in (
            "statuses", "tiers", "personas", "arcs", "topics", "categories", "sources", "scores",
            "emotions", "findings", "reviewers", "processing", "ids",
        ):  # fmt: skip
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("min_quality", "max_quality"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Decimal):
                object.__setattr__(self, name, Decimal(str(value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One row of `conversations`: everything but the turns."""

    id: UUID
    conversation_id: str
    conversation_name: str
    description: str | None
    status: Status
    processing_status: str
    tier: str
    category: str | None
    turn_count: int
    persona_id: UUID | None
    emotional_arc_id: UUID | None
    training_topic_id: UUID | None
    template_id: UUID | None
    persona_key: str | None
    emotional_arc_key: str | None
    topic_key: str | None
    quality_score: Decimal | None
    empathy_score: Decimal | None
    clarity_score: Decimal | None
    appropriateness_score: Decimal | None
    brand_voice_alignment: Decimal | None
    human_quality_score: Decimal | None
    human_empathy_score: Decimal | None
    human_clarity_score: Decimal | None
    human_appropriateness_score: Decimal | None
    human_brand_voice_alignment: Decimal | None
    review_count: int
    effective_quality: int
    starting_emotion: str | None
    ending_emotion: str | None
    emotional_intensity_start: Decimal | None
    emotional_intensity_end: Decimal | None
    format: str
    source_name: str | None
    turns_sha256: str
    content_sha256: str
    content_bytes: int
    file_path: str
    file_size: int
    storage_bucket: str
    usage_count: int
    export_count: int
    last_exported_at: datetime | None
    created_by: UUID
    created_at: datetime
    updated_at: datetime
    reviewed_by: UUID | None
    reviewed_at: datetime | None
    review_notes: str | None
    expires_at: datetime | None
    is_active: bool
    deleted_at: datetime | None
    finding_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What one reviewer said of one conversation, bound to the turns that were read."""

    id: UUID
    reviewer_id: UUID
    reviewer: str
    scores: Scores
    decision: Status | None
    reasons: tuple[str, ...]
    note: str | None
    turn_notes: Mapping[int, str]
    seconds: int | None
    turns_sha256: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the append-only audit."""

    id: int
    at: datetime
    actor_id: UUID | None
    actor: str | None
    action: str
    subject: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    batch_id: UUID | None
    note: str | None
    request_id: str | None
    conversation_row_id: UUID | None
    conversation_id: str | None
    conversation_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationDetail:
    """Everything that a screen about one conversation shows."""

    conversation: Conversation
    system_prompt: str | None
    extra: Mapping[str, Any]
    turns: tuple[Turn, ...]
    findings: tuple[Finding, ...]
    reviews: tuple[Review, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some rows of a list, and how to go on.

    `first` is the position of the first row, counted from 1 (0 when empty); None where it is not known.
    `total` is exact up to 10,000; beyond, it is 10,000 and `total_is_exact` is False.
    """

    items: tuple[T, ...]
    next: str | None
    previous: str | None
    first: int | None
    total: int
    total_is_exact: bool


Outcome = Literal["done", "refused", "unchanged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """What became of one conversation of a batch."""

    conversation_id: str
    outcome: Outcome
    from_status: str | None
    to_status: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """A batch of decisions under one id, by which it can be undone."""

    batch_id: UUID
    items: tuple[BatchOutcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """What an undo gave back; `left_alone` pairs a conversation id with the reason why not."""

    batch_id: UUID
    undone: int
    left_alone: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One line of `convstore doctor`."""

    name: str
    status: Literal["ok", "warn", "fail"]
    fact: str
    next_action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, and in which workspace. `role` is the membership at sign-in; the database checks it again."""

    user_id: UUID
    workspace_id: UUID
    workspace_slug: str
    role: Role
    name: str
    email: str | None = None


JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work in the background. `total` is None while nobody knows; `attempt` counts starts.

    `error` is an error as the command line shows it, `result` what the same command would have answered.
    `uploads_gone` is True for an import whose files are not kept any more, so that it cannot be tried again.
    """

    id: UUID
    task: str
    status: JobStatus
    done: int
    total: int | None
    step: str | None
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    cancel_requested: bool
    attempt: int
    created_by: UUID
    asked_by: str | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None
    uploads_gone: bool = False
