"""Conversations over HTTP: list, push, read, change, trash, download."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from convstore.api.callers import Caller
from convstore.api.filters import Wanted
from convstore.errors import NotFoundError
from convstore.model import Order, Sort, Status
from convstore.shapes import as_json, batch_shape, detail_shape, page_shape

__all__ = ["router"]

router = APIRouter(prefix="/api/conversations", tags=["conversations"])

Identifier = Annotated[str, Path(description="Conversation id or row id.", max_length=100, examples=["mortgage-17"])]


class Change(BaseModel):
    """What may be changed of a conversation; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "Busy parent: a late letter"}})

    name: str | None = Field(None, min_length=1, max_length=255)
    description: str | None = Field(None, max_length=10_000)


class StatusChange(BaseModel):
    """A decision about one conversation."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"status": "approved", "note": "A model to follow."}}
    )

    status: Status
    note: str | None = Field(None, max_length=10_000)
    reasons: list[str] = Field(default_factory=list, max_length=20)
    scores: dict[str, float] = Field(default_factory=dict, examples=[{"quality": 4.5}])
    turns_sha256: str | None = Field(None, description="The turns that were read; refused if they changed since.")


def json(document: object, status: int = 200) -> Response:
    """A JSON response in the product's shapes."""
    return Response(as_json(document), status_code=status, media_type="application/json")


@router.get("")
def list_conversations(
    store: Caller,
    wanted: Wanted,
    sort: Sort = "created",
    order: Order = "desc",
    limit: Annotated[int, Query(ge=1, le=1000)] = 25,
    cursor: Annotated[str | None, Query(max_length=2000, description="`next` of the page before.")] = None,
) -> Response:
    """One page of conversations."""
    return json(page_shape(store.search(wanted, sort=sort, order=order, limit=limit, cursor=cursor)))


@router.post(
    "",
    status_code=201,
    responses={200: {"description": "Nothing was new"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A conversation file of any known family.",
            "content": {
                "application/json": {
                    "schema": {},
                    "example": {
                        "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
                    },
                },
                "application/jsonl": {"schema": {"type": "string"}},
            },
        }
    },
)
async def push(
    request: Request,
    store: Caller,
    name: Annotated[str, Query(max_length=200, description="File name, for families without ids.")] = "pushed.json",
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


@router.get("/{identifier}")
def get_conversation(store: Caller, identifier: Identifier) -> Response:
    """A conversation with its turns, findings, reviews and history."""
    return json(detail_shape(store.get(identifier)))


@router.patch("/{identifier}")
def edit(store: Caller, identifier: Identifier, change: Change) -> Response:
    """Rename or describe a conversation."""
    store.edit(identifier, name=change.name, description=change.description)
    return json(detail_shape(store.get(identifier)))


@router.delete("/{identifier}")
def delete(
    store: Caller,
    identifier: Identifier,
    hard: Annotated[bool, Query(description="For good; needs `confirm`.")] = False,
    confirm: bool = False,
) -> Response:
    """Move a conversation to the trash."""
    result = store.delete([identifier], hard=hard, confirm=confirm)
    _check_known(result.items[0].from_status, identifier)
    return json(batch_shape(result), 409 if result.items[0].outcome == "refused" else 200)


@router.patch("/{identifier}/status")
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
    _check_known(result.items[0].from_status, identifier)
    return json(batch_shape(result), 409 if result.items[0].outcome == "refused" else 200)


@router.get("/{identifier}/file", responses={200: {"content": {"application/json": {}}}})
def download(store: Caller, identifier: Identifier, request: Request) -> Response:
    """The stored document, byte for byte."""
    row = store.get(identifier).conversation
    etag = f'"{row.content_sha256}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in row.conversation_id)
    headers = {
        "ETag": etag,
        "Content-Disposition": f'attachment; filename="{name.encode("ascii", "replace").decode()}.json"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(store.document(identifier), media_type="application/json", headers=headers)


def _check_known(from_status: str | None, identifier: str) -> None:
    if from_status is None:
        raise NotFoundError(
            f"there is no conversation {identifier!r} in this workspace",
            hint="GET /api/conversations lists what there is.",
        )
