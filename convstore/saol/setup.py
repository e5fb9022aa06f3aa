"""The set-up verification: every table of the product, its rows, columns, indexes, keys and policies, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from psycopg import sql

from convstore.database import Database
from convstore.database.tables import metadata
from convstore.saol.advice import advise
from convstore.saol.catalogue import Relation, find_relation
from convstore.saol.comparison import Category, TableDifference, compare_table, worst
from convstore.saol.expected import expected_from
from convstore.saol.policies import POLICIES
from convstore.saol.results import NextAction, Result, operation
from convstore.saol.session import Connection, fetch, session

__all__ = ["SetupResult", "TableVerification", "verify_setup"]

MOST_ROWS_COUNTED = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TableVerification:
    """One table; the numbers of what is right are for people, the verdict compares names."""

    table: str
    exists: bool
    rows: int | None
    rows_are_exact: bool
    columns: int
    indexes: int
    foreign_keys: int
    policies: int
    category: Category
    differences: tuple[TableDifference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupResult(Result):
    """`category` is the worst of all tables, None if nobody could look."""

    category: Category | None = None
    tables: tuple[TableVerification, ...] = ()


@operation(SetupResult)
def verify_setup(database: Database) -> SetupResult:
    """Compare every table of the product with its definition."""
    with session(database, None, read_only=True) as connection:
        tables = tuple(_verify(connection, name) for name in sorted(metadata.tables))
    category = max(entry.category for entry in tables)
    wrong = [entry for entry in tables if entry.category > 1]
    missing = [entry.table for entry in tables if not entry.exists]
    summary = f"{len(tables) - len(wrong)} of {len(tables)} tables are as expected"
    if missing:
        summary += f"; missing: {', '.join(missing)}"
    others = [entry.table for entry in wrong if entry.exists]
    if others:
        summary += f"; different: {', '.join(others)}"
    failed = category >= 3
    return SetupResult(
        success=not failed,
        summary=summary,
        code="ERR_DB_TABLE_NOT_FOUND" if category == 4 else "ERR_VERIFY_FAILED" if failed else None,
        next_actions=_advice(category, others),
        category=category,
        tables=tables,
    )


def _verify(connection: Connection, name: str) -> TableVerification:
    wanted = expected_from(metadata.tables[name], policies=POLICIES[name])
    relation = find_relation(connection, f'"public"."{name}"')
    differences = tuple(compare_table(connection, relation, wanted))
    rows, exact = _count(connection, relation) if relation else (None, False)
    wrong = {(entry.subject, entry.name) for entry in differences}
    return TableVerification(
        table=name,
        exists=relation is not None,
        rows=rows,
        rows_are_exact=exact,
        columns=len(relation.columns) if relation else 0,
        indexes=sum(relation is not None and ("index", index.name) not in wrong for index in wanted.indexes),
        foreign_keys=sum(
            relation is not None and constraint.kind == "foreign key" and ("constraint", constraint.name) not in wrong
            for constraint in wanted.constraints
        ),
        policies=sum(relation is not None and ("policy", policy) not in wrong for policy in wanted.policies or ()),
        category=worst(differences),
        differences=differences,
    )


def _count(connection: Connection, relation: Relation) -> tuple[int, bool]:
    """Exact up to a million rows; beyond, the planner's estimate, because counting would take minutes."""
    estimate = fetch(connection, "SELECT reltuples::bigint AS n FROM pg_class WHERE oid = $1::oid", [relation.oid])[0][
        "n"
    ]
    if estimate > MOST_ROWS_COUNTED:
        return estimate, False
    return fetch(connection, sql.SQL("SELECT count(*) AS n FROM {}").format(relation.identifier))[0]["n"], True


def _advice(category: Category, different: list[str]) -> tuple[NextAction, ...]:
    if category == 1:
        return ()
    if category == 4:
        return tuple(
            replace(entry, action="init", example="convstore init")
            for entry in advise("ERR_DB_TABLE_NOT_FOUND", hint="Run `convstore init`.")
        )
    return tuple(
        NextAction(
            action="fix_schema",
            description=f"Ask for the SQL that makes {name} as expected, read it, and run it with agent_execute_ddl.",
            example=f"agent_verify_table(database, table={name!r}, generate_fix_sql=True)",
            priority="HIGH" if category >= 3 else "MEDIUM",
        )
        for name in different
    )
