"""Filters: `[{column, operator, value}]`, ANDed.

What is unknown is an error, because skipping it would widen the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from psycopg import sql

from convstore.errors import UsageError
from convstore.saol.catalogue import ColumnInfo, Relation, near
from convstore.saol.values import as_text, as_text_list

__all__ = ["OPERATORS", "Bind", "Where", "check_names", "condition", "ordering", "selection", "where_clause"]

Where: TypeAlias = Sequence[Mapping[str, object]]
Bind: TypeAlias = Callable[[object], sql.Composable]

_COMPARISONS = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_STATES = {"null": "NULL", "not null": "NOT NULL", "true": "TRUE", "false": "FALSE"}
OPERATORS = (*_COMPARISONS, "like", "in", "is")


def where_clause(where: Where, relation: Relation, bind: Bind) -> sql.Composable:
    """` WHERE …`, or nothing without filters."""
    return sql.SQL(" WHERE {}").format(condition(where, relation, bind)) if where else sql.SQL("")


def condition(where: Where, relation: Relation, bind: Bind) -> sql.Composable:
    """The filters as one expression; `bind` gives what stands for a value."""
    if isinstance(where, str | Mapping) or not isinstance(where, Sequence):
        raise _wrong(f"a filter is a list of {{column, operator, value}}, not {type(where).__name__}")
    return sql.SQL(" AND ").join([_one(entry, relation, bind) for entry in where])


def _one(entry: object, relation: Relation, bind: Bind) -> sql.Composable:
    if not isinstance(entry, Mapping) or not {"column", "operator"} <= set(entry) <= {"column", "operator", "value"}:
        raise _wrong(f"a filter is {{column, operator, value}}, not {entry!r}")
    column = relation.get_column(entry["column"])
    operator, value = entry["operator"], entry.get("value")
    name = sql.Identifier(column.name)
    if operator == "is":
        return sql.SQL("{} IS {}").format(name, _state(column, value))
    if operator not in OPERATORS:
        raise _wrong(f"column {column.name!r}: there is no operator {operator!r}", near(str(operator), list(OPERATORS)))
    if value is None:
        raise _wrong(f"column {column.name!r}: {operator} with null matches nothing", 'Use the operator "is".')
    if operator == "in":
        return _membership(column, value, bind)
    if operator == "like":
        left = name if column.is_text else sql.SQL("{}::text").format(name)
        return sql.SQL("{} LIKE {}").format(left, bind(as_text(value, column)))
    return sql.SQL("{} {} {}").format(
        name, sql.SQL(_COMPARISONS[str(operator)]), bind(as_text(value, column))
    )  # fmt: skip


def _membership(column: ColumnInfo, value: object, bind: Bind) -> sql.Composable:
    if not isinstance(value, list | tuple | set | frozenset):
        raise _wrong(f"column {column.name!r}: in needs a list, not {type(value).__name__}")
    values = list(value)
    if any(entry is None for entry in values):
        raise _wrong(f"column {column.name!r}: in with null matches nothing", 'Use the operator "is" for it.')
    if column.is_array:
        raise _wrong(f"column {column.name!r} is an array, which in cannot compare", "Use eq.")
    # The type's name comes from the catalogue, quoted by the server itself.
    return sql.SQL("{} = ANY({}::{}[])").format(
        sql.Identifier(column.name),
        bind(as_text_list(values, column)),
        sql.SQL(column.base_type),
    )


def _state(column: ColumnInfo, value: object) -> sql.Composable:
    word = "null" if value is None else str(value).lower().replace("_", " ")
    state = _STATES.get(word)
    if state is None:
        raise _wrong(f'column {column.name!r}: is takes null, "not null", true or false, not {value!r}')
    return sql.SQL(state)


def _wrong(message: str, hint: str = "") -> UsageError:
    return UsageError(message, code="ERR_FILTER_INVALID", hint=hint)


def check_names(names: str | Sequence[str] | None, what: str) -> list[str]:
    """A list of names from one name or several."""
    found = [names] if isinstance(names, str) else list(names or [])
    if not all(isinstance(name, str) for name in found):
        raise UsageError(f"{what} is a name or a list of names", hint=f"Give {what} as text.")
    return found


def selection(select: str | Sequence[str], relation: Relation) -> list[str]:
    """Names of the wanted columns; `*` is all."""
    if select in ("*", ["*"]):
        return list(relation.columns)
    names = check_names(select, "select")
    if len(names) == 1 and names[0] not in relation.columns and "," in names[0]:
        names = [name.strip() for name in names[0].split(",")]
    if not names:
        raise UsageError("select names no column", hint='Name columns, or "*" for all.')
    return [relation.get_column(name).name for name in dict.fromkeys(names)]


def ordering(order_by: str | Sequence[str | Mapping[str, object]], relation: Relation) -> sql.Composable:
    """` ORDER BY …` from column names or `{column, asc}`, or nothing."""
    entries = [order_by] if isinstance(order_by, str | Mapping) else list(order_by)
    parts = []
    for entry in entries:
        wanted: object = {"column": entry} if isinstance(entry, str) else entry
        if not isinstance(wanted, Mapping) or not {"column"} <= set(wanted) <= {"column", "asc"}:
            raise UsageError(f"an order is a column or {{column, asc}}, not {entry!r}", hint="Give column and asc.")
        ascending = wanted.get("asc", True)
        if not isinstance(ascending, bool):
            raise UsageError(f"asc is true or false, not {ascending!r}", hint="Give true or false.")
        column = relation.get_column(wanted["column"])
        parts.append(sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL("ASC" if ascending else "DESC")))
    return sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(parts)) if parts else sql.SQL("")
