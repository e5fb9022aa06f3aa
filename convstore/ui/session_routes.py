"""The two addresses that a browser passes through after signing in and out, because only an answer can set a cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from convstore.identity import SESSION_LIFE, BrowserSessions

if TYPE_CHECKING:
    from starlette.requests import Request

    from convstore.core import Resources

__all__ = ["COOKIE", "END_PATH", "KEEP_PATH", "session_routes"]

COOKIE = "convstore_session"
KEEP_PATH = "/session/keep"
END_PATH = "/session/end"


def session_routes(resources: Resources) -> list[Route]:
    """Routes beside the app: one sets the cookie, one removes it."""

    async def keep(request: Request) -> Response:
        refused = _refusal(request)
        if refused is not None:
            return refused
        sessions = BrowserSessions(resources.database)
        secret = await run_in_threadpool(sessions.exchange, request.query_params.get("ticket", ""))
        response = _home()
        if secret is not None:
            response.set_cookie(
                COOKIE,
                secret,
                max_age=int(SESSION_LIFE.total_seconds()),
                path="/",
                secure=request.url.scheme == "https",
                httponly=True,
                samesite="lax",
            )
        return response

    async def end(request: Request) -> Response:
        refused = _refusal(request)
        if refused is not None:
            return refused
        secret = request.cookies.get(COOKIE)
        if secret:
            await run_in_threadpool(BrowserSessions(resources.database).end, secret)
        response = _home()
        response.delete_cookie(COOKIE, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax")
        return response

    return [Route(KEEP_PATH, keep, methods=["GET"]), Route(END_PATH, end, methods=["GET"])]


def _home() -> Response:
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse("/", status_code=303, headers=headers)


def _refusal(request: Request) -> Response | None:
    """Nobody else's page may sign a person in as somebody, or out: a browser says which page sends it here."""
    site = request.headers.get("sec-fetch-site")
    # Without encryption, browsers name the page only.
    page = urlsplit(request.headers.get("referer", ""))
    is_own_page = (page.scheme, page.netloc) == (request.url.scheme, request.url.netloc)
    if site == "same-origin" or (site is None and is_own_page):
        return None
    return PlainTextResponse("This address is for the app's own pages.\n", status_code=403)
