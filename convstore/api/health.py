"""Is the process alive, and can it serve."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from convstore.api.answers import StatusAnswer, described, json
from convstore.core import Resources
from convstore.database import system_context

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/health", responses={200: described(StatusAnswer, {"status": "ok"}, "Alive")})
def health() -> Response:
    """Answers while the process lives."""
    return json({"status": "ok"})


@router.get("/ready", responses={200: described(StatusAnswer, {"status": "ready"}, "Able to serve")})
def ready(request: Request) -> Response:
    """Answers when the database does, and has this version; an error before."""
    resources: Resources = request.app.state.resources
    resources.check_version()
    with resources.database.transaction(system_context(), read_only=True, timeout_s=5) as connection:
        connection.exec_driver_sql("SELECT FROM conversations LIMIT 1")
    return json({"status": "ready"})
