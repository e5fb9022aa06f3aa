"""The HTTP application: its routes, its guards, its description."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema
from starlette.types import ASGIApp

from convstore.api import answers, conversations, health, jobs, problems, releases, reviews, searching
from convstore.api.bodies import LimitBody
from convstore.core import Resources
from convstore.logs import configure_logging
from convstore.middleware import API_POLICY, SecurityHeaders, guarded
from convstore.settings import Settings

__all__ = ["create_api", "serve_api"]

_DESCRIPTION = """
Push conversations in, read them, decide about them.

Every error is `application/problem+json` with a stable `code` and `next_actions` that say what to do. Lists of
conversations are pages: hand `next` back as `cursor`. Row-level security holds as everywhere: you see what your
workspaces hold. `X-Request-ID` is taken over, or made, and comes back; the log and the audit name it.
"""


def create_api(resources: Resources) -> FastAPI:
    """The application over one store, for whoever guards and closes it."""
    api = _Api(
        title="convstore",
        version=version("convstore"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,
        responses=problems.RESPONSES,
    )
    api.state.resources = resources
    api.add_middleware(LimitBody, max_bytes=resources.settings.max_upload_bytes)
    api.add_middleware(SecurityHeaders, policy=API_POLICY, is_private=True)
    problems.install(api)
    for part in (health, conversations, searching, reviews, jobs, releases):
        api.include_router(part.router)
    return api


def serve_api() -> ASGIApp:
    """The application with the settings of the environment, for an ASGI server."""
    settings = Settings.load()
    configure_logging(settings)
    resources = Resources(settings)
    api = create_api(resources)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        yield
        resources.close()

    api.router.lifespan_context = lifespan
    return guarded(api, settings, policy=API_POLICY)


class _Api(FastAPI):
    """Describes its answers as they are sent."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if not self.openapi_schema:
            document = super().openapi()
            _, made = models_json_schema(
                [(model, "serialization") for model in answers.MODELS],
                ref_template="#/components/schemas/{model}",
                schema_generator=_AsSent,
            )
            document["components"]["schemas"] |= made["$defs"]
            document["components"]["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            }
            document["security"] = [{"bearer": []}, {}]
        return super().openapi()


class _AsSent(GenerateJsonSchema):
    """Scores leave as numbers; pydantic, which does not send them, would write them as text."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number."""
        return {"type": "number"}
