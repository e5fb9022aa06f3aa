"""Reading rows, counts and aggregates of any table, with filters that are checked against the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from convstore.database import Context, Database
from convstore.errors import UsageError
from convstore.saol.catalogue import Relation, get_relation, near
from convstore.saol.filters import Where, check_names, ordering, selection, where_clause
from convstore.saol.results import NextAction, Result, operation
from convstore.saol.session import Connection, Parameters, execute, fetch, session

__all__ = ["CountResult", "QueryResult", "agent_count", "agent_query"]

DEFAULT_LIMIT = 1000
_FUNCTIONS = ("count", "sum", "avg", "min", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult(Result):
    """Rows of one page; `has_more` says that the limit cut some off, `count` and `aggregates` are over all rows."""

    rows: tuple[Mapping[str, Any], ...] = ()
    has_more: bool = False
    count: int | None = None
    aggregates: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountResult(Result):
    """`count` is None if nobody could look."""

    count: int | None = None


@operation(QueryResult)
def agent_query(
    database: Database,
    *,
    table: str,
    select: str | Sequence[str] = "*",
    where: Where = (),
    order_by: str | Sequence[str | Mapping[str, object]] = (),
    limit: int = DEFAULT_LIMIT,
    offset: int = 0,
    count: bool = False,
    aggregates: Sequence[Mapping[str, object]] = (),
    as_user: Context | None = None,
) -> QueryResult:
    """Rows of a table.

    Parameters
    ----------
    order_by
        Column names, or `{column, asc}`.
    count
        Also count all rows that match, whatever the limit.
    aggregates
        `{function, column, distinct, alias}` with count, sum, avg, min or max, computed over all rows that match.
    """
    _check_number("limit", limit)
    _check_number("offset", offset)
    with session(database, as_user, read_only=True) as connection:
        relation = get_relation(connection, table)
        columns = selection(select, relation)
        parameters = Parameters()
        statement = sql.SQL("SELECT {} FROM {}{}{} LIMIT {} OFFSET {}").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            relation.identifier,
            where_clause(where, relation, parameters.bind),
            ordering(order_by, relation),
            # One more than asked for tells whether there are more.
            parameters.bind(limit + 1),
            parameters.bind(offset),
        )
        rows = execute(connection, statement, parameters.values).fetchmany(limit + 1)
        wanted = [*aggregates, {"function": "count", "alias": "count"}] if count else aggregates
        totals = _aggregate(connection, relation, where, wanted) if wanted else {}
    has_more = len(rows) > limit
    total = totals.pop("count", None) if count else None
    shown = f"{min(len(rows), limit)} rows of {relation.label}"
    return QueryResult(
        success=True,
        summary=shown
        + (f"; there are more, {total} in all" if has_more and count else "; there are more" if has_more else ""),
        next_actions=_more(table, offset + limit) if has_more else (),
        rows=tuple(rows[:limit]),
        has_more=has_more,
        count=total,
        aggregates=totals,
    )


@operation(CountResult)
def agent_count(
    database: Database,
    *,
    table: str,
    where: Where = (),
    distinct: str | Sequence[str] | None = None,
    as_user: Context | None = None,
) -> CountResult:
    """How many rows match, or how many distinct values of one or several columns they hold."""
    with session(database, as_user, read_only=True) as connection:
        relation = get_relation(connection, table)
        names = [relation.get_column(name).name for name in check_names(distinct, "distinct")]
        parameters = Parameters()
        condition = where_clause(where, relation, parameters.bind)
        if names:
            statement = sql.SQL("SELECT count(*) AS n FROM (SELECT DISTINCT {} FROM {}{}) AS found").format(
                sql.SQL(", ").join(map(sql.Identifier, names)), relation.identifier, condition
            )
        else:
            statement = sql.SQL("SELECT count(*) AS n FROM {}{}").format(relation.identifier, condition)
        number = fetch(connection, statement, parameters.values)[0]["n"]
    what = f"distinct {', '.join(names)}" if names else "rows"
    return CountResult(success=True, summary=f"{number} {what} in {relation.label}", count=number)


def _aggregate(
    connection: Connection, relation: Relation, where: Where, wanted: Sequence[Mapping[str, object]]
) -> dict[str, Any]:
    parameters = Parameters()
    aliases: dict[str, sql.Composable] = {}
    for entry in wanted:
        alias, expression = _expression(entry, relation)
        if alias in aliases:
            raise UsageError(f"two aggregates are called {alias!r}", hint="Give each another alias.")
        aliases[alias] = expression
    columns = [sql.SQL("{} AS {}").format(one, sql.Identifier(alias)) for alias, one in aliases.items()]
    statement = sql.SQL("SELECT {} FROM {}{}").format(
        sql.SQL(", ").join(columns), relation.identifier, where_clause(where, relation, parameters.bind)
    )
    return fetch(connection, statement, parameters.values)[0]


def _expression(entry: object, relation: Relation) -> tuple[str, sql.Composable]:
    if not isinstance(entry, Mapping) or not set(entry) <= {"function", "column", "distinct", "alias"}:
        raise UsageError(f"an aggregate is {{function, column, distinct, alias}}, not {entry!r}", hint="Correct it.")
    function, column = entry.get("function"), entry.get("column")
    if function not in _FUNCTIONS:
        raise UsageError(
            f"there is no aggregate {function!r}",
            hint=near(str(function), list(_FUNCTIONS)) or f"Use one of {', '.join(_FUNCTIONS)}.",
        )
    if column is None and function != "count":
        raise UsageError(f"{function} needs a column", hint="Name the column.")
    inside: sql.Composable = sql.SQL("*")
    if column is not None:
        inside = sql.Identifier(relation.get_column(column).name)
        inside = sql.SQL("DISTINCT {}").format(inside) if entry.get("distinct") else inside
    alias = str(entry.get("alias") or (f"{function}_{column}" if column is not None else function))
    if len(alias.encode()) > 63:
        raise UsageError(f"the alias {alias!r} is longer than 63 bytes", hint="Shorten it.")
    return alias, sql.SQL("{}({})").format(sql.SQL(str(function)), inside)


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise UsageError(f"{name} is a number from 0, not {value!r}", hint=f"Give {name} as a whole number.")


def _more(table: str, offset: int) -> tuple[NextAction, ...]:
    return (
        NextAction(
            action="read_on",
            description="The limit cut the result off: read the next page, or export everything.",
            example=f"agent_query(database, table={table!r}, order_by=[…], offset={offset})",
            priority="LOW",
        ),
        NextAction(
            action="export_all",
            description="An export is streamed and has no limit.",
            example=f'agent_export_data(database, table={table!r}, format="jsonl", destination="rows.jsonl")',
            priority="LOW",
        ),
    )
