"""Which request the work at hand belongs to: one id from the page to the statement, the log line and the audit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

__all__ = ["MAX_REQUEST_ID_LENGTH", "get_request_id", "new_request_id", "read_request_id", "request_as"]

#: PostgreSQL keeps 63 characters of an application's name, and ours come first.
MAX_REQUEST_ID_LENGTH = 50
_REQUEST_ID = re.compile(rf"[A-Za-z0-9._:=+/@-]{{1,{MAX_REQUEST_ID_LENGTH}}}")

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def new_request_id() -> str:
    """An id that nobody else has."""
    return uuid4().hex


def read_request_id(given: str | None) -> str:
    """The id that a caller gave, if it can be written anywhere as it is; else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else new_request_id()


def get_request_id() -> str | None:
    """The id of the request that is being served; None outside of one."""
    return _current.get()


@contextmanager
def request_as(request_id: str) -> Iterator[str]:
    """Everything inside belongs to this request, in this thread and in what copies its context."""
    token = _current.set(request_id)
    try:
        yield request_id
    finally:
        _current.reset(token)
