"""Releases over HTTP: what went out, made by a worker, fetched as a zip, verified, compared."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from convstore.api.answers import described, json
from convstore.api.callers import Caller
from convstore.filtering import filter_from_json
from convstore.release.selection import SliceRules, SplitPlan
from convstore.release.splits import parse_splits

__all__ = ["router"]

router = APIRouter(prefix="/api/releases", tags=["releases"])

_ID = "5b0b0c1e-7a52-4d8e-9a37-0d6f3f6f1c11"
_HEAD = {"id": _ID, "name": "spring", "format": "messages", "status": "sealed", "conversation_count": 96}
_ZIP = {"schema": {"type": "string", "format": "binary"}, "example": "PK, and the rest of the zip"}


class Document(BaseModel):
    """A release, or what is said of one."""

    model_config = ConfigDict(extra="allow")


class ReleaseList(BaseModel):
    """Releases, newest first."""

    items: list[Document]


class Queued(BaseModel):
    """A release that a worker will make."""

    release: str
    job: str


Identifier = Annotated[str, Path(description="Name or id of a release.", max_length=200, examples=["spring"])]


class Wanted(BaseModel):
    """A slice to be released. `filter` has the names of the list's parameters, in the plural where several may hold."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"format": "messages", "filter": {"statuses": ["approved"]}, "name": "spring"}},
    )

    format: str = Field(max_length=40)
    filter: dict[str, object] = Field(default_factory=dict)
    name: str | None = Field(None, min_length=1, max_length=200)
    split: str | None = Field(None, max_length=500, examples=["train=0.9,validation=0.1"])
    seed: int = Field(0, ge=0, lt=2**63)
    lint: Literal["fail", "drop", "keep"] | None = None
    sample: int | None = Field(None, ge=1, lt=2**31)


@router.get("", responses={200: described(ReleaseList, {"items": [_HEAD]}, "The newest releases")})
def list_releases(store: Caller, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """Releases, newest first."""
    return json({"items": store.list_releases(limit=limit)})


@router.post("", status_code=202, responses={202: described(Queued, {"release": _ID, "job": _ID}, "Queued")})
def release(store: Caller, wanted: Wanted) -> Response:
    """Have a worker release a slice; the release has the id of the job, which /api/jobs watches and stops."""
    job_id = store.export_later(
        wanted.format,
        filter_from_json(wanted.filter),
        name=wanted.name,
        rules=SliceRules(sample=wanted.sample),
        plan=SplitPlan(shares=parse_splits(wanted.split)) if wanted.split else SplitPlan(),
        seed=wanted.seed,
        lint=wanted.lint,
    )
    return json({"release": job_id, "job": job_id}, 202)


@router.get("/{identifier}", responses={200: described(Document, _HEAD, "The release")})
def get_release(store: Caller, identifier: Identifier) -> Response:
    """A release with its filter, rules, files, counts and what it left out."""
    return json(store.get_release(identifier))


@router.get(
    "/{identifier}/zip", response_class=StreamingResponse, responses={200: {"content": {"application/zip": _ZIP}}}
)
def download(store: Caller, identifier: Identifier) -> StreamingResponse:
    """The files of a release and their manifest, as they went out."""
    found = store.get_release(identifier)
    headers = {
        "Content-Disposition": f'attachment; filename="release-{found.id}.zip"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(store.download_release(str(found.id)), media_type="application/zip", headers=headers)


@router.get("/{identifier}/verification", responses={200: described(Document, {"release": _ID, "ok": True}, "Checked")})
def verify(store: Caller, identifier: Identifier) -> Response:
    """Whether the stored conversations that a release names are as they went out."""
    return json(store.verify_release(identifier).as_dict())


@router.get("/{before}/diff/{after}", responses={200: described(Document, {"counts": {"added": 3}}, "The difference")})
def diff(store: Caller, before: Identifier, after: Identifier) -> Response:
    """What changed from one release to another."""
    return json(store.diff_releases(before, after).as_dict())
