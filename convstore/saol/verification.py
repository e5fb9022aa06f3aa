"""Is a table what it should be? Compared by name; what could not be looked at is not taken for missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg import sql

from convstore.database import Context, Database
from convstore.errors import UsageError
from convstore.saol.advice import advise
from convstore.saol.catalogue import Relation, find_relation
from convstore.saol.expected import (
    ExpectedColumn,
    ExpectedConstraint,
    ExpectedIndex,
    ExpectedTable,
    expected_from,
    normal_type,
)
from convstore.saol.introspection import list_constraints, list_indexes, list_policies
from convstore.saol.policies import POLICIES
from convstore.saol.results import NextAction, Result, operation
from convstore.saol.session import Connection, fetch, session

__all__ = ["Category", "TableDifference", "VerifyResult", "agent_verify_table", "compare_table", "worst"]

#: 1 as expected, 2 warning, 3 critical, 4 blocking.
Category = Literal[1, 2, 3, 4]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """One thing that is not as expected."""

    category: Category
    subject: str
    name: str
    expected: str
    found: str
    fix_sql: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult(Result):
    """`exists` and `category` are None if nobody could look."""

    table: str = ""
    exists: bool | None = None
    category: Category | None = None
    differences: tuple[TableDifference, ...] = ()
    fix_sql: tuple[str, ...] = ()


@operation(VerifyResult)
def agent_verify_table(
    database: Database,
    *,
    table: str,
    expected_columns: Sequence[ExpectedColumn | Mapping[str, object]] = (),
    expected_indexes: Sequence[ExpectedIndex | Mapping[str, object]] = (),
    expected_constraints: Sequence[ExpectedConstraint | Mapping[str, object]] = (),
    expected: ExpectedTable | None = None,
    generate_fix_sql: bool = False,
    as_user: Context | None = None,
) -> VerifyResult:
    """Compare a table with what is expected of it: by hand, by `expected`, or, for the product's own, by definition."""
    wanted = expected or _wanted(table, expected_columns, expected_indexes, expected_constraints)
    with session(database, as_user, read_only=True) as connection:
        relation = find_relation(connection, table)
        differences = tuple(compare_table(connection, relation, wanted))
    category = worst(differences)
    fixes = tuple(entry.fix_sql for entry in differences if entry.fix_sql) if generate_fix_sql else ()
    if not generate_fix_sql:
        differences = tuple(_without_fix(entry) for entry in differences)
    label = relation.label if relation else table
    counts = ", ".join(f"{sum(entry.category == n for entry in differences)} of category {n}" for n in (4, 3, 2))
    missing = relation is None
    failed = category >= 3
    return VerifyResult(
        success=not failed,
        summary=f"{label} does not exist"
        if missing
        else f"{label}: {counts}"
        if differences
        else f"{label} is as expected",
        code="ERR_DB_TABLE_NOT_FOUND" if missing else "ERR_VERIFY_FAILED" if failed else None,
        next_actions=_advice(table, category),
        table=label,
        exists=not missing,
        category=category,
        differences=differences,
        fix_sql=fixes,
    )


def worst(differences: Sequence[TableDifference]) -> Category:
    """The highest category, 1 without differences."""
    return max((entry.category for entry in differences), default=1)


def _wanted(
    table: str,
    columns: Sequence[ExpectedColumn | Mapping[str, object]],
    indexes: Sequence[ExpectedIndex | Mapping[str, object]],
    constraints: Sequence[ExpectedConstraint | Mapping[str, object]],
) -> ExpectedTable:
    from convstore.database.tables import metadata

    if not (columns or indexes or constraints):
        known = metadata.tables.get(table)
        if known is None:
            raise UsageError(
                f"nothing is expected of {table!r}",
                hint="Give expected_columns, expected_indexes or expected_constraints; "
                f"only the product's own tables are known: {', '.join(sorted(metadata.tables))}.",
            )
        return expected_from(known, policies=POLICIES[table])
    try:
        return ExpectedTable(
            name=table,
            columns=tuple(one if isinstance(one, ExpectedColumn) else ExpectedColumn(**one) for one in columns),  # type: ignore[arg-type]
            indexes=tuple(one if isinstance(one, ExpectedIndex) else ExpectedIndex(**_named(one)) for one in indexes),  # type: ignore[arg-type]
            constraints=tuple(
                one if isinstance(one, ExpectedConstraint) else ExpectedConstraint(**_named(one))  # type: ignore[arg-type]
                for one in constraints
            ),
        )
    except TypeError as error:
        raise UsageError(
            f"an expectation is malformed: {error}",
            hint="Columns have name, type, nullable; indexes name, columns, unique; constraints name, kind, columns.",
        ) from error


def _named(one: Mapping[str, object]) -> dict[str, object]:
    columns = one.get("columns", ())
    return {**one, "columns": tuple(columns) if isinstance(columns, list | tuple) else (columns,)}


def _without_fix(entry: TableDifference) -> TableDifference:
    return TableDifference(
        category=entry.category, subject=entry.subject, name=entry.name, expected=entry.expected, found=entry.found
    )


def _advice(table: str, category: Category) -> tuple[NextAction, ...]:
    if category == 1:
        return ()
    if category == 4:
        return advise("ERR_DB_TABLE_NOT_FOUND", hint="Run `convstore init`, or correct the table's name.")
    return advise("ERR_VERIFY_FAILED")


def compare_table(
    connection: Connection, relation: Relation | None, wanted: ExpectedTable
) -> Iterator[TableDifference]:
    """Every difference between a table and what is expected of it, each with the SQL that repairs it."""
    if relation is None:
        yield TableDifference(
            category=4, subject="table", name=wanted.name, expected="exists", found="missing", fix_sql=wanted.definition
        )
        return
    alter = sql.SQL("ALTER TABLE {} ").format(relation.identifier).as_string(connection)
    yield from _compare_columns(relation, wanted, alter)
    yield from _compare_indexes(connection, relation, wanted)
    yield from _compare_constraints(connection, relation, wanted, alter)
    yield from _compare_policies(connection, relation, wanted, alter)


def _compare_columns(relation: Relation, wanted: ExpectedTable, alter: str) -> Iterator[TableDifference]:
    for column in wanted.columns:
        name = sql.Identifier(column.name).as_string(None)
        found = relation.columns.get(column.name)
        if found is None:
            definition = column.definition or f"{name} {column.type}" + (
                " NOT NULL" if column.nullable is False else ""
            )
            yield TableDifference(
                category=3, subject="column", name=column.name, expected=column.type, found="missing",
                fix_sql=f"{alter}ADD COLUMN {definition}",
            )  # fmt: skip
            continue
        kind = normal_type(column.type)
        if kind != found.type:
            yield TableDifference(
                category=3, subject="type", name=column.name, expected=kind, found=found.type,
                fix_sql=f"{alter}ALTER COLUMN {name} TYPE {kind} USING {name}::{kind}",
            )  # fmt: skip
        if column.nullable is not None and column.nullable != found.nullable:
            words = {True: "nullable", False: "not null"}
            yield TableDifference(
                # Nulls that nobody expects break readers; a refusal that nobody expects breaks writers.
                category=3, subject="nullability", name=column.name, expected=words[column.nullable],
                found=words[found.nullable],
                fix_sql=f"{alter}ALTER COLUMN {name} {'DROP' if column.nullable else 'SET'} NOT NULL",
            )  # fmt: skip
    if wanted.columns:
        for name in relation.columns.keys() - {column.name for column in wanted.columns}:
            extra = relation.columns[name]
            needed = not extra.nullable and extra.default is None and not extra.generated
            yield TableDifference(
                category=3 if needed else 2, subject="column", name=name, expected="no such column", found=extra.type
            )


def _compare_indexes(connection: Connection, relation: Relation, wanted: ExpectedTable) -> Iterator[TableDifference]:
    present = {index.name: index for index in list_indexes(connection, relation)}
    for index in wanted.indexes:
        columns = ", ".join(index.columns)
        found = present.get(index.name)
        create = index.definition
        if create is None and index.columns:
            create = (
                sql.SQL("CREATE {}INDEX {} ON {} ({})")
                .format(
                    sql.SQL("UNIQUE " if index.unique else ""),
                    sql.Identifier(index.name),
                    relation.identifier,
                    sql.SQL(", ").join(map(sql.Identifier, index.columns)),
                )
                .as_string(connection)
            )
        drop = sql.SQL("DROP INDEX {}; ").format(sql.Identifier(relation.schema, index.name)).as_string(connection)
        if found is None:
            yield TableDifference(
                category=3 if index.unique else 2, subject="index", name=index.name, expected=columns or "exists",
                found="missing", fix_sql=create,
            )  # fmt: skip
        elif not found.valid:
            fix = sql.SQL("REINDEX INDEX {}").format(sql.Identifier(relation.schema, index.name)).as_string(connection)
            yield TableDifference(
                category=3 if index.unique else 2, subject="index", name=index.name, expected="valid",
                found="invalid: its build did not end", fix_sql=fix,
            )  # fmt: skip
        elif index.columns and (found.columns != index.columns or found.unique != index.unique):
            yield TableDifference(
                category=3 if index.unique and not found.unique else 2, subject="index", name=index.name,
                expected=f"{'unique ' if index.unique else ''}{columns}",
                found=f"{'unique ' if found.unique else ''}{', '.join(found.columns)}",
                fix_sql=drop + create if create else None,
            )  # fmt: skip


def _compare_constraints(
    connection: Connection, relation: Relation, wanted: ExpectedTable, alter: str
) -> Iterator[TableDifference]:
    present = {constraint.name: constraint for constraint in list_constraints(connection, relation)}
    for constraint in wanted.constraints:
        expected = f"{constraint.kind} ({', '.join(constraint.columns)})" if constraint.columns else constraint.kind
        expected += f" to {constraint.references}" if constraint.references else ""
        name = sql.Identifier(constraint.name).as_string(connection)
        definition = constraint.definition
        if definition is None and constraint.columns and constraint.kind in ("primary key", "unique"):
            columns = sql.SQL(", ").join(map(sql.Identifier, constraint.columns)).as_string(connection)
            definition = f"CONSTRAINT {name} {constraint.kind.upper()} ({columns})"
        found = present.get(constraint.name)
        if found is None:
            yield TableDifference(
                category=3, subject="constraint", name=constraint.name, expected=expected, found="missing",
                fix_sql=f"{alter}ADD {definition}" if definition else None,
            )  # fmt: skip
        elif (
            found.kind != constraint.kind
            or (constraint.columns and set(found.columns) != set(constraint.columns))
            or (constraint.references and found.references != constraint.references)
        ):
            yield TableDifference(
                category=3, subject="constraint", name=constraint.name, expected=expected, found=found.definition,
                fix_sql=f"{alter}DROP CONSTRAINT {name}; {alter}ADD {definition}" if definition else None,
            )  # fmt: skip


def _compare_policies(
    connection: Connection, relation: Relation, wanted: ExpectedTable, alter: str
) -> Iterator[TableDifference]:
    if wanted.row_level_security is not None:
        on = fetch(connection, "SELECT relrowsecurity AS on FROM pg_class WHERE oid = $1::oid", [relation.oid])[0]["on"]
        if on != wanted.row_level_security:
            words = {True: "on", False: "off"}
            yield TableDifference(
                category=3, subject="row-level security", name=relation.label,
                expected=words[wanted.row_level_security], found=words[on],
                fix_sql=f"{alter}{'ENABLE' if wanted.row_level_security else 'DISABLE'} ROW LEVEL SECURITY",
            )  # fmt: skip
    if wanted.policies is None:
        return
    present = {policy.name: policy for policy in list_policies(connection, relation)}
    for name in sorted(set(wanted.policies) - set(present)):
        yield TableDifference(category=3, subject="policy", name=name, expected="exists", found="missing")
    for name in sorted(set(present) - set(wanted.policies)):
        # Policies are ORed: one more can only open the table.
        yield TableDifference(
            category=3 if present[name].permissive else 2, subject="policy", name=name, expected="no such policy",
            found=f"{present[name].command} to {', '.join(present[name].roles)}",
            fix_sql=sql.SQL("DROP POLICY {} ON {}")
            .format(sql.Identifier(name), relation.identifier)
            .as_string(connection),
        )  # fmt: skip
