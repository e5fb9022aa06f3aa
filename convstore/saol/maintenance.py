"""VACUUM, ANALYZE, REINDEX and how much room a table wastes. Outside transactions, with the admin's login."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import sql

from convstore.database import Database
from convstore.errors import DatabaseError, ForbiddenError, UsageError
from convstore.saol.catalogue import get_relation
from convstore.saol.execution import collect_notices, confirmation
from convstore.saol.filters import check_names
from convstore.saol.results import NextAction, Result, operation
from convstore.saol.session import Connection, execute, fetch

__all__ = [
    "BloatResult",
    "MaintenanceResult",
    "TableBloat",
    "agent_analyze",
    "agent_analyze_table_bloat",
    "agent_reindex",
    "agent_vacuum",
]

_WORTH_A_VACUUM = 0.2
_WORTH_A_REWRITE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceResult(Result):
    """What ran; `executed` is False for a dry run, which is checked against the catalogue only."""

    target: str = ""
    dry_run: bool = False
    executed: bool = False
    statement: str = ""
    size_before_bytes: int = 0
    size_after_bytes: int = 0
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBloat:
    """Room that a table takes and would need. `bloat_share` is None until the table was analysed."""

    table: str
    size_bytes: int
    expected_bytes: int | None
    bloat_bytes: int | None
    bloat_share: float | None
    live_rows: int
    dead_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BloatResult(Result):
    """Estimates, the most wasteful table first."""

    tables: tuple[TableBloat, ...] = ()


@operation(MaintenanceResult)
def agent_vacuum(
    database: Database,
    *,
    table: str,
    full: bool = False,
    analyze: bool = False,
    dry_run: bool = False,
    confirm: bool = False,
    timeout_s: float = 3600.0,
) -> MaintenanceResult:
    """Give the room of deleted rows back; FULL rewrites the table under a lock against everybody and asks first."""
    options = [sql.SQL(word) for word, wanted in (("FULL", full), ("ANALYZE", analyze)) if wanted]
    inside = sql.SQL("({}) ").format(sql.SQL(", ").join(options)) if options else sql.SQL("")
    with database.admin(autocommit=True) as connection:
        relation = get_relation(connection, table)
        statement = sql.SQL("VACUUM {}{}").format(inside, relation.identifier)
        if full and confirm is not True and not dry_run:
            size = _size(connection, relation.oid)
            fact = f"VACUUM FULL rewrites {relation.label} ({size} bytes) and locks it against everybody meanwhile"
            call = f"agent_vacuum(database, table={relation.label!r}, full=True, confirm=True)"
            return MaintenanceResult(
                success=False,
                summary=fact,
                code="ERR_CONFIRM_REQUIRED",
                next_actions=(confirmation(call, fact),),
                target=relation.label,
                statement=statement.as_string(connection),
                size_before_bytes=size,
            )
        return _run(connection, statement, relation.label, relation.oid, dry_run=dry_run, timeout_s=timeout_s)


@operation(MaintenanceResult)
def agent_analyze(
    database: Database,
    *,
    table: str,
    columns: str | Sequence[str] = (),
    dry_run: bool = False,
    timeout_s: float = 3600.0,
) -> MaintenanceResult:
    """Bring the planner's statistics of a table, or of some columns, up to date."""
    with database.admin(autocommit=True) as connection:
        relation = get_relation(connection, table)
        names = [sql.Identifier(relation.get_column(name).name) for name in check_names(columns, "columns")]
        inside = sql.SQL(" ({})").format(sql.SQL(", ").join(names)) if names else sql.SQL("")
        statement = sql.SQL("ANALYZE {}{}").format(relation.identifier, inside)
        return _run(connection, statement, relation.label, relation.oid, dry_run=dry_run, timeout_s=timeout_s)


@operation(MaintenanceResult)
def agent_reindex(
    database: Database,
    *,
    name: str,
    target: Literal["table", "index"] = "table",
    concurrently: bool = True,
    dry_run: bool = False,
    timeout_s: float = 3600.0,
) -> MaintenanceResult:
    """Build the indexes of a table, or one index, anew; concurrently, so that reading and writing go on."""
    if target not in ("table", "index"):
        raise UsageError(f"there is no target {target!r}", hint="Use table or index.")
    with database.admin(autocommit=True) as connection:
        if target == "table":
            relation = get_relation(connection, name)
            oid, label, identifier = relation.oid, relation.label, relation.identifier
        else:
            oid, label, identifier = _get_index(connection, name)
        statement = sql.SQL("REINDEX {} {}{}").format(
            sql.SQL(target.upper()), sql.SQL("CONCURRENTLY " if concurrently else ""), identifier
        )
        return _run(connection, statement, label, oid, dry_run=dry_run, timeout_s=timeout_s)


def _get_index(connection: Connection, name: str) -> tuple[int, str, sql.Identifier]:
    rows = fetch(
        connection,
        """
        SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('i', 'I')
          AND (c.relname::text = $1 AND pg_table_is_visible(c.oid) OR n.nspname || '.' || c.relname = $1)
        """,
        [name],
    )
    if not rows:
        raise DatabaseError(
            f"there is no index {name!r}",
            code="ERR_OBJECT_NOT_FOUND",
            hint='List a table\'s indexes: agent_manage_index(database, table=…, action="list").',
        )
    return rows[0]["oid"], rows[0]["name"], sql.Identifier(rows[0]["schema"], rows[0]["name"])


def _run(
    connection: Connection, statement: sql.Composed, label: str, oid: int, *, dry_run: bool, timeout_s: float
) -> MaintenanceResult:
    text = statement.as_string(connection)
    before = _size(connection, oid)
    if dry_run:
        return MaintenanceResult(
            success=True,
            summary=f"{label} is there; {text} was not executed, because it cannot be rolled back",
            target=label,
            dry_run=True,
            statement=text,
            size_before_bytes=before,
            size_after_bytes=before,
        )
    limit = sql.Literal(str(int(timeout_s * 1000)))
    execute(connection, sql.SQL("SELECT set_config('statement_timeout', {}, false)").format(limit))
    with collect_notices(connection) as notices:
        execute(connection, statement)
    # Without the right the server only warns, and does nothing.
    refused = next((notice for notice in notices if "permission denied" in notice or "skipping" in notice), None)
    if refused is not None:
        raise ForbiddenError(
            f"{text} did nothing: {refused}",
            code="ERR_SCHEMA_ACCESS_DENIED",
            hint="Set CONVSTORE_ADMIN_URL to the table owner's login.",
        )
    after = _size(connection, oid)
    return MaintenanceResult(
        success=True,
        summary=f"{text}: {before} bytes before, {after} after",
        target=label,
        executed=True,
        statement=text,
        size_before_bytes=before,
        size_after_bytes=after,
        notices=tuple(notices),
    )


def _size(connection: Connection, oid: int) -> int:
    found: int = fetch(connection, "SELECT pg_total_relation_size($1::oid) AS bytes", [oid])[0]["bytes"]
    return found


@operation(BloatResult)
def agent_analyze_table_bloat(database: Database, *, table: str | None = None) -> BloatResult:
    """Estimate the wasted room of one table, or of all, from the statistics of its rows."""
    with database.admin(autocommit=True) as connection:
        relation = get_relation(connection, table) if table is not None else None
        tables = tuple(_bloat(row) for row in fetch(connection, _BLOAT, [relation.oid if relation else None]))
    tables = tuple(sorted(tables, key=lambda entry: -(entry.bloat_bytes or 0)))
    unknown = [entry.table for entry in tables if entry.bloat_share is None and entry.size_bytes]
    wasted = sum(entry.bloat_bytes or 0 for entry in tables)
    summary = f"{wasted} bytes wasted in {len(tables)} tables" + (
        f"; {len(unknown)} not analysed yet" if unknown else ""
    )
    return BloatResult(success=True, summary=summary, next_actions=_advice(tables, unknown), tables=tables)


def _bloat(row: dict[str, Any]) -> TableBloat:
    size, expected = row["size_bytes"], row["expected_bytes"]
    wasted = max(size - expected, 0) if expected is not None else None
    share = round(wasted / size, 3) if wasted is not None and size else 0.0 if wasted is not None else None
    return TableBloat(**row, bloat_bytes=wasted, bloat_share=share)


def _advice(tables: Sequence[TableBloat], unknown: Sequence[str]) -> tuple[NextAction, ...]:
    actions = [
        NextAction(
            action="analyze_table",
            description=f"{name} has no statistics to estimate from.",
            example=f"agent_analyze(database, table={name!r})",
            priority="LOW",
        )
        for name in unknown[:3]
    ]
    for entry in tables[:5]:
        share = entry.bloat_share or 0
        if share < _WORTH_A_VACUUM:
            continue
        full = share >= _WORTH_A_REWRITE
        actions.append(
            NextAction(
                action="vacuum_full" if full else "vacuum",
                description=f"{share:.0%} of {entry.table} is wasted, {entry.bloat_bytes} bytes.",
                example=f"agent_vacuum(database, table={entry.table!r}{', full=True, confirm=True' if full else ''})",
                priority="MEDIUM" if full else "LOW",
            )
        )
    return tuple(actions)


# Pages that the live rows would fill: 24 bytes of page header, 4 of line pointer and 24 of row header each (28 with a
# bitmap of nulls), widths from pg_stats rounded up to 8. Rows moved out of line (TOAST) are not part of either side.
_BLOAT = """
    WITH width AS (
        SELECT a.attrelid AS oid, count(*) AS columns, count(s.attname) AS known,
               sum((1 - coalesce(s.null_frac, 0)) * s.avg_width) AS bytes, bool_or(s.null_frac > 0) AS has_nulls
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                                   AND NOT s.inherited
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'm')
        GROUP BY a.attrelid
    ),
    row_size AS (
        SELECT oid, known > 0 AS is_known,
               4 + ceil((CASE WHEN has_nulls THEN 24 + ceil(columns / 8.0) ELSE 24 END + bytes) / 8) * 8 AS bytes
        FROM width
    )
    SELECT CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS table,
           pg_relation_size(c.oid) AS size_bytes,
           CASE WHEN c.reltuples = 0 THEN 0
                WHEN r.is_known AND c.reltuples > 0 THEN
                    (ceil(c.reltuples / greatest(floor((b.size - 24) / r.bytes), 1)) * b.size)::bigint
           END AS expected_bytes,
           coalesce(s.n_live_tup, 0) AS live_rows, coalesce(s.n_dead_tup, 0) AS dead_rows
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN row_size AS r ON r.oid = c.oid
    CROSS JOIN (SELECT current_setting('block_size')::int AS size) AS b
    LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
    WHERE ($1::bigint IS NULL OR c.oid = $1::bigint::oid) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
