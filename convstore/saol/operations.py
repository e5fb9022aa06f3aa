"""The operations by the names of the command line, their arguments checked against their signatures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from convstore.database import Context, Database
from convstore.errors import UsageError
from convstore.saol.catalogue import near
from convstore.saol.ddl import agent_execute_ddl
from convstore.saol.deleting import agent_delete
from convstore.saol.exporting import agent_export_data
from convstore.saol.importing import agent_import_tool
from convstore.saol.indexes import agent_analyze_index_usage, agent_manage_index
from convstore.saol.introspection import agent_introspect_schema
from convstore.saol.maintenance import agent_analyze, agent_analyze_table_bloat, agent_reindex, agent_vacuum
from convstore.saol.preflight import agent_preflight
from convstore.saol.querying import agent_count, agent_query
from convstore.saol.recovery import agent_analyze_import_errors
from convstore.saol.results import Result
from convstore.saol.rpc import agent_execute_rpc
from convstore.saol.setup import verify_setup
from convstore.saol.sql import agent_execute_sql
from convstore.saol.verification import agent_verify_table

__all__ = ["OPERATIONS", "Operation", "Parameter", "get_operation", "run_operation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument; `type` is its annotation as text."""

    name: str
    type: str
    required: bool
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; `takes_user` if it can run as somebody."""

    name: str
    function: Callable[..., Result]
    summary: str
    parameters: tuple[Parameter, ...]
    takes_user: bool


def _operation(name: str, function: Callable[..., Result]) -> Operation:
    signature = inspect.signature(function)
    own = [entry for entry in signature.parameters.values() if entry.name not in ("database", "as_user")]
    return Operation(
        name=name,
        function=function,
        summary=(inspect.getdoc(function) or "").partition("\n")[0],
        parameters=tuple(
            Parameter(
                name=entry.name,
                type=str(entry.annotation),
                required=entry.default is inspect.Parameter.empty,
                default=None if entry.default is inspect.Parameter.empty else entry.default,
            )
            for entry in own
        ),
        takes_user="as_user" in signature.parameters,
    )


_FUNCTIONS: dict[str, Callable[..., Result]] = {
    "preflight": agent_preflight,
    "import": agent_import_tool,
    "import-errors": agent_analyze_import_errors,
    "query": agent_query,
    "count": agent_count,
    "export": agent_export_data,
    "delete": agent_delete,
    "schema": agent_introspect_schema,
    "ddl": agent_execute_ddl,
    "index": agent_manage_index,
    "rpc": agent_execute_rpc,
    "sql": agent_execute_sql,
    "verify": verify_setup,
    "verify-table": agent_verify_table,
    "index-usage": agent_analyze_index_usage,
    "bloat": agent_analyze_table_bloat,
    "vacuum": agent_vacuum,
    "analyze": agent_analyze,
    "reindex": agent_reindex,
}

OPERATIONS: Mapping[str, Operation] = {name: _operation(name, function) for name, function in _FUNCTIONS.items()}


def get_operation(name: str) -> Operation:
    """The operation of that name.

    Raises
    ------
    UsageError
        Lists the names that exist.
    """
    found = OPERATIONS.get(name)
    if found is None:
        raise UsageError(
            f"there is no operation {name!r}",
            hint=near(name, OPERATIONS) or f"Operations: {', '.join(OPERATIONS)}.",
        )
    return found


def run_operation(
    database: Database, name: str, arguments: Mapping[str, object], *, as_user: Context | None = None
) -> Result:
    """Run an operation with arguments by name, as JSON has them; `-` and `_` in names are the same.

    Raises
    ------
    UsageError
        For an unknown operation or argument, a missing one, or a value of another type; lists what exists.
    """
    found = get_operation(name)
    given = {argument.replace("-", "_"): value for argument, value in arguments.items()}
    known = {parameter.name: parameter for parameter in found.parameters}
    for argument in given.keys() - known.keys():
        raise UsageError(
            f"{name} has no argument {argument!r}",
            hint=near(argument, known) or f"Its arguments: {', '.join(known) or 'none'}.",
        )
    missing = [entry.name for entry in found.parameters if entry.required and entry.name not in given]
    if missing:
        raise UsageError(f"{name} needs {', '.join(missing)}", hint=f"Its arguments: {', '.join(known)}.")
    hints = get_type_hints(found.function)
    for argument, value in given.items():
        given[argument] = _checked(argument, value, hints[argument], known[argument].type)
    if as_user is not None:
        if not found.takes_user:
            raise UsageError(f"{name} runs with the admin's login only", hint="Leave the user out.")
        given["as_user"] = as_user
    return found.function(database, **given)


def _checked(argument: str, value: object, hint: Any, shown: str) -> object:
    """The value, its text read as a number or a truth value where one is due; the operation checks what is inside."""
    from pydantic import TypeAdapter, ValidationError

    try:
        found = TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        raise UsageError(
            f"{argument} is {shown}, not {value!r}: {error.errors()[0]['msg']}", hint="Correct the value."
        ) from None
    return found if isinstance(found, bool | int | float) else value
