"""What a browser may do with an answer: the same headers on every one, whoever made it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["API_POLICY", "SecurityHeaders"]

#: An answer of the API is data: nothing in it is loaded, run or framed.
API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


class SecurityHeaders:
    """Adds the headers that an answer does not have yet.

    Parameters
    ----------
    policy
        The Content-Security-Policy.
    is_private
        Nothing of it may be kept on the way, unless the answer itself says for how long.
    """

    def __init__(self, app: ASGIApp, *, policy: str, is_private: bool = False) -> None:
        self._app = app
        self._headers = ((b"content-security-policy", policy.encode()), *_HEADERS)
        if is_private:
            self._headers = (*self._headers, (b"cache-control", b"no-store"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and the answer back, with headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message.get("headers", ())}
                added = [header for header in self._headers if header[0] not in known]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
