"""Decisions about many conversations over HTTP, and taking them back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from convstore.api import examples
from convstore.api.answers import BatchAnswer, UndoAnswer, described, json
from convstore.api.callers import Caller
from convstore.model import Status
from convstore.shapes import batch_shape, undo_shape

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["reviews"])


class Batch(BaseModel):
    """One decision about several conversations."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"ids": ["mortgage-17", "pension-4"], "status": "approved"}}
    )

    ids: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(min_length=1, max_length=1000)
    status: Status
    note: str | None = Field(None, max_length=10_000)
    reasons: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=20)
    scores: dict[str, float] = Field(default_factory=dict, max_length=5)


@router.post("/reviews", responses={200: described(BatchAnswer, examples.BATCH)})
def review(store: Caller, batch: Batch) -> Response:
    """Decide about up to 1,000 conversations as one batch; each one's outcome is reported."""
    return json(
        batch_shape(
            store.review(batch.ids, status=batch.status, note=batch.note, reasons=batch.reasons, scores=batch.scores)
        )
    )


@router.post("/batches/{batch_id}/undo", responses={200: described(UndoAnswer, examples.UNDONE)})
def undo(
    store: Caller,
    batch_id: Annotated[UUID, Path(description="Id of the batch.", examples=[examples.BATCH["batch_id"]])],
) -> Response:
    """Take a batch back; what changed since is left alone and listed."""
    return json(undo_shape(store.undo(batch_id)))
