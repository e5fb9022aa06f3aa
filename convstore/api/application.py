"""The HTTP application: its routes, its guards, its description."""

from __future__ import annotations

from fastapi import FastAPI

from convstore.api import conversations, health, problems, reviews
from convstore.api.bodies import LimitBody
from convstore.core import Resources
from convstore.settings import Settings

__all__ = ["create_api", "serve_api"]

_DESCRIPTION = """
Push conversations in, read them, decide about them.

Every error is `application/problem+json` with a stable `code` and a `hint` that says what to do next. Lists are pages:
hand `next` back as `cursor`. Row-level security holds as everywhere: you see what your workspaces hold.
"""


def create_api(resources: Resources) -> FastAPI:
    """The application over one store."""
    api = FastAPI(
        title="convstore",
        version=_version(),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses=dict.fromkeys((401, 403, 404, 409, 422), problems.RESPONSE),
    )
    api.state.resources = resources
    api.add_middleware(LimitBody, max_bytes=resources.settings.max_upload_bytes)
    problems.install(api)
    api.include_router(health.router)
    api.include_router(conversations.router)
    api.include_router(reviews.router)
    return api


def serve_api() -> FastAPI:
    """The application with the settings of the environment, for an ASGI server."""
    return create_api(Resources(Settings.load()))


def _version() -> str:
    from importlib.metadata import version

    return version("convstore")
