"""What an error looks like over HTTP: RFC 9457 problem details, with the product's code and what to do next."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from convstore.errors import (
    ConflictError,
    ConvstoreError,
    DatabaseError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    QuotaError,
    SignInError,
    UnavailableError,
    UsageError,
)
from convstore.shapes import as_json
from convstore.tracing import get_request_id

__all__ = ["PROBLEM_CONTENT", "RESPONSES", "Problem", "TooLargeError", "install", "problem"]

MEDIA_TYPE = "application/problem+json"


class TooLargeError(InvalidInputError):
    """The body is larger than the server takes."""

    code = "ERR_TOO_LARGE"


class _Kind(NamedTuple):
    status: int
    title: str
    action: str


_KINDS: tuple[tuple[type[ConvstoreError], _Kind], ...] = (
    (SignInError, _Kind(401, "Nobody knows who asks", "sign_in")),
    (TooLargeError, _Kind(413, "The body is too large", "send_less")),
    (NotFoundError, _Kind(404, "There is no such thing", "list_what_there_is")),
    (ForbiddenError, _Kind(403, "This person may not do that", "ask_an_admin")),
    (ConflictError, _Kind(409, "Somebody or something else was first", "read_again")),
    (QuotaError, _Kind(507, "The workspace's storage is full", "free_space")),
    (InvalidInputError, _Kind(422, "The input is not what it should be", "correct_input")),
    (UsageError, _Kind(422, "The request is not what it should be", "correct_request")),
    (UnavailableError, _Kind(503, "Something behind convstore does not answer", "try_again")),
)
_BUSY = _Kind(503, "The database did not answer in time", "try_again")
_REFUSED = _Kind(400, "The request was refused", "correct_request")
_FAULT = _Kind(500, "A fault of convstore", "report")
_RETRY_AFTER_S = 5


class NextAction(BaseModel):
    """Something to do about it."""

    action: str
    description: str


class Problem(BaseModel):
    """What went wrong and what to do next."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": 404,
                "title": "There is no such thing",
                "detail": "there is no conversation 'mortgage-17' in this workspace",
                "code": "ERR_NOT_FOUND",
                "hint": "GET /api/conversations lists what there is.",
                "next_actions": [
                    {"action": "list_what_there_is", "description": "GET /api/conversations lists what there is."}
                ],
                "retryable": False,
                "facts": {},
                "request_id": "5f0c3b1e8d3f4f6f9f0e7a1b2c3d4e5f",
            }
        }
    )

    status: int
    title: str
    detail: str
    code: str
    hint: str
    next_actions: list[NextAction]
    retryable: bool
    facts: dict[str, Any]
    request_id: str | None


PROBLEM_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
#: How errors are described in the OpenAPI document.
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": next((kind.title for _, kind in _KINDS if kind.status == status), HTTPStatus(status).phrase),
        "content": PROBLEM_CONTENT,
    }
    for status in (400, 401, 403, 404, 409, 413, 422, 503)
}


def problem(error: ConvstoreError) -> Response:
    """An expected error as a response."""
    kind = next((kind for error_type, kind in _KINDS if isinstance(error, error_type)), _REFUSED)
    if isinstance(error, DatabaseError):
        kind = _BUSY if error.retryable else _FAULT
    headers = {}
    if kind.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if kind.status == 503:
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    return _response(
        kind, error.message, error.code, error.hint, retryable=error.retryable, facts=error.facts, headers=headers
    )


def install(api: FastAPI) -> None:
    """Make every error of the application a problem document."""

    @api.exception_handler(ConvstoreError)
    def _expected(_request: Request, error: ConvstoreError) -> Response:
        return problem(error)

    @api.exception_handler(RequestValidationError)
    def _malformed(_request: Request, error: RequestValidationError) -> Response:
        faults = [{"path": ".".join(map(str, fault["loc"])), "reason": fault["msg"]} for fault in error.errors()]
        first = f"{faults[0]['path']}: {faults[0]['reason']}" if faults else "the request is malformed"
        hint = "Correct the request; /api/openapi.json describes it."
        kind = _Kind(422, "The request is not what it should be", "correct_request")
        return _response(kind, first, "ERR_USAGE", hint, facts={"faults": faults})

    @api.exception_handler(HTTPException)
    def _routing(_request: Request, error: HTTPException) -> Response:
        status = error.status_code
        kind = _Kind(status, HTTPStatus(status).phrase, "read_the_description")
        code = "ERR_NOT_FOUND" if status == 404 else "ERR_USAGE"
        headers = dict(error.headers or {})
        return _response(kind, str(error.detail), code, "/api/openapi.json lists what there is.", headers=headers)

    @api.exception_handler(Exception)
    def _bug(_request: Request, _error: Exception) -> Response:
        # The fault itself is logged by whoever guards the application, under the same id.
        hint = f"Please report it; the log has the rest under {get_request_id()}."
        return _response(_FAULT, "something went wrong on our side", "ERR_BUG", hint)


def _response(
    kind: _Kind,
    detail: str,
    code: str,
    hint: str,
    *,
    retryable: bool = False,
    facts: dict[str, object] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    document = {
        "status": kind.status,
        "title": kind.title,
        "detail": detail,
        "code": code,
        "hint": hint,
        "next_actions": [{"action": kind.action, "description": hint or kind.title}],
        "retryable": retryable,
        "facts": facts or {},
        "request_id": get_request_id(),
    }
    return Response(as_json(document), status_code=kind.status, media_type=MEDIA_TYPE, headers=headers)
