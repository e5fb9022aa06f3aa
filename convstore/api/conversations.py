"""Conversations over HTTP: list, push, read, change, decide, trash, download."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from convstore.api import examples
from convstore.api.answers import (
    BatchAnswer,
    ConversationAnswer,
    ConversationPage,
    ReportAnswer,
    described,
    json,
)
from convstore.api.callers import Caller
from convstore.api.filters import Wanted
from convstore.errors import NotFoundError
from convstore.model import BatchResult, Order, Sort, Status
from convstore.shapes import batch_shape, detail_shape, page_shape

__all__ = ["Cursor", "Limit", "router"]

router = APIRouter(prefix="/api/conversations", tags=["conversations"])

Identifier = Annotated[str, Path(description="Conversation id or row id.", max_length=100, examples=["mortgage-17"])]
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows of a page.")]
Cursor = Annotated[str | None, Query(max_length=2000, description="`next` of the page before.")]


class Change(BaseModel):
    """What may be changed of a conversation; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "Busy parent: a late letter"}})

    name: str | None = Field(None, min_length=1, max_length=255)
    description: str | None = Field(None, max_length=10_000)


class StatusChange(BaseModel):
    """A decision about one conversation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"status": "approved", "note": "A model to follow.", "scores": {"quality": 4.5}}},
    )

    status: Status
    note: str | None = Field(None, max_length=10_000)
    reasons: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=20)
    scores: dict[str, float] = Field(default_factory=dict, max_length=5)
    turns_sha256: str | None = Field(
        None, max_length=64, description="The turns that were read; refused if they changed since."
    )


_DETAIL = described(ConversationAnswer, examples.DETAIL, "The conversation")
_OUTCOME: dict[int | str, dict[str, Any]] = {
    200: described(BatchAnswer, examples.BATCH),
    409: described(BatchAnswer, examples.BATCH, "Refused; the item says why", or_problem=True),
}


@router.get("", responses={200: described(ConversationPage, examples.PAGE, "A page")})
def list_conversations(
    store: Caller,
    wanted: Wanted,
    sort: Sort = "created",
    order: Order = "desc",
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Response:
    """One page of conversations."""
    return json(page_shape(store.search(wanted, sort=sort, order=order, limit=limit, cursor=cursor)))


@router.post(
    "",
    status_code=201,
    responses={
        201: described(ReportAnswer, examples.REPORT, "Something was stored"),
        200: described(ReportAnswer, examples.REPORT, "Nothing was new"),
        409: described(ReportAnswer, examples.REPORT, "Other turns are there under the same id", or_problem=True),
        422: described(ReportAnswer, examples.REPORT, "Nothing of it could be read", or_problem=True),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A conversation file of any known family.",
            "content": {
                "application/json": {"schema": {}, "example": examples.FILE},
                "application/jsonl": {"schema": {"type": "string"}},
            },
        }
    },
)
async def push(
    request: Request,
    store: Caller,
    name: Annotated[
        str, Query(min_length=1, max_length=200, description="File name, for families without ids.")
    ] = "pushed.json",
    on_conflict: Literal["fail", "skip", "replace"] = "fail",
) -> Response:
    """Store the conversations of one file; the report says what became of each."""
    # The bytes as they came: the import itself decides what is JSON, as strictly as for any file.
    data = await request.body()
    report = await run_in_threadpool(store.ingest_uploads, {name: data}, on_conflict=on_conflict)
    totals = report.totals
    if totals["stored"] or totals["replaced"]:
        status = 201
    elif totals["conflict"]:
        status = 409
    elif totals["rejected"] or totals["conversations_rejected"]:
        status = 422
    else:
        status = 200
    return json({"files": report.files, "totals": totals}, status)


@router.get("/{identifier}", responses={200: _DETAIL})
def get_conversation(store: Caller, identifier: Identifier) -> Response:
    """A conversation with its turns, findings, reviews and history."""
    return json(detail_shape(store.get(identifier)))


@router.patch("/{identifier}", responses={200: _DETAIL})
def edit(store: Caller, identifier: Identifier, change: Change) -> Response:
    """Rename or describe a conversation."""
    store.edit(identifier, name=change.name, description=change.description)
    return json(detail_shape(store.get(identifier)))


@router.delete("/{identifier}", responses=_OUTCOME)
def delete(
    store: Caller,
    identifier: Identifier,
    hard: Annotated[bool, Query(description="For good; needs `confirm`.")] = False,
    confirm: bool = False,
) -> Response:
    """Move a conversation to the trash."""
    return _outcome(store.delete([identifier], hard=hard, confirm=confirm), identifier)


@router.post("/{identifier}/restore", responses=_OUTCOME)
def restore(store: Caller, identifier: Identifier) -> Response:
    """Bring a conversation back, from the trash or from the archive."""
    return _outcome(store.restore([identifier]), identifier)


@router.patch("/{identifier}/status", responses=_OUTCOME)
def set_status(store: Caller, identifier: Identifier, change: StatusChange) -> Response:
    """Decide about a conversation."""
    result = store.review(
        [identifier],
        status=change.status,
        note=change.note,
        reasons=change.reasons,
        scores=change.scores,
        read={identifier: change.turns_sha256} if change.turns_sha256 else None,
    )
    return _outcome(result, identifier)


@router.get(
    "/{identifier}/file",
    responses={
        200: {
            "description": "The document, as it was stored",
            "content": {"application/json": {"schema": {}, "example": examples.FILE}},
        },
        304: {"description": "It is what the caller has"},
    },
)
def download(store: Caller, identifier: Identifier, request: Request) -> Response:
    """The stored document, byte for byte, in pieces."""
    row, document = store.open_document(identifier)
    etag = f'"{row.content_sha256}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
    name = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "_" for letter in row.conversation_id
    )
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Length": str(row.content_bytes),
        "Content-Disposition": f'attachment; filename="{name}.json"',
    }
    return StreamingResponse(_begun(document), media_type="application/json", headers=headers)


def _begun(document: Iterator[bytes]) -> Iterator[bytes]:
    """The document; its beginning is fetched before the answer begins, so that a missing file is still an error."""
    first = next(document, b"")

    def iter_all() -> Iterator[bytes]:
        yield first
        yield from document

    return iter_all()


def _outcome(result: BatchResult, identifier: str) -> Response:
    item = result.items[0]
    if item.from_status is None:
        raise NotFoundError(
            f"there is no conversation {identifier!r} in this workspace",
            hint="GET /api/conversations lists what there is.",
        )
    return json(batch_shape(result), 409 if item.outcome == "refused" else 200)
