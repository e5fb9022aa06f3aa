"""Indexes: making, dropping, listing them, and seeing which are used."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql

from convstore.database import Database
from convstore.errors import DatabaseError, UsageError
from convstore.saol.catalogue import Relation, get_relation, near
from convstore.saol.execution import confirmation
from convstore.saol.filters import Where, check_names, condition
from convstore.saol.introspection import IndexDescription, list_indexes
from convstore.saol.results import NextAction, Result, operation
from convstore.saol.session import Connection, execute, fetch, session

__all__ = ["IndexResult", "IndexUsage", "IndexUsageResult", "agent_analyze_index_usage", "agent_manage_index"]

Method = Literal["btree", "hash", "gin", "gist", "spgist", "brin"]
METHODS = ("btree", "hash", "gin", "gist", "spgist", "brin")
LONGEST_NAME_BYTES = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexUsage:
    """How an index is used; one that guards a constraint is needed without being read."""

    table: str
    index: str
    scans: int
    rows_read: int
    size_bytes: int
    guards_constraint: bool
    unused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexResult(Result):
    """`indexes` of the table as they are now; `usage` for the action analyze; `statement` is what runs, or ran."""

    table: str = ""
    index: str | None = None
    dry_run: bool = False
    executed: bool = False
    statement: str | None = None
    indexes: tuple[IndexDescription, ...] = ()
    usage: tuple[IndexUsage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexUsageResult(Result):
    """Usage since the statistics were last reset."""

    usage: tuple[IndexUsage, ...] = ()


@operation(IndexResult)
def agent_manage_index(
    database: Database,
    *,
    table: str,
    action: Literal["create", "drop", "list", "analyze"],
    name: str | None = None,
    columns: str | Sequence[str] = (),
    unique: bool = False,
    method: Method = "btree",
    where: Where = (),
    concurrently: bool = True,
    dry_run: bool = False,
    confirm: bool = False,
) -> IndexResult:
    """Create, drop, list or analyse the indexes of a table, with the admin's login.

    Concurrent work cannot run in a transaction: its dry run is checked against the catalogue and says so. Without
    `concurrently` the dry run executes and rolls back.

    Parameters
    ----------
    where
        Filters of a partial index.
    """
    if action not in ("create", "drop", "list", "analyze"):
        raise UsageError(f"there is no action {action!r}", hint="Use create, drop, list or analyze.")
    with database.admin(autocommit=True) as connection:
        relation = get_relation(connection, table)
        present = {index.name: index for index in list_indexes(connection, relation)}
        if action == "list":
            summary = f"{len(present)} indexes on {relation.label}"
            return IndexResult(success=True, summary=summary, table=relation.label, indexes=tuple(present.values()))
        if action == "analyze":
            usage = _usage(connection, relation.oid, 0)
            summary = f"{sum(entry.unused for entry in usage)} of {len(usage)} indexes on {relation.label} are unused"
            return IndexResult(
                success=True, summary=summary, table=relation.label, indexes=tuple(present.values()), usage=usage
            )
        if action == "create":
            wanted, statement = _creation(connection, relation, name, columns, unique, method, where, concurrently)
        else:
            wanted, statement = _removal(relation, present, name, concurrently)
            if confirm is not True and not dry_run:
                return _ask(connection, relation, wanted, statement.as_string(connection))
        # A concurrent build that fails leaves an invalid index, which costs writes and serves nobody.
        leftover = sql.Identifier(relation.schema, wanted) if action == "create" else None
        executed = _run(connection, statement, leftover, concurrently=concurrently, dry_run=dry_run)
        after = list_indexes(connection, relation)
    verb = {"create": "create", "drop": "drop"}[action]
    done = f"index {wanted} on {relation.label} {'created' if action == 'create' else 'dropped'}"
    if dry_run and not executed:
        done = f"checked against the catalogue only, because concurrent work cannot be rolled back: can {verb} {wanted}"
    elif dry_run:
        done = f"tried and rolled back: {verb} {wanted}"
    return IndexResult(
        success=True,
        summary=done,
        table=relation.label,
        index=wanted,
        dry_run=dry_run,
        executed=executed,
        statement=statement.as_string(None),
        indexes=after,
    )


def _creation(
    connection: Connection,
    relation: Relation,
    name: str | None,
    columns: str | Sequence[str],
    unique: bool,
    method: str,
    where: Where,
    concurrently: bool,
) -> tuple[str, sql.Composable]:
    keys = [relation.get_column(column).name for column in check_names(columns, "columns")]
    if not keys:
        raise UsageError("an index needs columns", hint="Name one or more columns.")
    if method not in METHODS:
        raise UsageError(f"there is no index method {method!r}", hint=f"Use one of {', '.join(METHODS)}.")
    wanted = name or f"idx_{relation.name}_{'_'.join(keys)}".encode()[:LONGEST_NAME_BYTES].decode("utf-8", "ignore")
    if len(wanted.encode()) > LONGEST_NAME_BYTES:
        raise UsageError(f"the name {wanted!r} is longer than {LONGEST_NAME_BYTES} bytes", hint="Shorten it.")
    if fetch(
        connection,
        "SELECT FROM pg_class WHERE relname::text = $1 AND relnamespace = to_regnamespace($2)",
        [wanted, _quoted(relation.schema)],
    ):
        raise DatabaseError(f"{wanted!r} exists already", code="ERR_OBJECT_EXISTS", hint="Choose another name.")
    predicate = condition(where, relation, sql.Literal)
    statement = sql.SQL("CREATE {}INDEX {}{} ON {} USING {} ({}){}").format(
        sql.SQL("UNIQUE " if unique else ""),
        sql.SQL("CONCURRENTLY " if concurrently else ""),
        sql.Identifier(wanted),
        relation.identifier,
        sql.SQL(method),
        sql.SQL(", ").join(map(sql.Identifier, keys)),
        sql.SQL(" WHERE {}").format(predicate) if where else sql.SQL(""),
    )
    return wanted, statement


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _removal(
    relation: Relation, present: Mapping[str, IndexDescription], name: str | None, concurrently: bool
) -> tuple[str, sql.Composable]:
    if name is None or name not in present:
        raise DatabaseError(
            f"{relation.label} has no index {name!r}",
            code="ERR_OBJECT_NOT_FOUND",
            hint=near(str(name), list(present)) or f"Its indexes: {', '.join(present) or 'none'}.",
        )
    statement = sql.SQL("DROP INDEX {}{}").format(
        sql.SQL("CONCURRENTLY " if concurrently else ""), sql.Identifier(relation.schema, present[name].name)
    )
    return present[name].name, statement


def _ask(connection: Connection, relation: Relation, name: str, statement: str) -> IndexResult:
    usage = next(entry for entry in _usage(connection, relation.oid, 0) if entry.index == name)
    fact = f"index {name} on {relation.label} ({usage.size_bytes} bytes, {usage.scans} scans) would be dropped"
    if usage.guards_constraint:
        fact += "; it guards a constraint, so the server will refuse"
    call = f'agent_manage_index(database, table={relation.label!r}, action="drop", name={name!r}, confirm=True)'
    return IndexResult(
        success=False,
        summary=fact,
        code="ERR_CONFIRM_REQUIRED",
        next_actions=(confirmation(call, fact),),
        table=relation.label,
        index=name,
        statement=statement,
        usage=(usage,),
    )


def _run(
    connection: Connection,
    statement: sql.Composable,
    leftover: sql.Identifier | None,
    *,
    concurrently: bool,
    dry_run: bool,
) -> bool:
    """True if the statement was executed, were it to be rolled back."""
    if not concurrently:
        with connection.transaction(force_rollback=dry_run):
            execute(connection, statement)
        return True
    if dry_run:
        return False
    try:
        execute(connection, statement)
    except psycopg.Error:
        if leftover is not None:
            with contextlib.suppress(psycopg.Error):
                execute(connection, sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(leftover))
        raise
    return True


@operation(IndexUsageResult)
def agent_analyze_index_usage(database: Database, *, table: str | None = None, min_scans: int = 0) -> IndexUsageResult:
    """Which indexes are read how often; unused: at most `min_scans` scans, no constraint to guard."""
    with session(database, None, read_only=True) as connection:
        relation = get_relation(connection, table) if table is not None else None
        usage = _usage(connection, relation.oid if relation else None, min_scans)
    unused = [entry for entry in usage if entry.unused]
    actions = tuple(
        NextAction(
            action="drop_index",
            description=f"{entry.index} takes {entry.size_bytes} bytes and was read {entry.scans} times.",
            example=f'agent_manage_index(database, table="{entry.table}", action="drop", name="{entry.index}")',
            priority="LOW",
        )
        for entry in sorted(unused, key=lambda entry: -entry.size_bytes)[:5]
    )
    return IndexUsageResult(
        success=True, summary=f"{len(unused)} of {len(usage)} indexes are unused", next_actions=actions, usage=usage
    )


def _usage(connection: Connection, oid: int | None, min_scans: int) -> tuple[IndexUsage, ...]:
    rows: list[dict[str, Any]] = fetch(connection, _USAGE, [oid])
    return tuple(IndexUsage(**row, unused=row["scans"] <= min_scans and not row["guards_constraint"]) for row in rows)


_USAGE = """
    SELECT CASE WHEN s.schemaname = 'public' THEN '' ELSE s.schemaname || '.' END || s.relname AS table,
           s.indexrelname::text AS index, s.idx_scan AS scans, s.idx_tup_read AS rows_read,
           pg_relation_size(s.indexrelid) AS size_bytes,
           i.indisunique OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = s.indexrelid) AS guards_constraint
    FROM pg_stat_user_indexes AS s JOIN pg_index AS i ON i.indexrelid = s.indexrelid
    WHERE ($1::bigint IS NULL OR s.relid = $1::bigint::oid) AND s.schemaname !~ '^pg_'
    ORDER BY s.idx_scan, pg_relation_size(s.indexrelid) DESC, s.indexrelname
"""
