"""What an error looks like over HTTP: RFC 9457 problem details, with the product's code and hint."""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from convstore.errors import (
    ConflictError,
    ConvstoreError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    QuotaError,
    UnavailableError,
    UsageError,
)
from convstore.shapes import as_json

__all__ = ["RESPONSE", "SignInError", "TooLargeError", "install", "problem"]

_LOG = logging.getLogger(__name__)
_MEDIA_TYPE = "application/problem+json"

#: How an error is described in the OpenAPI document.
RESPONSE: dict[str, Any] = {
    "description": "What went wrong and what to do next",
    "content": {
        _MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["status", "title", "code", "hint"],
                "properties": {
                    "status": {"type": "integer"},
                    "title": {"type": "string"},
                    "code": {"type": "string"},
                    "hint": {"type": "string"},
                    "retryable": {"type": "boolean"},
                    "facts": {"type": "object"},
                },
            },
            "example": {
                "status": 404,
                "title": "there is no conversation 'mortgage-17' in this workspace",
                "code": "ERR_NOT_FOUND",
                "hint": "`convstore list` shows what there is; --workspace names another workspace.",
                "retryable": False,
                "facts": {"conversation_id": "mortgage-17"},
            },
        }
    },
}


class SignInError(ForbiddenError):
    """Nobody proved who they are."""

    code = "ERR_SIGN_IN"


class TooLargeError(InvalidInputError):
    """The body is larger than the server takes."""

    code = "ERR_TOO_LARGE"


_STATUSES: tuple[tuple[type[ConvstoreError], int], ...] = (
    (SignInError, 401),
    (TooLargeError, 413),
    (NotFoundError, 404),
    (ForbiddenError, 403),
    (ConflictError, 409),
    (QuotaError, 507),
    (InvalidInputError, 422),
    (UsageError, 422),
    (UnavailableError, 503),
)


def problem(error: ConvstoreError) -> Response:
    """An expected error as a response."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 400)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status == 503:
        headers["Retry-After"] = "5"
    return _response(status, {"title": error.message, **error.as_dict()}, headers)


def install(api: FastAPI) -> None:
    """Make every error of the application a problem document."""

    @api.exception_handler(ConvstoreError)
    def _expected(_request: Request, error: ConvstoreError) -> Response:
        return problem(error)

    @api.exception_handler(RequestValidationError)
    def _malformed(_request: Request, error: RequestValidationError) -> Response:
        faults = [{"path": ".".join(map(str, fault["loc"])), "reason": fault["msg"]} for fault in error.errors()]
        first = f"{faults[0]['path']}: {faults[0]['reason']}" if faults else "the request is malformed"
        document = {
            "title": first,
            "code": "ERR_USAGE",
            "hint": "Correct the request; /api/openapi.json describes it.",
            "retryable": False,
            "facts": {"faults": faults},
        }
        return _response(422, document, {})

    @api.exception_handler(HTTPException)
    def _routing(_request: Request, error: HTTPException) -> Response:
        document: dict[str, Any] = {
            "title": str(error.detail),
            "code": "ERR_NOT_FOUND" if error.status_code == 404 else "ERR_USAGE",
            "hint": "/api/openapi.json lists what there is.",
            "retryable": False,
            "facts": {},
        }
        return _response(error.status_code, document, dict(error.headers or {}))

    @api.exception_handler(Exception)
    def _bug(_request: Request, error: Exception) -> Response:
        number = uuid4().hex[:12]
        _LOG.error("request failed", extra={"incident": number}, exc_info=error)
        document = {
            "title": "something went wrong on our side",
            "code": "ERR_FATAL",
            "hint": "The log has the details under this incident.",
            "retryable": False,
            "facts": {"incident": number},
        }
        return _response(500, document, {})


def _response(status: int, document: dict[str, Any], headers: dict[str, str]) -> Response:
    document = {"status": status, **{name: value for name, value in document.items() if name != "message"}}
    return Response(as_json(document), status_code=status, media_type=_MEDIA_TYPE, headers=headers)
