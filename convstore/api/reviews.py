"""Decisions about many conversations over HTTP, and taking them back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from convstore.api.callers import Caller
from convstore.api.conversations import json
from convstore.model import Status
from convstore.shapes import batch_shape, undo_shape

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["reviews"])


class Batch(BaseModel):
    """One decision about several conversations."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"ids": ["mortgage-17", "pension-4"], "status": "approved"}}
    )

    ids: list[str] = Field(min_length=1, max_length=1000)
    status: Status
    note: str | None = Field(None, max_length=10_000)
    reasons: list[str] = Field(default_factory=list, max_length=20)
    scores: dict[str, float] = Field(default_factory=dict)


@router.post("/reviews")
def review(store: Caller, batch: Batch) -> Response:
    """Decide about up to 1,000 conversations as one batch; each one's outcome is reported."""
    return json(
        batch_shape(
            store.review(
                batch.ids, status=batch.status, note=batch.note, reasons=batch.reasons, scores=dict(batch.scores)
            )
        )
    )


@router.post("/batches/{batch_id}/undo")
def undo(store: Caller, batch_id: Annotated[UUID, Path(description="Id of the batch.")]) -> Response:
    """Take a batch back; what changed since is left alone and listed."""
    return json(undo_shape(store.undo(batch_id)))
