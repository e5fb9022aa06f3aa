"""The shapes of answers, for the OpenAPI document; tests hold to them what `convstore.shapes` makes and is sent.

Rows are described by the values themselves, so that a new column is described as soon as it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field, create_model

from convstore.api.problems import PROBLEM_CONTENT, Problem
from convstore.ingest import FileReport
from convstore.model import Conversation, Event, Finding, Job, Review, Turn
from convstore.shapes import as_json

__all__ = [
    "MODELS",
    "BatchAnswer",
    "ConversationAnswer",
    "ConversationPage",
    "JobAnswer",
    "JobList",
    "ReportAnswer",
    "SearchPage",
    "StatusAnswer",
    "UndoAnswer",
    "described",
    "json",
]


def json(document: object, status: int = 200) -> Response:
    """A JSON answer in the product's shapes."""
    return Response(as_json(document), status_code=status, media_type="application/json")


def described(
    model: type[BaseModel], example: object, description: str = "Done", *, or_problem: bool = False
) -> dict[str, Any]:
    """One answer of a route, as OpenAPI tells of it; `or_problem` where the same status may also be an error."""
    content: dict[str, Any] = {"application/json": {"example": example}}
    if or_problem:
        content |= PROBLEM_CONTENT
    return {"model": model, "description": description, "content": content}


class StatusAnswer(BaseModel):
    """Alive, or able to serve."""

    status: str


class ConversationPage(BaseModel):
    """A page of rows; `total` is exact up to 10,000."""

    items: list[Conversation]
    next: str | None
    total: int
    total_is_exact: bool


class Hit(BaseModel):
    """A conversation and where in it the words stand; each piece says whether it is a hit."""

    conversation: Conversation
    turn_number: int | None
    role: str | None
    pieces: list[tuple[str, bool]]


class SearchPage(BaseModel):
    """A page of hits."""

    items: list[Hit]
    next: str | None
    total: int
    total_is_exact: bool


class ConversationAnswer(BaseModel):
    """A conversation with everything about it."""

    conversation: Conversation
    turns: list[Turn]
    findings: list[Finding]
    reviews: list[Review]
    events: list[Event]


#: `from` is a word of Python's.
BatchItem = create_model(
    "BatchItem",
    conversation_id=(str, ...),
    outcome=(str, ...),
    from_=(str | None, Field(alias="from")),
    to=(str, ...),
    reason=(str | None, ...),
)


class BatchAnswer(BaseModel):
    """A batch, by whose id it can be undone, and what became of each conversation."""

    batch_id: UUID
    items: list[BatchItem]


class LeftAlone(BaseModel):
    """A conversation that changed since, and how."""

    conversation_id: str
    reason: str


class UndoAnswer(BaseModel):
    """What an undo gave back."""

    batch_id: UUID
    undone: int
    left_alone: list[LeftAlone]


class ReportAnswer(BaseModel):
    """What became of a pushed file and of each conversation in it."""

    files: list[FileReport]
    totals: Mapping[str, int]


class JobAnswer(BaseModel):
    """A job in the background."""

    job: Job


class JobList(BaseModel):
    """The newest jobs."""

    items: list[Job]


#: All of them, to be described.
MODELS: tuple[type[BaseModel], ...] = (
    StatusAnswer,
    ConversationPage,
    SearchPage,
    ConversationAnswer,
    BatchAnswer,
    UndoAnswer,
    ReportAnswer,
    JobAnswer,
    JobList,
    Problem,
)
