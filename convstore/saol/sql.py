"""Free SQL with parameters: timed, in a transaction, tried by rollback, asked about before it changes every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from convstore.database import Context, Database
from convstore.errors import UsageError
from convstore.saol.characters import check_characters
from convstore.saol.effects import (
    ObjectChange,
    RowChange,
    count_rows_of,
    describe,
    diff_objects,
    diff_rows,
    snapshot_objects,
    snapshot_rows,
)
from convstore.saol.execution import collect_notices, confirmation, run_all
from convstore.saol.results import Result, operation
from convstore.saol.session import execute, session
from convstore.saol.statements import StatementKind, check_one_transaction, parse_statements

__all__ = ["SQLResult", "agent_execute_sql"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SQLResult(Result):
    """Rows of the last statement, how many rows all of them touched, and what changed in which table."""

    rows: tuple[Mapping[str, Any], ...] = ()
    row_count: int = 0
    dry_run: bool = False
    affected: tuple[RowChange, ...] = ()
    changes: tuple[ObjectChange, ...] = ()
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@operation(SQLResult)
def agent_execute_sql(
    database: Database,
    *,
    sql: str,
    params: Sequence[object] = (),
    timeout_s: float = 30.0,
    transaction: bool = True,
    dry_run: bool = False,
    confirm: bool = False,
    as_user: Context | None = None,
) -> SQLResult:
    """Run SQL; values are `$1`, `$2`, … in the text and `params` beside it.

    What drops, truncates, or updates or deletes without WHERE is executed, rolled back and told, until
    `confirm=True`. With `as_user`, statements that would change who acts are refused; that guards against accidents,
    not against somebody who holds the database's address.

    Parameters
    ----------
    transaction
        False: each statement in a transaction of its own, so that what came before a failure stays.
    """
    statements = parse_statements(sql)
    _check(statements, params, as_user)
    dangers = [f"{statement.command}: {statement.danger}" for statement in statements if statement.danger]
    values = [_parameter(value) for value in params]
    asks = bool(dangers) and confirm is not True
    rolls_back = dry_run or asks
    steps = [statements] if transaction or rolls_back else [[statement] for statement in statements]
    parts = [
        _run(database, step, values, timeout_s=timeout_s, as_user=as_user, rolls_back=rolls_back, observe=bool(dangers))
        for step in steps
    ]
    warnings = tuple(dangers)
    count = sum(part.row_count for part in parts)
    told = describe(tuple(change for part in parts for change in part.changes))
    told = f"; {told}" if told else ""
    summary = f"{count} rows"
    if rolls_back:
        summary = f"{count} rows would be touched, nothing was changed"
    others = [
        f"{row.table}: {row.inserted} in, {row.updated} changed, {row.deleted} out"
        for part in parts
        for row in part.affected
    ]
    summary += (f" ({'; '.join(others)})" if others else "") + told
    refused = asks and not dry_run
    return SQLResult(
        success=not refused,
        summary=summary,
        code="ERR_CONFIRM_REQUIRED" if refused else None,
        next_actions=(confirmation("agent_execute_sql(database, sql=…, confirm=True)", "; ".join(warnings)),)
        if asks
        else (),
        rows=parts[-1].rows,
        row_count=count,
        dry_run=dry_run,
        affected=tuple(row for part in parts for row in part.affected),
        changes=tuple(change for part in parts for change in part.changes),
        warnings=warnings,
        notices=tuple(notice for part in parts for notice in part.notices),
    )


def _run(
    database: Database,
    statements: Sequence[StatementKind],
    values: Sequence[object],
    *,
    timeout_s: float,
    as_user: Context | None,
    rolls_back: bool,
    observe: bool,
) -> SQLResult:
    """One transaction; objects are compared only where a statement looks as if it changed some."""
    with session(database, as_user, timeout_s=timeout_s) as connection, collect_notices(connection) as notices:
        objects = snapshot_objects(connection) if observe else {}
        before = snapshot_rows(connection)
        with connection.transaction(force_rollback=rolls_back):
            rows, count = run_all(connection, statements, values)
            execute(connection, "SET CONSTRAINTS ALL IMMEDIATE")
            affected = diff_rows(before, snapshot_rows(connection))
            changes = diff_objects(objects, snapshot_objects(connection)) if observe else ()
        if rolls_back:
            changes = count_rows_of(connection, changes)
    return SQLResult(
        success=True,
        summary="",
        rows=tuple(rows),
        row_count=count,
        affected=affected,
        changes=changes,
        notices=tuple(notices),
    )


def _check(statements: Sequence[StatementKind], params: Sequence[object], as_user: Context | None) -> None:
    check_one_transaction(statements)
    if isinstance(params, str | Mapping) or not isinstance(params, Sequence):
        raise UsageError(
            f"params is a list, not {type(params).__name__}", hint="Give the values of $1, $2, … in order."
        )
    if params and len(statements) > 1:
        raise UsageError("params go with one statement", hint="Run the statements one by one.")
    for statement in statements:
        if statement.alone:
            raise UsageError(
                f"{statement.command} cannot run in a transaction",
                code="ERR_DDL_NOT_TRANSACTIONAL",
                hint="Use agent_execute_ddl, agent_manage_index, agent_vacuum or agent_reindex.",
            )
        if as_user is not None and statement.changes_identity:
            raise UsageError(
                f"{statement.command} could change who acts, which is settled by as_user",
                code="ERR_TRANSACTION_CONTROL",
                hint="Leave SET ROLE, set_config and blocks out, or run it without as_user.",
            )


def _parameter(value: object) -> object:
    check_characters(value)
    return Jsonb(value) if isinstance(value, Mapping) else value
