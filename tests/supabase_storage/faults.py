"""Faults to order: the next requests fail, hang or lose their connection, before or after the work is done."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any, Literal

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Kind = Literal["status", "hang", "drop", "lose"]


@dataclass
class _Order:
    kind: Kind
    left: int
    status: int
    seconds: float
    method: str | None


class Faults:
    """What goes wrong with the requests to come; safe to order from any thread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._orders: list[_Order] = []
        self.requests = 0

    def fail(self, count: int = 1, *, status: int = 500, method: str | None = None) -> None:
        """Answer with a status and a body that is not the server's own, as a gateway does."""
        self._order(_Order("status", count, status, 0, method))

    def hang(self, count: int = 1, *, seconds: float, method: str | None = None) -> None:
        """Wait before the work."""
        self._order(_Order("hang", count, 0, seconds, method))

    def drop(self, count: int = 1, *, method: str | None = None) -> None:
        """Cut the connection before the work."""
        self._order(_Order("drop", count, 0, 0, method))

    def lose(self, count: int = 1, *, method: str | None = None) -> None:
        """Do the work, then cut the connection instead of answering."""
        self._order(_Order("lose", count, 0, 0, method))

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def _order(self, order: _Order) -> None:
        with self._lock:
            self._orders.append(order)

    def _next(self, method: str) -> _Order | None:
        with self._lock:
            self.requests += 1
            for order in self._orders:
                if order.left > 0 and order.method in (None, method):
                    order.left -= 1
                    return order
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        order = self._next(scope["method"]) if scope["type"] == "http" else None
        if order is None:
            await self._app(scope, receive, send)
        elif order.kind == "status":
            while (await receive()).get("more_body"):
                pass
            await JSONResponse({"message": "injected"}, order.status)(scope, receive, send)
        elif order.kind == "hang":
            await asyncio.sleep(order.seconds)
            await self._app(scope, receive, send)
        else:
            if order.kind == "lose":
                await self._app(scope, receive, _discard)
            # The cycle that uvicorn runs for one request; it holds the connection.
            transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
            transport.abort()
            while (await receive())["type"] != "http.disconnect":
                pass


async def _discard(message: Any) -> None:
    """Take an answer that nobody will get."""
