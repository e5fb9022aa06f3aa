"""The app and the HTTP API as one ASGI application, behind one set of security headers.

Run by `convstore ui`, or by any ASGI server: `uvicorn convstore.asgi:create_app --factory`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from convstore.api import create_api
from convstore.core import Resources
from convstore.logs import configure_logging
from convstore.middleware import PROBES, guarded
from convstore.resources import HOME_SCRIPT
from convstore.settings import Settings
from convstore.ui.browser_session import serve_cookies
from convstore.ui.session_routes import session_routes

__all__ = ["create_app"]

_API_PATHS = ("/api", *PROBES)

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)


def _policy() -> str:
    """What a page may load: its own files only.

    Streamlit's own page starts with one inline script, which is allowed by its hash; its elements are styled in place,
    and its charts compile expressions.
    """
    page = (Path(st.__file__).parent / "static" / "index.html").read_text("utf-8")
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _INLINE_SCRIPT.findall(page)
    ]
    scripts = " ".join(f"'sha256-{found}'" for found in hashes)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' {scripts}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "frame-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "object-src 'none'",
        )
    )


class _ApiBeside:
    """Hands the API's paths to the API and the rest to the app."""

    def __init__(self, app: ASGIApp, *, api: ASGIApp) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_api = scope["type"] == "http" and any(path == own or path.startswith(f"{own}/") for own in _API_PATHS)
        await (self._api if is_api else self._app)(scope, receive, send)


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The application; database and files are opened when they are first needed."""
    settings = settings or Settings.load()
    configure_logging(settings)
    resources = Resources(settings)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        yield
        resources.close()

    serve_cookies()
    app = st.App(
        HOME_SCRIPT,
        routes=session_routes(resources),
        lifespan=lifespan,
        middleware=[Middleware(_ApiBeside, api=create_api(resources))],
    )
    return guarded(app, settings, policy=_policy())
