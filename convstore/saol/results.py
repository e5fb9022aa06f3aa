"""What every operation gives back: a frozen report with a next step. Knows no database."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from convstore.errors import ConvstoreError, InvalidInputError

__all__ = ["NextAction", "Priority", "Result", "operation", "plain"]

Priority = Literal["HIGH", "MEDIUM", "LOW"]
P = ParamSpec("P")
R = TypeVar("R", bound="Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAction:
    """One thing to do next; `example` is a call that can be copied."""

    action: str
    description: str
    example: str
    priority: Priority = "MEDIUM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one operation.

    `code` is None on success. An expected failure has a code and at least one next action; `facts` then hold the
    server's own words.
    """

    success: bool
    summary: str
    execution_ms: float = 0.0
    next_actions: tuple[NextAction, ...] = ()
    code: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The result as one JSON document."""
        found = plain(self)
        assert isinstance(found, dict)
        return found


def operation(result_type: type[R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Time the call, and turn an expected failure into a result of the operation's own type."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            started = time.perf_counter()
            try:
                result = function(*args, **kwargs)
            except ConvstoreError as error:
                result = _failure(result_type, error)
            except UnicodeEncodeError as error:
                result = _failure(result_type, _not_unicode(error))
            return replace(result, execution_ms=round((time.perf_counter() - started) * 1000, 3))

        return run

    return wrap


def _failure(result_type: type[R], error: ConvstoreError) -> R:
    from convstore.saol.advice import advise

    return result_type(
        success=False,
        summary=error.message,
        code=error.code,
        next_actions=advise(error.code, hint=error.hint),
        facts=error.facts,
    )


def _not_unicode(error: UnicodeEncodeError) -> ConvstoreError:
    if error.encoding.replace("-", "").lower() != "utf8":
        raise error
    return InvalidInputError(
        f"an argument holds a lone surrogate at character {error.start}, which no encoding can carry",
        code="ERR_CHAR_INVALID_UTF8",
        hint="Remove the character (sanitize).",
    )


def plain(value: object) -> Any:
    """The value in JSON's own types; what JSON has no number for becomes text, never something near it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        near = float(value)
        return near if math.isfinite(near) and Decimal(repr(near)) == value else str(value)
    if isinstance(value, datetime | date | time_of_day):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sequence | Set):
        return [plain(entry) for entry in value]
    return str(value)
