"""Bounded request bodies: a request that says or sends too much is refused before it fills the memory."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from convstore.api.problems import TooLargeError, problem

__all__ = ["LimitBody"]


class LimitBody:
    """Refuse bodies larger than `max_bytes`, declared or not."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = problem(
            TooLargeError(
                f"the body is larger than {self._max_bytes:,} bytes",
                hint="Send it in parts, import it with `convstore ingest`, or raise CONVSTORE_MAX_UPLOAD_BYTES.",
            )
        )
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._max_bytes:
            await refusal(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise _BodyTooLargeError
            return message

        try:
            await self._app(scope, counted, send)
        except _BodyTooLargeError:
            await refusal(scope, receive, send)


class _BodyTooLargeError(Exception):
    """More came than was declared, or nothing was declared and too much came."""
