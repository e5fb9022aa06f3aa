"""Calling a function of the database by name, with arguments by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from convstore.database import Context, Database
from convstore.errors import DatabaseError, UsageError
from convstore.saol.catalogue import ColumnInfo, near
from convstore.saol.results import Result, operation
from convstore.saol.session import Connection, Parameters, execute, fetch, session
from convstore.saol.values import as_text

__all__ = ["RPCResult", "agent_execute_rpc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RPCResult(Result):
    """Rows of the call; `value` is the one value of a function that gives one."""

    rows: tuple[Mapping[str, Any], ...] = ()
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Function:
    schema: str
    name: str
    arguments: Mapping[str, ColumnInfo]
    required: int
    returns_set: bool

    @property
    def signature(self) -> str:
        inside = ", ".join(f"{argument.name} {argument.type}" for argument in self.arguments.values())
        return f"{self.schema}.{self.name}({inside})"


@operation(RPCResult)
def agent_execute_rpc(
    database: Database,
    *,
    function: str,
    params: Mapping[str, object] | None = None,
    timeout_s: float = 30.0,
    dry_run: bool = False,
    as_user: Context | None = None,
) -> RPCResult:
    """Call `name` or `schema.name`; a dry run calls it and rolls back."""
    arguments = {} if params is None else params
    if not isinstance(arguments, Mapping):
        raise UsageError(f"params are {{name: value}}, not {type(params).__name__}", hint="Name every argument.")
    with session(database, as_user, timeout_s=timeout_s) as connection:
        found = _choose(connection, function, arguments)
        parameters = Parameters()
        # The types' names come from the catalogue, quoted by the server itself.
        bound = [
            sql.SQL("{} => {}::{}").format(
                sql.Identifier(name),
                parameters.bind(as_text(value, found.arguments[name])),
                sql.SQL(found.arguments[name].type),
            )
            for name, value in arguments.items()
        ]
        statement = sql.SQL("SELECT * FROM {}({}) AS result").format(
            sql.Identifier(found.schema, found.name), sql.SQL(", ").join(bound)
        )
        with connection.transaction(force_rollback=dry_run):
            rows = execute(connection, statement, parameters.values).fetchall()
    single = not found.returns_set and len(rows) == 1 and len(rows[0]) == 1
    return RPCResult(
        success=True,
        summary=f"{found.signature}: {len(rows)} rows" + (", rolled back" if dry_run else ""),
        rows=tuple(rows),
        value=next(iter(rows[0].values())) if single else None,
    )


def _choose(connection: Connection, name: str, params: Mapping[str, object]) -> _Function:
    candidates = _find(connection, name)
    if not candidates:
        known = [row["name"] for row in fetch(connection, _NAMES)]
        raise DatabaseError(
            f"there is no function {name!r}",
            code="ERR_OBJECT_NOT_FOUND",
            hint=near(str(name), known) or f"Functions here: {', '.join(known[:20]) or 'none'}.",
        )
    for candidate in candidates:
        if set(params) <= set(candidate.arguments) and len(params) >= candidate.required:
            return candidate
    raise UsageError(
        f"function {name!r} does not take ({', '.join(map(str, params))})",
        hint=f"It takes {' or '.join(candidate.signature for candidate in candidates)}.",
    )


def _find(connection: Connection, name: str) -> list[_Function]:
    if not isinstance(name, str):
        return []
    schema, _, bare = name.rpartition(".")
    found = []
    for row in fetch(connection, _FUNCTIONS, [bare, schema or None]):
        arguments = {
            argument["name"]: ColumnInfo(**argument, nullable=True, default=None, generated=False)
            for argument in fetch(connection, _ARGUMENTS, [row["oid"]])
        }
        required = row["arguments"] - row["defaults"]
        found.append(
            _Function(
                schema=row["schema"], name=row["name"], arguments=arguments, required=required, returns_set=row["many"]
            )
        )
    return found


_NAMES = """
    SELECT CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || p.proname AS name
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY 1
"""
_FUNCTIONS = """
    SELECT p.oid::bigint AS oid, n.nspname::text AS schema, p.proname::text AS name, p.pronargs::int AS arguments,
           p.pronargdefaults::int AS defaults, p.proretset AS many
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE p.proname::text = $1 AND p.prokind = 'f'
      AND CASE WHEN $2::text IS NULL THEN pg_function_is_visible(p.oid) ELSE n.nspname::text = $2 END
    ORDER BY p.pronargs, p.oid
"""
_ARGUMENTS = """
    SELECT p.proargnames[a.rank] AS name, format_type(a.type, NULL) AS type, format_type(a.type, -1) AS base_type,
           t.typcategory::text AS category
    FROM pg_proc AS p
    CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, rank)
    JOIN pg_type AS t ON t.oid = a.type
    WHERE p.oid = $1::oid AND p.proargnames[a.rank] <> '' ORDER BY a.rank
"""
