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
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from convstore.api import create_api
from convstore.core import Resources
from convstore.resources import HOME_SCRIPT
from convstore.settings import Settings
from convstore.ui.browser_session import serve_cookies
from convstore.ui.session_routes import session_routes

__all__ = ["create_app"]

_API_PATHS = ("/api", "/health", "/ready")

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


_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", _policy().encode()),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


class _SecurityHeaders:
    """Adds the headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message.get("headers", ())}
                added = [header for header in _HEADERS if header[0] not in known]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class _ApiBeside:
    """Hands the API's paths to the API and the rest to the app."""

    def __init__(self, app: ASGIApp, *, api: ASGIApp) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_api = scope["type"] == "http" and any(path == own or path.startswith(f"{own}/") for own in _API_PATHS)
        await (self._api if is_api else self._app)(scope, receive, send)


def create_app(settings: Settings | None = None) -> Any:
    """The application; database and files are opened when they are first needed."""
    settings = settings or Settings.load()
    resources = Resources(settings)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        yield
        resources.close()

    serve_cookies()
    return st.App(
        HOME_SCRIPT,
        routes=session_routes(resources),
        lifespan=lifespan,
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts), www_redirect=False),
            Middleware(_SecurityHeaders),
            Middleware(_ApiBeside, api=create_api(resources)),
        ],
    )
