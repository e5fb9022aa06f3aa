"""Releases over HTTP: what went out, made by a worker, fetched as a zip, verified, compared."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from convstore.api.answers import described, json
from convstore.api.callers import Caller
from convstore.filtering import filter_from_json
from convstore.release.rows import ReleaseOptions, RowShape, SystemSource
from convstore.release.selection import Cell, SliceRules, SplitPlan
from convstore.release.specification import ReleaseRequest
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


#: An example that the command `convstore export` has an option for each part of.
_WANTED: dict[str, JsonValue] = {
    "format": "messages",
    "filter": {"statuses": ["approved"]},
    "name": "spring",
    "min_score": 4.0,
    "without_findings": ["boilerplate"],
    "best_of_duplicates": True,
    "sample": 500,
    "stratified": True,
    "split": "train=0.9,validation=0.1",
    "seed": 7,
}


class Wanted(BaseModel):
    """A slice to be released. `filter` has the names of the list's parameters, in the plural where several may hold."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _WANTED})

    format: str = Field(max_length=40)
    filter: dict[str, object] = Field(default_factory=dict)
    name: str | None = Field(None, min_length=1, max_length=200)
    seed: int = Field(0, ge=0, lt=2**63)
    lint: Literal["fail", "drop", "keep"] | None = Field(None, description="Rows that a trainer refuses.")

    min_score: float | None = Field(None, ge=1, le=5, description="Least quality; what is unscored stays behind.")
    score: Literal["effective", "human"] = Field("effective", description="Which quality `min_score` means.")
    without_findings: list[Annotated[str, Field(max_length=100)]] = Field(
        default_factory=list, max_length=100, description="Leave out what has one of these findings."
    )
    best_of_duplicates: bool = Field(False, description="One conversation of each duplicate group.")
    most_per_cell: int | None = Field(None, ge=1, lt=2**31, description="At most so many a persona, arc and topic.")
    sample: int | None = Field(None, ge=1, lt=2**31, description="At most so many, by chance.")
    stratified: bool = Field(False, description="The sample has every cell in proportion.")

    split: str | None = Field(None, max_length=500, examples=["train=0.9,validation=0.1"])
    stratify_by: list[Cell] = Field(default_factory=list, max_length=3, description="Split each in proportion.")
    held_out: dict[str, str] = Field(
        default_factory=dict, max_length=10_000, description="Splits of conversations, by conversation id."
    )

    system: SystemSource = Field("file", description="Where the system prompt comes from.")
    system_text: str | None = Field(None, max_length=100_000, description="The system prompt, where it is your own.")
    rows: RowShape = Field("conversation", description="A row a conversation, a reply, or the last reply.")
    keep_trailing_user: bool = Field(False, description="Keep a last user message that nobody answered.")
    alpaca_history: bool = Field(True, description="Carry earlier exchanges in Alpaca's `history`.")

    def request(self) -> ReleaseRequest:
        """What it asks for.

        Raises
        ------
        UsageError
            Parts that do not go together.
        """
        return ReleaseRequest(
            format=self.format,
            filter=filter_from_json(self.filter),
            rules=SliceRules(
                min_score=None if self.min_score is None else Decimal(str(self.min_score)),
                score=self.score,
                without_findings=tuple(self.without_findings),
                best_of_duplicates=self.best_of_duplicates,
                most_per_cell=self.most_per_cell,
                sample=self.sample,
                stratified=self.stratified,
            ),
            plan=SplitPlan(
                shares=parse_splits(self.split) if self.split else {},
                stratify_by=tuple(self.stratify_by),
                held_out=self.held_out,
            ),
            options=ReleaseOptions(
                system=self.system,
                system_text=self.system_text,
                rows=self.rows,
                keep_trailing_user=self.keep_trailing_user,
                alpaca_history=self.alpaca_history,
            ),
            name=self.name,
            seed=self.seed,
            lint=self.lint,
        )


@router.get("", responses={200: described(ReleaseList, {"items": [_HEAD]}, "The newest releases")})
def list_releases(store: Caller, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """Releases, newest first."""
    return json({"items": store.list_releases(limit=limit)})


@router.post("", status_code=202, responses={202: described(Queued, {"release": _ID, "job": _ID}, "Queued")})
def release(store: Caller, wanted: Wanted) -> Response:
    """Have a worker release a slice; the release has the id of the job, which /api/jobs watches and stops."""
    job_id = store.export_request_later(wanted.request())
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
