"""Who calls: with the local sign-in this machine alone, else whoever holds a token that proves it."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Header, Query, Request

from convstore.core import ConvStore, Resources
from convstore.errors import SignInError

__all__ = ["Caller", "calling"]


def calling(
    request: Request,
    workspace: Annotated[str | None, Query(description="Slug of the workspace.", max_length=64)] = None,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> ConvStore:
    """The store, as the caller.

    Raises
    ------
    SignInError
        No token, one that proves nothing, or a call from elsewhere to a server with the local sign-in.
    """
    resources: Resources = request.app.state.resources
    if resources.settings.auth == "local":
        _check_local(request)
        return ConvStore.for_operator(resources, workspace=workspace)
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SignInError("no token was sent", hint="Send the header Authorization: Bearer TOKEN.")
    return ConvStore.for_token(resources, token.strip(), workspace=workspace)


Caller = Annotated[ConvStore, Depends(calling)]


def _check_local(request: Request) -> None:
    """Only this machine, and only what a program or our own page sends: another site's page in a browser may not."""
    host = request.client.host if request.client else ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    origin = request.headers.get("origin")
    is_foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if not is_loopback or is_foreign or request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise SignInError(
            "with the local sign-in the API answers programs on this machine only",
            hint="Call it from this machine, or set CONVSTORE_AUTH to oidc or supabase and send a token.",
        )
