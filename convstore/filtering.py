"""A filter as JSON and back: how releases, queues and addresses remember what was asked for.

The form is canonical: equal filters give equal JSON, and what is not asked for is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from convstore.errors import UsageError
from convstore.model import Filter, ScoreRange, Status

__all__ = ["filter_as_json", "filter_from_json"]

_NAMES = tuple(field.name for field in fields(Filter))
_LISTS = frozenset(field.name for field in fields(Filter) if str(field.type).startswith("tuple"))
_NUMBERS = frozenset({"min_quality", "max_quality"})
_MOMENTS = frozenset({"since", "until"})


def filter_as_json(wanted: Filter) -> dict[str, Any]:
    """The filter as JSON values, alternatives sorted, without what is not asked for."""
    found: dict[str, Any] = {}
    for name in _NAMES:
        value = getattr(wanted, name)
        if value is None or value is False or value == ():
            continue
        if name == "scores":
            found[name] = sorted([r.dimension, _plain(r.minimum), _plain(r.maximum)] for r in value)
        elif name in _LISTS:
            found[name] = sorted(set(value))
        elif name in _NUMBERS:
            found[name] = _plain(value)
        elif name in _MOMENTS:
            found[name] = value.isoformat()
        else:
            found[name] = value
    return found


def filter_from_json(values: Mapping[str, Any]) -> Filter:
    """The filter of JSON values.

    Raises
    ------
    UsageError
        A name that no filter has, or a value of another kind.
    """
    given: dict[str, Any] = {}
    for name, value in values.items():
        try:
            given[name] = _read(name, value)
        except (ValueError, TypeError, InvalidOperation):
            raise UsageError(
                f"{value!r} is no value of the filter {name!r}",
                hint=f"The filters are {', '.join(_NAMES)}.",
                facts={"filter": name},
            ) from None
    return Filter(**given)


def _read(name: str, value: Any) -> Any:
    if name == "scores":
        return tuple(ScoreRange(str(d), Decimal(str(low)), Decimal(str(high))) for d, low, high in value)
    if name in _LISTS:
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise TypeError
        if name == "statuses" and not set(value) <= set(get_args(Status)):
            raise ValueError
        return tuple(value)
    if name in _NUMBERS:
        return Decimal(str(value))
    if name in _MOMENTS:
        return datetime.fromisoformat(value)
    kind = bool if name == "unscored" else str
    if name not in _NAMES or not isinstance(value, kind):
        raise TypeError
    return value


def _plain(number: Decimal) -> str:
    # As text, because 4.1 is no binary number; without trailing zeros, because 4.10 asks for the same.
    return format(number.normalize(), "f")
