"""Deleting rows: never without a filter or a confirmation, and never without knowing what goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from convstore.database import Context, Database
from convstore.errors import UsageError
from convstore.saol.catalogue import Relation, get_relation
from convstore.saol.effects import RowChange, diff_rows, snapshot_rows
from convstore.saol.filters import Where, where_clause
from convstore.saol.preflight import check_privileges
from convstore.saol.results import NextAction, Result, operation
from convstore.saol.session import Connection, Parameters, execute, fetch, session

__all__ = ["DeleteResult", "agent_delete"]

PREVIEW_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteResult(Result):
    """What was, or would be, deleted.

    `affected` has every table whose rows changed, cascades and triggers included; `preview` the first 10 rows of a
    dry run.
    """

    table: str = ""
    dry_run: bool = False
    deleted_count: int = 0
    would_delete: int = 0
    preview: tuple[Mapping[str, Any], ...] = ()
    affected: tuple[RowChange, ...] = ()


@operation(DeleteResult)
def agent_delete(
    database: Database,
    *,
    table: str,
    where: Where,
    confirm: bool = False,
    dry_run: bool = False,
    as_user: Context | None = None,
) -> DeleteResult:
    """Delete the rows that match.

    Without `confirm`, and in a dry run, the deletion is executed and rolled back, so that counts, cascades and
    refusals are the real ones.
    """
    if not where:
        raise UsageError("a deletion needs a filter", code="ERR_FILTER_EMPTY", hint="Say which rows.")
    really = confirm is True and not dry_run
    with session(database, as_user) as connection:
        relation = get_relation(connection, table)
        check_privileges(connection, relation, "SELECT", "DELETE")
        preview = () if really else tuple(_preview(connection, relation, where))
        with connection.transaction(force_rollback=not really):
            count, affected = _delete(connection, relation, where)
    if really:
        return DeleteResult(
            success=True,
            summary=f"{count} rows deleted from {relation.label}",
            table=relation.label,
            deleted_count=count,
            affected=affected,
        )
    return _not_yet(relation, count, preview, affected, dry_run=dry_run)


def _delete(connection: Connection, relation: Relation, where: Where) -> tuple[int, tuple[RowChange, ...]]:
    parameters = Parameters()
    statement = sql.SQL("DELETE FROM {}{}").format(relation.identifier, where_clause(where, relation, parameters.bind))
    before = snapshot_rows(connection)
    count = execute(connection, statement, parameters.values).rowcount
    # What is checked at commit is checked now, while the answer can still be given.
    execute(connection, "SET CONSTRAINTS ALL IMMEDIATE")
    return count, diff_rows(before, snapshot_rows(connection))


def _preview(connection: Connection, relation: Relation, where: Where) -> list[dict[str, Any]]:
    parameters = Parameters()
    statement = sql.SQL("SELECT * FROM {}{} LIMIT {}").format(
        relation.identifier, where_clause(where, relation, parameters.bind), parameters.bind(PREVIEW_ROWS)
    )
    return fetch(connection, statement, parameters.values)


def _not_yet(
    relation: Relation,
    count: int,
    preview: tuple[Mapping[str, Any], ...],
    affected: tuple[RowChange, ...],
    *,
    dry_run: bool,
) -> DeleteResult:
    others = [
        f"{entry.deleted + entry.updated} of {entry.table}" for entry in affected if entry.table != relation.label
    ]
    summary = f"{count} rows of {relation.label} would be deleted" + (f", with {', '.join(others)}" if others else "")
    confirm = NextAction(
        action="confirm",
        description=f"If these {count} rows are meant, call again with the same filter and confirm=True.",
        example=f"agent_delete(database, table={relation.label!r}, where=[…], confirm=True)",
        priority="HIGH",
    )
    return DeleteResult(
        success=dry_run,
        summary=summary,
        code=None if dry_run else "ERR_CONFIRM_REQUIRED",
        next_actions=(confirm,),
        table=relation.label,
        dry_run=dry_run,
        would_delete=count,
        preview=preview,
        affected=affected,
    )
