"""Changing the schema: one transaction, tried for real before it is meant, asked about before it destroys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.sql import SQL, Literal

from convstore.database import Database
from convstore.saol.effects import ObjectChange, count_rows_of, describe, diff_objects, snapshot_objects
from convstore.saol.execution import check_catalogue, collect_notices, confirmation, run_all
from convstore.saol.results import Result, operation
from convstore.saol.session import Connection, execute
from convstore.saol.statements import StatementKind, check_one_transaction, parse_statements

__all__ = ["DDLResult", "agent_execute_ddl"]

_LOSSES = ("dropped", "emptied")


@dataclass(frozen=True, slots=True, kw_only=True)
class DDLResult(Result):
    """What changed, or would; `executed` is False where a statement could only be checked against the catalogue."""

    dry_run: bool = False
    executed: bool = False
    statements: int = 0
    changes: tuple[ObjectChange, ...] = ()
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@operation(DDLResult)
def agent_execute_ddl(
    database: Database, *, sql: str, dry_run: bool = False, confirm: bool = False, timeout_s: float = 300.0
) -> DDLResult:
    """Run statements that change the schema, all or none, with the admin's login.

    A dry run executes them and rolls back. What drops or empties something, however deep inside, is rolled back too
    and told, until `confirm=True`. A statement that cannot run in a transaction must come alone.
    """
    statements = parse_statements(sql)
    check_one_transaction(statements)
    if statements[0].alone:
        return _run_alone(database, statements[0], dry_run=dry_run, confirm=confirm, timeout_s=timeout_s)
    warnings = [f"{statement.command}: {statement.danger}" for statement in statements if statement.danger]
    with database.admin() as connection:
        _limit(connection, timeout_s)
        before = snapshot_objects(connection)
        with collect_notices(connection) as notices, _Attempt(connection) as attempt:
            run_all(connection, statements)
            changes = diff_objects(before, snapshot_objects(connection))
            losses = tuple(change for change in changes if change.change in _LOSSES)
            asks = bool(warnings or losses) and confirm is not True
            attempt.keep = not dry_run and not asks
        if losses and not attempt.keep:
            changes = count_rows_of(connection, changes)
    warnings += [f"{describe((change,))}" for change in changes if change.change in _LOSSES]
    return _report(statements, changes, warnings, notices, dry_run=dry_run, asks=asks)


class _Attempt:
    """A savepoint that is rolled back unless `keep` is set."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.keep = False

    def __enter__(self) -> _Attempt:
        execute(self._connection, "SAVEPOINT saol_attempt")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            execute(self._connection, "SET CONSTRAINTS ALL IMMEDIATE")
            execute(self._connection, "RELEASE saol_attempt" if self.keep else "ROLLBACK TO saol_attempt")


def _report(
    statements: Sequence[StatementKind],
    changes: tuple[ObjectChange, ...],
    warnings: Sequence[str],
    notices: Sequence[str],
    *,
    dry_run: bool,
    asks: bool,
) -> DDLResult:
    done = describe(changes) or "no object changed"
    refused = asks and not dry_run
    if refused:
        summary = f"nothing was changed, a confirmation is needed: {done}"
    else:
        summary = f"{len(statements)} statements {'tried and rolled back' if dry_run else 'executed'}: {done}"
    return DDLResult(
        success=not refused,
        summary=summary,
        code="ERR_CONFIRM_REQUIRED" if refused else None,
        next_actions=(confirmation("agent_execute_ddl(database, sql=…, confirm=True)", "; ".join(warnings)),)
        if asks
        else (),
        dry_run=dry_run,
        executed=not refused,
        statements=len(statements),
        changes=changes,
        warnings=tuple(warnings),
        notices=tuple(notices),
    )


def _run_alone(
    database: Database, statement: StatementKind, *, dry_run: bool, confirm: bool, timeout_s: float
) -> DDLResult:
    """One statement that cannot run in a transaction: the catalogue is asked instead of a try."""
    with database.admin(autocommit=True) as connection:
        _limit(connection, timeout_s)
        fact = check_catalogue(connection, statement)
        if dry_run or (statement.danger and confirm is not True):
            asks = bool(statement.danger)
            warnings = [f"{statement.command}: {statement.danger}"] if statement.danger else []
            return DDLResult(
                success=dry_run,
                summary=fact,
                code=None if dry_run else "ERR_CONFIRM_REQUIRED",
                next_actions=(confirmation("agent_execute_ddl(database, sql=…, confirm=True)", "; ".join(warnings)),)
                if asks
                else (),
                dry_run=dry_run,
                statements=1,
                warnings=tuple(warnings),
            )
        before = snapshot_objects(connection)
        with collect_notices(connection) as notices:
            run_all(connection, [statement])
        changes = diff_objects(before, snapshot_objects(connection))
    return _report([statement], changes, [], notices, dry_run=False, asks=False)


def _limit(connection: Connection, timeout_s: float) -> None:
    milliseconds = str(int(timeout_s * 1000))
    execute(connection, SQL("SELECT set_config('statement_timeout', {}, false)").format(Literal(milliseconds)))
