"""One id for each request: given by the caller or made here, said in the answer, and in every log line beneath.

The line that is logged at the end holds no query and no body: both carry what people search for and write.
"""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from convstore.tracing import read_request_id, request_as

__all__ = ["REQUEST_ID_HEADER", "Requests"]

REQUEST_ID_HEADER = "X-Request-ID"

_log = logging.getLogger(__name__)


class Requests:
    """Serves each request under its id; what goes wrong inside is logged here, once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status: int | None = None
        began = time.monotonic()

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        with request_as(read_request_id(Headers(scope=scope).get(REQUEST_ID_HEADER))) as request_id:
            try:
                await self._app(scope, receive, with_id)
            except Exception:  # noqa: BLE001 - whatever it is, the caller gets an answer
                # Not handed on: the server would log it once more, without the id.
                _log.exception("request failed", extra={"method": scope["method"], "path": scope["path"]})
                if status is None:
                    await PlainTextResponse(f"A fault of convstore; the log has it under {request_id}.", 500)(
                        scope, receive, with_id
                    )
            finally:
                _log.info(
                    "request",
                    extra={
                        "method": scope["method"],
                        "path": scope["path"],
                        "status": status,
                        "duration_ms": round((time.monotonic() - began) * 1000),
                    },
                )
