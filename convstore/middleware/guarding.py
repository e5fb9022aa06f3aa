"""Everything that guards an application, in the one order in which every answer has headers and an id."""

from __future__ import annotations

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from convstore.middleware.headers import SecurityHeaders
from convstore.middleware.requests import Requests
from convstore.settings import Settings

__all__ = ["PROBES", "guarded"]

#: Load balancers ask an address, not a name, and learn nothing but yes or no.
PROBES = ("/health", "/ready")


def guarded(app: ASGIApp, settings: Settings, *, policy: str) -> ASGIApp:
    """The application behind ids, headers and the check of the host's name.

    Parameters
    ----------
    policy
        The Content-Security-Policy of answers that bring none of their own.
    """
    return Requests(SecurityHeaders(_Hosts(app, settings.hosts), policy=policy))


class _Hosts:
    """Refuses other names than the known ones, so that a page elsewhere cannot reach us through a name of its own."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._checked = TrustedHostMiddleware(app, allowed_hosts=list(hosts), www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_probe = scope["type"] == "http" and scope["path"] in PROBES
        await (self._app if is_probe else self._checked)(scope, receive, send)
