"""What Supabase Storage answers, as the store's own errors; what is worth another attempt, and when.

The server sends its handled errors as HTTP 400 with the true status as a string in the body. A missing bucket
must never read as a missing object: whoever compares rows with files would find all of them lost.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

import httpx
from storage3.exceptions import StorageApiError

from convstore.errors import ConflictError, ConvstoreError, ForbiddenError, InvalidInputError, StorageUnavailableError
from convstore.files.store import not_found

__all__ = ["call", "storage_api_error", "translate"]

ATTEMPTS = 4
FIRST_DELAY_S = 0.2
BUCKET_NOT_FOUND = "Bucket not found"

T = TypeVar("T")
logger = logging.getLogger(__name__)


def call(send: Callable[[], T], *, bucket: str, subject: str, timeout_s: float) -> T:
    """The result of a request, tried again while the fault is passing and `timeout_s` is not used up.

    Delays double and are shortened at random by up to a half, so that many clients do not come back together.
    """
    started = time.monotonic()
    for attempt in range(ATTEMPTS):
        try:
            return send()
        except (httpx.HTTPError, StorageApiError, ValueError, KeyError) as exc:
            delay = FIRST_DELAY_S * 2**attempt * random.uniform(0.5, 1)
            is_last = attempt == ATTEMPTS - 1 or time.monotonic() - started + delay > timeout_s
            if is_last or not _is_transient(exc):
                raise translate(exc, bucket=bucket, subject=subject) from exc
            logger.info("file store: %s: %s, again in %.1f s", subject, _words(exc), delay)
            time.sleep(delay)
    raise AssertionError("unreachable: the last attempt returns or raises")


def translate(exc: Exception, *, bucket: str, subject: str) -> ConvstoreError:
    """The store's own error for what httpx or storage3 raised."""
    facts: dict[str, object] = {"bucket": bucket, "path": subject}
    if not isinstance(exc, StorageApiError):
        return StorageUnavailableError(f"Supabase Storage, {subject}: {_words(exc)}", facts=facts)
    status = _status(exc)
    facts |= {"status": status, "server_code": exc.code, "server_message": exc.message}
    said = f"Supabase Storage, {subject}: {exc.message} ({status} {exc.code})"
    if status == 404 and exc.code == "not_found":
        error: ConvstoreError = not_found(bucket, subject)
        error.facts |= facts
        return error
    if status == 404 and BUCKET_NOT_FOUND in (exc.code, exc.message):
        return StorageUnavailableError(
            f"Supabase Storage: there is no bucket {bucket}, or the key may not see it",
            hint="Run `convstore init`, and check that SUPABASE_SERVICE_ROLE_KEY is the key of the service role.",
            facts=facts,
            retryable=False,
        )
    if status == 409:
        return ConflictError(said, facts=facts)
    if status in (401, 403):
        return ForbiddenError(
            said, hint="Check that SUPABASE_SERVICE_ROLE_KEY is the service role's key and valid.", facts=facts
        )
    if status in (400, 413, 415):
        return InvalidInputError(said, facts=facts)
    return StorageUnavailableError(said, facts=facts, retryable=_is_transient(exc))


def storage_api_error(response: httpx.Response) -> StorageApiError:
    """The error in a response that did not come through storage3, read as storage3 reads it."""
    try:
        body = response.json()
        return StorageApiError(body["message"], body["error"], body["statusCode"])
    except (KeyError, TypeError, ValueError):
        return StorageApiError(response.text[:200], "InternalError", response.status_code)


def _is_transient(exc: Exception) -> bool:
    if isinstance(exc, StorageApiError):
        status = _status(exc)
        return status == 429 or status >= 500
    return isinstance(exc, httpx.TransportError) and not isinstance(exc, httpx.UnsupportedProtocol)


def _status(exc: StorageApiError) -> int:
    """The true status: a string of digits in a handled error, the response's own number otherwise."""
    return int(exc.status) if str(exc.status).isdigit() else 500


def _words(exc: Exception) -> str:
    if isinstance(exc, httpx.HTTPError | StorageApiError):
        return f"{type(exc).__name__}: {exc}"
    return f"an answer that is not Supabase Storage's ({type(exc).__name__})"
