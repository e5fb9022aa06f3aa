"""Tokens as Supabase issues them: HS256, one secret for callers and for signed addresses."""

from __future__ import annotations

import time
from typing import Any

import jwt

from tests.supabase_storage.replies import StorageError, invalid_jwt, invalid_signature, no_bucket, unauthorized

ALGORITHM = "HS256"


def make_token(secret: str, role: str, user_id: object | None = None, *, expires_in_s: float = 3600) -> str:
    """A caller's token; `expires_in_s` below zero makes an expired one."""
    claims: dict[str, Any] = {"role": role, "iss": "supabase", "exp": int(time.time() + expires_in_s)}
    if user_id is not None:
        claims["sub"] = str(user_id)
    return jwt.encode(claims, secret, ALGORITHM)


def read_caller(secret: str, authorization: str, *, is_read: bool) -> dict[str, Any]:
    """The claims of a caller; a bad token reads as a missing bucket where objects are read."""
    try:
        claims = jwt.decode(authorization.removeprefix("Bearer "), secret, [ALGORITHM])
    except jwt.ExpiredSignatureError:
        failure: StorageError = unauthorized('"exp" claim timestamp check failed')
    except jwt.InvalidTokenError:
        failure = unauthorized("signature verification failed")
    else:
        if claims.get("role") in ("anon", "authenticated", "service_role"):
            return dict(claims)
        failure = unauthorized("unknown role")
    raise no_bucket() if is_read else failure


def sign_path(secret: str, path: str, expires_in_s: int) -> str:
    now = int(time.time())
    return jwt.encode({"url": path, "iat": now, "exp": now + expires_in_s}, secret, ALGORITHM)


def check_signed_path(secret: str, token: str, path: str) -> None:
    try:
        claims = jwt.decode(token, secret, [ALGORITHM])
    except jwt.ExpiredSignatureError:
        raise invalid_jwt('"exp" claim timestamp check failed') from None
    except jwt.InvalidTokenError:
        raise invalid_jwt("signature verification failed") from None
    if claims.get("url") != path:
        raise invalid_signature()
